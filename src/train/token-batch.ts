/** A flat batch of tokens → the index tensors of a program: ids, positions and the causal ranges of each segment. */
import type { Batch } from "../data/batches.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Ranges, TokenBatch } from "../models/model.ts";

/**
 * The tokens and who sees whom: each token sees its own segment up to itself.
 * @param window tokens that one of a layer of sliding attention sees, itself included; null: the model has no such layers
 */
export function uploadTokens(
  program: Program,
  batch: Pick<Batch, "input_ids" | "positions" | "starts">,
  window: number | null,
): TokenBatch {
  const { input_ids, positions, starts } = batch;
  const count = input_ids.length;
  return {
    ids: words(program, input_ids, [count], "ids"),
    positions: words(program, positions, [count], "positions"),
    seen: causalRanges(program, starts, count),
    seenSliding: window === null ? null : causalRanges(program, starts, window),
  };
}

function causalRanges(program: Program, starts: Uint32Array, window: number): Ranges {
  const count = starts.length;
  const queryRanges = new Uint32Array(2 * count);
  const keyRanges = new Uint32Array(2 * count);
  let end = count;
  for (let token = count - 1; token >= 0; token--) {
    queryRanges[2 * token] = Math.max(starts[token]!, token - window + 1);
    queryRanges[2 * token + 1] = token + 1;
    keyRanges[2 * token] = token;
    keyRanges[2 * token + 1] = Math.min(end, token + window);
    // The first token of a segment is where the segment before it ends.
    if (starts[token] === token) end = token;
  }
  return {
    queryRanges: words(program, queryRanges, [count, 2], "query ranges"),
    keyRanges: words(program, keyRanges, [count, 2], "key ranges"),
  };
}

export function words(program: Program, values: Uint32Array, shape: readonly number[], label: string): Tensor {
  return program.constant(new Uint32Array(values), shape, label);
}

/** One more than the largest position: how long the rope table must be. */
export function positionsNeeded(positions: Uint32Array): number {
  return positions.reduce((most, position) => Math.max(most, position + 1), 0);
}
