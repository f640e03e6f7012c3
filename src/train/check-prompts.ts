/** Is the model asked what it was trained on? A template that writes prompts differently when asking teaches in vain. */
import { createChatRenderer } from "../data/chat-renderer.ts";
import { createPromptCheck } from "../data/example-checks.ts";
import type { DataRecord } from "../data/records.ts";
import type { Finding } from "../health/finding.ts";
import { TEMPLATE_DATE } from "./prompt.ts";
import type { TrainingSession } from "./session.ts";

/** Records looked at: each is rendered several times. */
const SAMPLE = 64;

/** The finding on the chat template, for records that go through one; none without. */
export async function checkPrompts(session: TrainingSession, records: readonly DataRecord[]): Promise<Finding[]> {
  const chats = records.filter(({ kind }) => kind === "conversation" || kind === "completion");
  if (chats.length === 0) return [];
  const tokenizer = await session.tokenizer();
  if (tokenizer.chatTemplates.size === 0) return [];
  const check = createPromptCheck(createChatRenderer(tokenizer, TEMPLATE_DATE));
  const sample = chats.filter((_, i) => i % Math.ceil(chats.length / SAMPLE) === 0);
  const different = sample.flatMap((record) => check(record) ?? []);
  const [first] = different;
  if (!first) {
    const evidence = `In ${sample.length} records looked at, the text before an answer is the same in training and when asked.`;
    return [{ id: "prompts", level: "good", title: "Asked as trained", evidence }];
  }
  return [
    {
      ...{ id: "prompts", level: 2 * different.length > sample.length ? "warn" : "note" },
      title: "Trained on another prompt than asked",
      evidence:
        `In ${different.length} of ${sample.length} records looked at, training shows ${JSON.stringify(first.trained)} ` +
        `where asking shows ${JSON.stringify(first.asked)}.`,
      fix: "Often harmless for reasoning models. If answers come out odd, keep one question and one answer per record.",
    },
  ];
}
