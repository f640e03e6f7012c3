/**
 * Which tokens another tool would train of a record, beside those we train. mlx-lm's `mask_prompt` and TRL's
 * prompt-completion form do the same: the conversation is rendered, the part before the last answer is rendered by itself
 * with the generation prompt, and every token from that many on carries loss.
 */
import type { ChatFrame, ChatRenderer } from "../data/chat-renderer.ts";
import { type Example, NO_LOSS } from "../data/encode.ts";
import type { ChatMessage } from "../data/messages.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** A record as another tool sees it. */
export interface OtherView {
  readonly ids: readonly number[];
  /** Tokens from here on carry loss. */
  readonly from: number;
}

/** How its tokens with loss differ from ours. */
export interface MaskDifference {
  readonly ours: number;
  readonly theirs: number;
  /** Ours alone. */
  readonly missed: number;
  /** Theirs alone, behind all of ours: what a template writes after the end of a turn. */
  readonly tail: number;
  /** Theirs alone, elsewhere. */
  readonly extra: number;
  /** The tokens themselves differ, so that theirs alone were counted. */
  readonly rendered: boolean;
}

/** Of messages whose last one is an answer. `masked`: loss on that answer alone. */
export function viewChat(
  chat: ChatRenderer,
  tokenizer: Tokenizer,
  frame: ChatFrame,
  messages: readonly ChatMessage[],
  masked: boolean,
): OtherView {
  const encode = (turns: readonly ChatMessage[], generationPrompt: boolean) =>
    tokenizer.encode(chat.render(frame, turns, { generationPrompt }), { addSpecialTokens: false }).ids;
  const ids = encode(messages, false);
  const asks = messages.at(-1)?.role === "assistant";
  return { ids, from: masked ? encode(messages.slice(0, -1), asks).length : 0 };
}

/** Of plain text, with the end-of-text token that both tools add. */
export function viewText(tokenizer: Tokenizer, prompt: string, rest: string): OtherView {
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: true }).ids;
  const ids = encode(prompt + rest);
  const { eos } = tokenizer.special;
  if (eos !== undefined && ids.at(-1) !== eos.id) ids.push(eos.id);
  return { ids, from: prompt === "" ? 0 : encode(prompt).length };
}

/** Compares what is left of both after the cut at `maxSeqLength`. Nothing predicts the first token. */
export function compareMasks({ ids, labels }: Example, view: OtherView, maxSeqLength: number): MaskDifference {
  const theirs = view.ids.slice(0, maxSeqLength);
  const from = Math.max(1, view.from);
  const carries = (at: number) => at >= from && at < theirs.length;
  const total = Math.max(0, theirs.length - from);
  // A conversation that was cut off after its last trained answer has the same tokens up to there.
  const shared = Math.min(theirs.length, ids.length);
  const rendered = theirs.slice(0, shared).some((id, at) => id !== ids[at]);
  const ours = labels.reduce((sum, label) => sum + Number(label !== NO_LOSS), 0);
  if (rendered) return { ours, theirs: total, missed: ours, tail: 0, extra: total, rendered };

  const last = labels.findLastIndex((label) => label !== NO_LOSS);
  let [missed, tail, extra] = [0, 0, 0];
  for (let at = 0; at < Math.max(theirs.length, ids.length); at++) {
    const here = at < ids.length && labels[at] !== NO_LOSS;
    if (here === carries(at)) continue;
    if (here) missed++;
    else if (at > last) tail++;
    else extra++;
  }
  return { ours, theirs: total, missed, tail, extra, rendered };
}
