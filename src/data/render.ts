/** Record → text and the spans of it that carry loss. */

import { dataError } from "../core/errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { assistantSpans, type Render, type Span } from "./assistant-spans.ts";
import { type ChatRenderer, createChatRenderer } from "./chat-renderer.ts";
import type { ChatMessage } from "./messages.ts";
import type { Completion, Conversation, PlainText } from "./records.ts";

export interface Rendered {
  readonly text: string;
  /** [begin, end) in UTF-16 units of `text`, in order. */
  readonly spans: readonly Span[];
  /** Whether the tokenizer adds bos and its like; a chat template has written them already. */
  readonly addSpecialTokens: boolean;
  /** Whether eos is added where it is missing; it carries loss. */
  readonly appendEos: boolean;
}

export interface RenderOptions {
  /** Loss on the answers only (true) or on everything. */
  readonly maskPrompt: boolean;
  /** The date that templates may print. */
  readonly now: Date;
}

export interface Renderer {
  /** @throws DataError with the template's reason, or when there is no template for a conversation. */
  render(record: Conversation | Completion | PlainText): Rendered;
}

/** `chat`: one that others use as well. */
export function createRenderer(
  tokenizer: Tokenizer,
  { maskPrompt, now }: RenderOptions,
  chat: ChatRenderer = createChatRenderer(tokenizer, now),
): Renderer {
  const specials = specialsPattern(tokenizer);

  const renderConversation = (given: Turns): Rendered => {
    const render: Render = (messages, how) => chat.render(given, messages, how);
    const { record, text } = renderWithArguments(given, render);
    const spans = maskPrompt ? assistantSpans(text, record, render, specials) : whole(text);
    return { text, spans, addSpecialTokens: false, appendEos: false };
  };

  return {
    render(record) {
      if (record.kind === "text") {
        return { text: record.text, spans: whole(record.text), addSpecialTokens: true, appendEos: true };
      }
      const known = chat.knows(record);
      if (record.kind === "conversation") {
        if (known) return renderConversation(record);
        throw dataError(
          "expected a model with a chat template for a conversation, got one without",
          "Use the model's instruct or chat variant, or records of prompt + completion or text.",
        );
      }
      if (known) return renderConversation(asTurns(record));
      const text = record.prompt + record.completion;
      const spans: Span[] = maskPrompt ? [[record.prompt.length, text.length]] : whole(text);
      return { text, spans, addSpecialTokens: true, appendEos: true };
    },
  };
}

type Turns = Pick<Conversation, "messages" | "train" | "tools" | "variables">;

const asTurns = (record: Completion): Turns => ({
  messages: [
    { role: "user", content: record.prompt },
    { role: "assistant", content: record.completion },
  ],
  train: [false, true],
  tools: record.tools,
  variables: record.variables,
});

/**
 * Most templates want the arguments of tool calls as objects; some (DeepSeek) paste them as text. There the library fails
 * or prints "[object Map]", and JSON text is what the template needs.
 */
function renderWithArguments(record: Turns, render: Render): { record: Turns; text: string } {
  const plain = () => render(record.messages, { generationPrompt: false });
  if (!record.messages.some((message) => message.tool_calls)) return { record, text: plain() };
  let failure: unknown;
  try {
    const text = plain();
    if (!text.includes("[object Map]")) return { record, text };
  } catch (error) {
    failure = error;
  }
  const withText = { ...record, messages: record.messages.map(withTextArguments) };
  try {
    const text = render(withText.messages, { generationPrompt: false });
    if (!text.includes("[object Map]")) return { record: withText, text };
  } catch (error) {
    failure ??= error;
  }
  throw failure ?? dataError("chat template: it prints an object as if it were text");
}

function withTextArguments(message: ChatMessage): ChatMessage {
  if (!message.tool_calls) return message;
  const tool_calls = message.tool_calls.map((call) => {
    const inner = call.function as { arguments?: unknown };
    const text = typeof inner.arguments === "string" ? inner.arguments : JSON.stringify(inner.arguments ?? {});
    return { ...call, function: { ...inner, arguments: text } };
  });
  return { ...message, tool_calls };
}

const whole = (text: string): Span[] => [[0, text.length]];

/** Finds any special token; a pattern that matches nothing when there is none. */
function specialsPattern(tokenizer: Tokenizer): RegExp {
  const eos = tokenizer.special.eos?.content;
  const contents = eos === undefined ? tokenizer.specialContents : [...tokenizer.specialContents, eos];
  const escaped = contents.filter((text) => text !== "").map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(escaped.length === 0 ? "(?!)" : escaped.join("|"), "g");
}
