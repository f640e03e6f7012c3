/** A question as the model expects it: through its chat template where it has one, else as plain text. */
import { compileChatTemplate, renderChat } from "../tokenizer/chat-template.ts";
import { chooseChatTemplate } from "../tokenizer/chat-templates.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** The date templates may print: fixed, so that one prompt gives one answer. */
export const TEMPLATE_DATE = new Date("2024-07-26T00:00:00Z");

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Ids of a conversation up to where the answer begins. */
export function promptIds(tokenizer: Tokenizer, messages: readonly Message[]): number[] {
  const source = chooseChatTemplate(tokenizer.chatTemplates, false);
  if (source === undefined) {
    const text = messages.map(({ content }) => content).join("\n");
    return tokenizer.encode(text, { addSpecialTokens: true }).ids;
  }
  const { bos, eos, pad, unk } = tokenizer.special;
  const text = renderChat(compileChatTemplate(source, "tokenizer"), {
    messages: messages.map((message) => ({ ...message })),
    add_generation_prompt: true,
    bos_token: bos?.content,
    eos_token: eos?.content,
    pad_token: pad?.content,
    unk_token: unk?.content,
    now: TEMPLATE_DATE,
  });
  // The template has written bos and its like already.
  return tokenizer.encode(text, { addSpecialTokens: false }).ids;
}
