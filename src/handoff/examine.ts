/** The records of a file as both tools need to know them: what we train of each, its messages, and how another's mask differs. */
import { type ChatFrame, type ChatRenderer, createChatRenderer } from "../data/chat-renderer.ts";
import { createEncoder, DEFAULT_DATE, type Example } from "../data/encode.ts";
import type { ChatMessage } from "../data/messages.ts";
import type { DataRecord } from "../data/records.ts";
import { noTokenizer } from "../tokenizer/no-tokenizer.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { HandoffSet } from "./job.ts";
import { type OtherView, viewChat, viewText } from "./other-mask.ts";

/** What a record can be written as, beside its tokens. */
export type Shape =
  /** `answers`: messages that carry loss, or that would if the prompt were masked. */
  | {
      readonly kind: "chat";
      readonly messages: readonly ChatMessage[];
      readonly answers: number;
      readonly frame: ChatFrame;
    }
  /** For a model without a chat template. */
  | { readonly kind: "pair"; readonly prompt: string; readonly completion: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "tokens" };

export interface Examined {
  readonly record: DataRecord;
  readonly example: Example;
  readonly shape: Shape;
  /** Null for tokens, and for a conversation that the template does not render without its answer. */
  readonly view: OtherView | null;
}

export interface ExaminedSet {
  readonly name: string;
  /** Those that training keeps, in the file's order. */
  readonly kept: readonly Examined[];
  readonly dropped: number;
}

export interface ExamineOptions {
  readonly tokenizer: Tokenizer | null;
  /** Knob and model together. */
  readonly maxSeqLength: number;
  readonly maskPrompt: boolean;
  readonly vocabSize: number;
}

/** Throws DataError for a record that the template refuses. */
export function examineSet({ name, records }: HandoffSet, options: ExamineOptions): ExaminedSet {
  const tokenizer = options.tokenizer ?? noTokenizer;
  const chat = createChatRenderer(tokenizer, DEFAULT_DATE);
  const encoder = createEncoder(tokenizer, { ...options, where: name }, chat);
  const kept = records.flatMap((record): Examined[] => {
    const example = encoder.encode(record);
    if (typeof example === "string") return [];
    const shape = shapeOf(record, chat, options.maskPrompt);
    return [{ record, example, shape, view: viewOf(shape, chat, tokenizer, options.maskPrompt) }];
  });
  return { name, kept, dropped: records.length - kept.length };
}

function shapeOf(record: DataRecord, chat: ChatRenderer, maskPrompt: boolean): Shape {
  switch (record.kind) {
    case "tokens":
      return { kind: "tokens" };
    case "text":
      return { kind: "text", text: record.text };
    case "completion": {
      const { prompt, completion } = record;
      if (!chat.knows(record)) return { kind: "pair", prompt, completion };
      const messages = [
        { role: "user", content: prompt } as const,
        { role: "assistant", content: completion } as const,
      ];
      return { kind: "chat", messages, answers: 1, frame: record };
    }
    case "conversation": {
      const { messages, train } = record;
      // What stands behind the last trained answer is seen by no token that carries loss.
      const end = maskPrompt ? train.lastIndexOf(true) + 1 : messages.length;
      const answers = train.filter(Boolean).length;
      return { kind: "chat", messages: messages.slice(0, end), answers, frame: record };
    }
  }
}

function viewOf(shape: Shape, chat: ChatRenderer, tokenizer: Tokenizer, maskPrompt: boolean): OtherView | null {
  switch (shape.kind) {
    case "tokens":
      return null;
    case "text":
      return viewText(tokenizer, "", shape.text);
    case "pair":
      return viewText(
        tokenizer,
        maskPrompt ? shape.prompt : "",
        maskPrompt ? shape.completion : shape.prompt + shape.completion,
      );
    case "chat": {
      try {
        // mlx-lm does not hand on what a record says to its template.
        return viewChat(chat, tokenizer, { tools: shape.frame.tools }, shape.messages, maskPrompt);
      } catch {
        // The template refuses the part before the answer, or arguments that are not text.
        return null;
      }
    }
  }
}
