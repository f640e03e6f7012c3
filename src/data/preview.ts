/**
 * One example as the model will see it, cut into pieces that can be coloured, and one line about a record for a table.
 * A piece is one token, except where tokens share a character (byte-level tokenizers split emoji and rare scripts into
 * bytes): these are one piece with several ids, so that every piece is readable text.
 */

import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { createEncoder, type EncodeOptions, type Example, NO_LOSS } from "./encode.ts";
import type { DataRecord, Form } from "./records.ts";

export interface Piece {
  /** May be empty: a token without text of its own. */
  readonly text: string;
  readonly ids: readonly number[];
  /** One of its tokens carries loss. Never true behind the cut. */
  readonly supervised: boolean;
  /** A token such as the end of a turn. */
  readonly special: boolean;
}

export interface Preview {
  readonly line: number;
  /** Their texts, end to end, are exactly the decoded example, before the cut. */
  readonly pieces: readonly Piece[];
  /** Tokens that the model sees, after the cut, and those of them that carry loss. */
  readonly tokens: number;
  readonly supervised: number;
  /** Index of the first piece that the model does not see in full; null when nothing is cut off. */
  readonly truncatedAt: number | null;
}

export type PreviewOptions = Pick<EncodeOptions, "maxSeqLength" | "maskPrompt" | "vocabSize" | "now">;

/**
 * The example of `record`. Works also for records that the doctor drops because nothing in them carries loss.
 * @throws DataError when the template refuses the record or ids are outside the vocabulary.
 */
export function previewExample(record: DataRecord, tokenizer: Tokenizer, options: PreviewOptions): Preview {
  const uncut = { ...options, where: "", maxSeqLength: Number.MAX_SAFE_INTEGER };
  const encoded = createEncoder(tokenizer, uncut).encode(record);
  const { ids, labels } = typeof encoded === "string" ? unsupervised(record, tokenizer, uncut) : encoded;
  const limit = Math.min(ids.length, options.maxSeqLength);
  const isSupervised = (i: number) => i < limit && labels[i] !== NO_LOSS;
  const pieces: Piece[] = [];
  let truncatedAt: number | null = null;
  let trimStart = tokenizer.dropsLeadingSpace;
  for (const { begin, end, text } of charactersOf(ids, tokenizer)) {
    if (truncatedAt === null && end > limit) truncatedAt = pieces.length;
    const places = Array.from({ length: end - begin }, (_, i) => begin + i);
    pieces.push({
      text: trimStart && text.startsWith(" ") ? text.slice(1) : text,
      ids: Array.from(ids.subarray(begin, end)),
      supervised: places.some(isSupervised),
      special: places.some((i) => tokenizer.isSpecial(ids[i]!)),
    });
    if (text !== "") trimStart = false;
  }
  const supervised = labels.subarray(0, limit).reduce((sum, label) => sum + (label === NO_LOSS ? 0 : 1), 0);
  return { line: record.line, pieces, tokens: limit, supervised, truncatedAt };
}

/** Ids of a record without any loss: encoded with loss on everything, which is then taken away. */
function unsupervised(
  record: DataRecord,
  tokenizer: Tokenizer,
  options: EncodeOptions,
): Pick<Example, "ids" | "labels"> {
  const open = record.kind === "tokens" ? { ...record, labels: record.input_ids } : record;
  const encoded = createEncoder(tokenizer, { ...options, maskPrompt: false }).encode(open);
  const ids = typeof encoded === "string" ? new Uint32Array() : encoded.ids;
  return { ids, labels: new Int32Array(ids.length).fill(NO_LOSS) };
}

interface Characters {
  /** Tokens [begin, end). */
  readonly begin: number;
  readonly end: number;
  readonly text: string;
}

/** The tokens in groups that begin and end between characters; a broken character is a group that reads U+FFFD. */
function* charactersOf(ids: Uint32Array, tokenizer: Tokenizer): Generator<Characters> {
  const group = { begin: 0, bytes: [] as number[] };
  const pending = new PendingCharacter();
  const close = (end: number): Characters => {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(group.bytes));
    const done = { begin: group.begin, end, text };
    group.begin = end;
    group.bytes = [];
    return done;
  };
  for (let i = 0; i < ids.length; i++) {
    const bytes = tokenizer.tokenBytes(ids[i]!) ?? new Uint8Array();
    if (group.begin < i && bytes.length > 0 && !pending.accepts(bytes[0]!)) yield close(i);
    for (const byte of bytes) {
      pending.push(byte);
      group.bytes.push(byte);
    }
    if (!pending.isOpen) yield close(i + 1);
  }
  if (group.begin < ids.length) yield close(ids.length);
}

/** Whether bytes of a UTF-8 character are missing, as the decoder of https://encoding.spec.whatwg.org sees it. */
class PendingCharacter {
  private needed = 0;
  private lowest = 0x80;
  private highest = 0xbf;

  get isOpen(): boolean {
    return this.needed > 0;
  }

  /** Whether `byte` continues the open character. */
  accepts(byte: number): boolean {
    return this.needed > 0 && byte >= this.lowest && byte <= this.highest;
  }

  push(byte: number): void {
    const continues = this.accepts(byte);
    this.lowest = 0x80;
    this.highest = 0xbf;
    if (continues) {
      this.needed--;
      return;
    }
    this.needed = byte < 0xc2 || byte > 0xf4 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte === 0xe0) this.lowest = 0xa0;
    if (byte === 0xed) this.highest = 0x9f;
    if (byte === 0xf0) this.lowest = 0x90;
    if (byte === 0xf4) this.highest = 0x8f;
  }
}

/** A record in one line of a table. */
export interface RecordRow {
  readonly line: number;
  readonly form: Form;
  /** What is asked before the last answer; empty for plain text and token ids. */
  readonly prompt: string;
  /** The last answer, the text, or the number of token ids. */
  readonly answer: string;
  /** Messages; 1 for plain text and token ids. */
  readonly turns: number;
}

/** Texts are cut to `length` characters, white space in one piece. */
export function recordRow(record: DataRecord, length = 200): RecordRow {
  const { line, form } = record;
  const short = (text: string) => shorten(text, length);
  if (record.kind === "text") return { line, form, prompt: "", answer: short(record.text), turns: 1 };
  if (record.kind === "tokens")
    return { line, form, prompt: "", answer: `${record.input_ids.length} token ids`, turns: 1 };
  if (record.kind === "completion") {
    return { line, form, prompt: short(record.prompt), answer: short(record.completion), turns: 2 };
  }
  const { messages } = record;
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  const asked = messages.slice(0, last).findLast(({ role }) => role === "user" || role === "tool");
  const { content, tool_calls } = messages[last]!;
  const calls = (tool_calls ?? []).map((call) => `${(call.function as { name: string }).name}(…)`).join(", ");
  const answer = content === null || content.trim() === "" ? calls : content;
  return { line, form, prompt: short(asked?.content ?? ""), answer: short(answer), turns: messages.length };
}

function shorten(text: string, length: number): string {
  const flat = text
    .slice(0, 4 * length)
    .replace(/\s+/g, " ")
    .trim();
  return flat.length > length || text.length > 4 * length
    ? `${flat
        .slice(0, length - 1)
        .replace(/[\ud800-\udbff]$/, "")
        .trimEnd()}…`
    : flat;
}
