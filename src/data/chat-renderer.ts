/** Conversations through the model's own chat template: each template is compiled once, the last texts are remembered. */
import {
  type ChatTemplate,
  compileChatTemplate,
  type GenerationMarks,
  renderChat,
} from "../tokenizer/chat-template.ts";
import { chooseChatTemplate } from "../tokenizer/chat-templates.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatMessage } from "./messages.ts";
import type { Conversation } from "./records.ts";

/** What of a record a template sees beside the messages. */
export type ChatFrame = Pick<Conversation, "tools" | "variables">;

export interface ChatRenderer {
  /** Whether the model has a template for this record. */
  knows(frame: ChatFrame): boolean;
  /** @throws DataError with the template's reason. */
  render(
    frame: ChatFrame,
    messages: readonly ChatMessage[],
    options: { readonly generationPrompt: boolean; readonly marks?: GenerationMarks },
  ): string;
}

/** Texts kept: the whole and the prompts of one record, which its checks ask for once more. */
const REMEMBERED = 16;

export function createChatRenderer(tokenizer: Tokenizer, now: Date): ChatRenderer {
  const compiled = new Map<string, ChatTemplate>();
  const texts = new Map<string, string>();
  const { bos, eos, pad, unk } = tokenizer.special;
  const tokens = {
    bos_token: bos?.content,
    eos_token: eos?.content,
    pad_token: pad?.content,
    unk_token: unk?.content,
  };
  const sourceFor = ({ tools }: ChatFrame) => chooseChatTemplate(tokenizer.chatTemplates, tools !== undefined);
  const templateOf = (source: string) => {
    const template = compiled.get(source) ?? compileChatTemplate(source, "tokenizer");
    compiled.set(source, template);
    return template;
  };

  return {
    knows: (frame) => sourceFor(frame) !== undefined,
    render({ tools, variables }, messages, { generationPrompt: add_generation_prompt, marks }) {
      const context = { messages, tools, variables, add_generation_prompt };
      const fresh = () => renderChat(templateOf(sourceFor({ tools })!), { ...context, ...tokens, now }, marks);
      // Marked texts are looked at once.
      if (marks) return fresh();
      const key = JSON.stringify(context);
      const known = texts.get(key);
      if (known !== undefined) return known;
      const text = fresh();
      if (texts.size === REMEMBERED) texts.delete(texts.keys().next().value!);
      texts.set(key, text);
      return text;
    },
  };
}
