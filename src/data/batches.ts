/**
 * Examples → flat batches, and the order they come in. There is no padding: the tokens of a batch lie end to end, and
 * each one knows its position and where its own segment begins.
 */

import { Random } from "../core/random.ts";
import { type Example, NO_LOSS } from "./encode.ts";

/** N = tokens of all examples together, S = tokens whose next token is supervised. */
export interface Batch {
  /** [N] */
  readonly input_ids: Uint32Array;
  /** [N] position within the own segment, from 0 */
  readonly positions: Uint32Array;
  /** [N] index of the first token of the own segment */
  readonly starts: Uint32Array;
  /** [N] aligned with input_ids as in transformers: token t predicts label t + 1 of its segment */
  readonly labels: Int32Array;
  /** [S] indices of the tokens that predict a supervised one, ascending */
  readonly rows: Uint32Array;
  /** [S] what they should predict */
  readonly targets: Uint32Array;
  /** Indices of the examples, as given to `layFlat`. */
  readonly examples: readonly number[];
}

/** Lays `examples` end to end; `indices` are their numbers in the data set, by default 0, 1, 2, … */
export function layFlat(examples: readonly Example[], indices?: readonly number[]): Batch {
  const tokens = examples.reduce((sum, example) => sum + example.ids.length, 0);
  const input_ids = new Uint32Array(tokens);
  const positions = new Uint32Array(tokens);
  const starts = new Uint32Array(tokens);
  const labels = new Int32Array(tokens);
  const rows: number[] = [];
  let start = 0;
  for (const example of examples) {
    const length = example.ids.length;
    input_ids.set(example.ids, start);
    labels.set(example.labels, start);
    labels[start] = NO_LOSS;
    starts.fill(start, start, start + length);
    for (let t = 0; t < length; t++) {
      positions[start + t] = t;
      // Token t − 1 of the same segment predicts token t.
      if (t > 0 && example.labels[t] !== NO_LOSS) rows.push(start + t - 1);
    }
    start += length;
  }
  return {
    input_ids,
    positions,
    starts,
    labels,
    rows: Uint32Array.from(rows),
    targets: Uint32Array.from(rows, (row) => labels[row + 1]!),
    examples: indices ?? examples.map((_, i) => i),
  };
}

export interface EpochOptions {
  /** Examples per batch, at least 1; the last batch may be smaller. */
  readonly batchSize: number;
  /** false keeps the order of the file. */
  readonly shuffle: boolean;
  readonly seed: number;
  /** From 0; each epoch has its own order. */
  readonly epoch: number;
  /** Batches per window within which examples are sorted by length, so that a batch holds similar lengths; 1 = no sorting. */
  readonly bucket: number;
}

/**
 * The batches of one epoch as lists of example indices; every example is in exactly one. A pure function of its
 * arguments, so a resumed run needs only the epoch and the number of batches done.
 */
export function planEpoch(lengths: readonly number[], options: EpochOptions): number[][] {
  const { batchSize, shuffle, seed, epoch, bucket } = options;
  const order = lengths.map((_, i) => i);
  if (!shuffle) return chunk(order, batchSize);
  const random = new Random(mixSeed(seed, epoch));
  const windows = chunk(random.shuffle(order), batchSize * Math.max(1, bucket));
  if (bucket > 1) for (const window of windows) window.sort((a, b) => lengths[a]! - lengths[b]!);
  return random.shuffle(windows.flatMap((window) => chunk(window, batchSize)));
}

function chunk(order: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(order.length / size) }, (_, i) => order.slice(i * size, (i + 1) * size));
}

/** One 32-bit seed from two numbers; neighbours give unrelated streams (finaliser of MurmurHash3). */
function mixSeed(seed: number, epoch: number): number {
  let h = (seed ^ Math.imul(epoch + 1, 0x9e3779b9)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
