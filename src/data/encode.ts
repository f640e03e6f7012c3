/** Records → examples: token ids and labels, cut to the context, with a report of what was kept and what was not. */

import { dataError, LorikeetError, Problems } from "../core/errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Span } from "./assistant-spans.ts";
import type { ChatRenderer } from "./chat-renderer.ts";
import type { DataRecord, Form } from "./records.ts";
import { createRenderer, type Renderer } from "./render.ts";

/** No loss on this token. */
export const NO_LOSS = -100;

export interface Example {
  readonly ids: Uint32Array;
  /** Same length; label t is ids[t] or −100, aligned with ids as in transformers. The first is always −100. */
  readonly labels: Int32Array;
  /** Line of the record in its file. */
  readonly line: number;
  /** Tokens were cut off on the right. */
  readonly truncated: boolean;
  /** Labels that are not −100. */
  readonly supervised: number;
}

export interface EncodeOptions {
  /** For messages: the name of the file. */
  readonly where: string;
  /** Longest example; what is beyond is cut off on the right. */
  readonly maxSeqLength: number;
  /** Loss on the answers only (true) or on all tokens. Plain text always has loss on all. */
  readonly maskPrompt: boolean;
  /** The model's vocabulary size; ids at or above it cannot be embedded. */
  readonly vocabSize: number;
  /** The date that chat templates may print; the same for all records and both sides of a comparison. */
  readonly now?: Date;
}

/** Why an example was left out. */
export type DropReason = "no token carries loss" | "cut off before its answer";

export interface DatasetReport {
  readonly records: number;
  readonly kept: number;
  /** Lines of the examples that were cut. */
  readonly truncated: readonly number[];
  readonly dropped: Readonly<Record<DropReason, readonly number[]>>;
  readonly forms: Readonly<Partial<Record<Form, number>>>;
  /** Of the kept examples. */
  readonly tokens: number;
  readonly supervised: number;
  /** In tokens, of the kept examples; 0 without any. */
  readonly length: { readonly min: number; readonly median: number; readonly max: number };
}

export interface EncodedDataset {
  readonly examples: readonly Example[];
  readonly report: DatasetReport;
}

/** The date that chat templates print where none is given. */
export const DEFAULT_DATE = new Date("2024-07-26T00:00:00Z");

/**
 * Encodes all records.
 * @throws DataError listing every record that cannot be used: refused by the template, or with ids outside the vocabulary.
 */
export function encodeDataset(
  records: readonly DataRecord[],
  tokenizer: Tokenizer,
  options: EncodeOptions,
): EncodedDataset {
  const result = tryEncodeDataset(records, tokenizer, options);
  result.problems.throwIfAny("data", options.where, result.hint);
  return result;
}

/** The same without throwing: faulty records are in `problems`, all others are encoded. For the dataset doctor. */
export function tryEncodeDataset(
  records: readonly DataRecord[],
  tokenizer: Tokenizer,
  options: EncodeOptions,
): EncodedDataset & { readonly problems: Problems; readonly hint: string | undefined } {
  const encoder = createEncoder(tokenizer, options);
  const problems = new Problems();
  const encoded: Example[] = [];
  const dropped: Record<DropReason, number[]> = { "no token carries loss": [], "cut off before its answer": [] };
  let hint: string | undefined;
  for (const record of records) {
    try {
      const example = encoder.encode(record);
      if (typeof example === "string") dropped[example].push(record.line);
      else encoded.push(example);
    } catch (error) {
      if (!(error instanceof LorikeetError)) throw error;
      problems.add(`${options.where} line ${record.line}: ${error.message}`);
      hint ??= error.hint;
    }
  }
  return { examples: encoded, report: makeReport(records, encoded, dropped), problems, hint };
}

export interface Encoder {
  /** The example, or why there is none. @throws DataError when the record cannot be used. */
  encode(record: DataRecord): Example | DropReason;
}

/** An encoder for one record at a time, for previews. `chat`: a renderer for the same date that others use as well. */
export function createEncoder(tokenizer: Tokenizer, options: EncodeOptions, chat?: ChatRenderer): Encoder {
  const { maskPrompt, now = DEFAULT_DATE } = options;
  const renderer = createRenderer(tokenizer, { maskPrompt, now }, chat);
  return {
    encode(record) {
      const { ids, labels } =
        record.kind === "tokens"
          ? { ids: [...record.input_ids], labels: [...record.labels] }
          : encodeText(record, renderer, tokenizer);
      // Nothing comes before the first token, so nothing predicts it.
      labels[0] = NO_LOSS;
      checkIds(ids, labels, options.vocabSize);
      return cut(ids, labels, record.line, options.maxSeqLength);
    },
  };
}

interface Labelled {
  readonly ids: number[];
  readonly labels: number[];
}

function encodeText(
  record: Exclude<DataRecord, { kind: "tokens" }>,
  renderer: Renderer,
  tokenizer: Tokenizer,
): Labelled {
  const { text, spans, addSpecialTokens, appendEos } = renderer.render(record);
  const { ids, offsets } = tokenizer.encode(text, { addSpecialTokens });
  const isCovered = coverage(spans);
  const labels = ids.map((id, i) => (isCovered(offsets[i]!) ? id : NO_LOSS));
  const { eos } = tokenizer.special;
  if (appendEos && eos !== undefined) {
    const end = ids.at(-1) === eos.id ? ids.length - 1 : ids.length;
    ids[end] = eos.id;
    labels[end] = eos.id;
  }
  return { ids, labels };
}

/**
 * Whether a token's text lies in one of `spans`, in whole or in part. A token without text of its own stands in front of
 * what follows it, so it counts as its first character does. Tokens must be asked about in order.
 */
function coverage(spans: readonly Span[]): (token: Span) => boolean {
  let next = 0;
  return ([begin, end]) => {
    while (next < spans.length && spans[next]![1] <= begin) next++;
    const span = spans[next];
    return span !== undefined && span[0] < Math.max(end, begin + 1);
  };
}

function checkIds(ids: readonly number[], labels: readonly number[], vocabSize: number): void {
  const outside = [...ids, ...labels].find((id) => id >= vocabSize);
  if (outside === undefined) return;
  throw dataError(
    `expected token ids below ${vocabSize}, the model's vocab_size, got ${outside}`,
    "The tokens were made for another model, or the tokenizer is not this model's.",
  );
}

function cut(ids: number[], labels: number[], line: number, maxSeqLength: number): Example | DropReason {
  const count = (list: readonly number[]) => list.filter((label) => label !== NO_LOSS).length;
  const truncated = ids.length > maxSeqLength;
  const kept = labels.slice(0, maxSeqLength);
  const supervised = count(kept);
  if (supervised === 0) return count(labels) === 0 ? "no token carries loss" : "cut off before its answer";
  return {
    ids: Uint32Array.from(ids.slice(0, maxSeqLength)),
    labels: Int32Array.from(kept),
    line,
    truncated,
    supervised,
  };
}

function makeReport(
  records: readonly DataRecord[],
  examples: readonly Example[],
  dropped: Record<DropReason, number[]>,
): DatasetReport {
  const forms: Partial<Record<Form, number>> = {};
  for (const { form } of records) forms[form] = (forms[form] ?? 0) + 1;
  const lengths = examples.map((example) => example.ids.length).sort((a, b) => a - b);
  return {
    records: records.length,
    kept: examples.length,
    truncated: examples.filter((example) => example.truncated).map((example) => example.line),
    dropped,
    forms,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    supervised: examples.reduce((sum, example) => sum + example.supervised, 0),
    length: { min: lengths[0] ?? 0, median: lengths[lengths.length >> 1] ?? 0, max: lengths.at(-1) ?? 0 },
  };
}
