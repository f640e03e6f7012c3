/** Two questions to ask of an encoded record: does the model learn where to stop, and is it asked what it was trained on? */

import { LorikeetError } from "../core/errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatRenderer } from "./chat-renderer.ts";
import { type Example, NO_LOSS } from "./encode.ts";
import type { ChatMessage } from "./messages.ts";
import type { DataRecord } from "./records.ts";

/**
 * The first run of supervised tokens that does not end with a special token (white space after it aside), as text; null
 * when all do. `example` must be uncut. Without a tokenizer nothing is known, so nothing is said.
 */
export function unlearnedEnd({ ids, labels }: Example, tokenizer: Tokenizer): string | null {
  if (tokenizer.vocabSize === 0) return null;
  const isEnd = (id: number) => id === tokenizer.special.eos?.id || tokenizer.isSpecial(id);
  const isBlank = (id: number) => tokenizer.decode([id]).trim() === "";
  let begin = 0;
  for (let end = 1; end <= labels.length; end++) {
    if (labels[end - 1] === NO_LOSS) begin = end;
    if (begin === end || (end < labels.length && labels[end] !== NO_LOSS)) continue;
    let last = end - 1;
    while (last > begin && !isEnd(ids[last]!) && isBlank(ids[last]!)) last--;
    if (!isEnd(ids[last]!)) return tokenizer.decode(ids.subarray(Math.max(begin, end - 8), end));
  }
  return null;
}

export interface PromptDifference {
  /** The answer's number within the record, from 1. */
  readonly answer: number;
  /** Where the two texts part: what training shows, and what asking shows. */
  readonly trained: string;
  readonly asked: string;
}

export type PromptCheck = (record: DataRecord) => PromptDifference | null;

const EXCERPT = 40;

/**
 * A check that compares, for each trained answer, the beginning of the conversation as it is trained with the prompt that
 * inference would use. Null for records without a template, and for prompts that the template refuses.
 */
export function createPromptCheck(chat: ChatRenderer): PromptCheck {
  return (record) => {
    if ((record.kind !== "conversation" && record.kind !== "completion") || !chat.knows(record)) return null;
    const messages = record.kind === "conversation" ? record.messages : asMessages(record.prompt, record.completion);
    const train = record.kind === "conversation" ? record.train : [false, true];
    return firstDifference(messages, train, (part, generationPrompt) => {
      try {
        return chat.render(record, part, { generationPrompt });
      } catch (error) {
        if (error instanceof LorikeetError) return null;
        throw error;
      }
    });
  };
}

const asMessages = (prompt: string, completion: string): ChatMessage[] => [
  { role: "user", content: prompt },
  { role: "assistant", content: completion },
];

function firstDifference(
  messages: readonly ChatMessage[],
  train: readonly boolean[],
  render: (part: readonly ChatMessage[], generationPrompt: boolean) => string | null,
): PromptDifference | null {
  const whole = render(messages, false);
  if (whole === null) return null;
  let answer = 0;
  for (const [i, message] of messages.entries()) {
    if (message.role !== "assistant") continue;
    answer++;
    // Asking begins with a question; an answer that opens a conversation is never asked for.
    if (!train[i] || i === 0) continue;
    const prompt = render(messages.slice(0, i), true);
    if (prompt === null || whole.startsWith(prompt)) continue;
    let at = 0;
    while (prompt[at] === whole[at]) at++;
    return { answer, trained: whole.slice(at, at + EXCERPT), asked: prompt.slice(at, at + EXCERPT) };
  }
  return null;
}
