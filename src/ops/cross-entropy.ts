/**
 * Output head and cross-entropy in one: nll[s] = log Σ_v exp(z[v]) − z[target[s]], z[v] = x[s]·w[v], soft-capped where a
 * model wants it. The whole matrix of logits never exists: rows are taken in chunks, and where even one chunk of all
 * words is too large, the vocabulary in tiles whose logits are computed twice. Forward and dx are one pass over the
 * chunks, so this op must be the end of the tape (idea: Liger Kernel, Cut Cross-Entropy, https://arxiv.org/abs/2411.09009).
 */
import type { Op } from "../autograd/op.ts";
import { shapeError } from "../core/errors.ts";
import type { Kernel } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import { alignUp, sliceRows, type Tensor } from "../gpu/tensor.ts";
import { sliceWeight, type Weight } from "../gpu/weight.ts";
import { allColumns, recordNn, recordNt } from "./matmul.ts";
import { matrixShape, rowGrid, show } from "./shapes.ts";

const params = {
  rows: "u32",
  row_begin: "u32",
  tile_begin: "u32",
  first: "u32",
  scale: "f32",
  softcap: "f32",
} as const;

export const crossEntropyReduce: Kernel = {
  stem: "cross-entropy",
  entry: "reduce",
  inputs: ["logits", "targets"],
  outputs: ["state", "nll"],
  params,
  constants: ["TILE", "STRIDE"],
  include: ["reduce", "tanh"],
  grid: rowGrid,
  flops: ({ rows = 0, TILE = 0 }) => 4 * rows * TILE,
};

export const crossEntropyGradient: Kernel = {
  ...crossEntropyReduce,
  entry: "gradient",
  inputs: ["state", "targets"],
  outputs: ["dlogits"],
};

/** Scratch for logits: [rows of a chunk, words of a tile] in f32. */
export const LOGITS_BYTES = 40e6;

/** Chunks and tiles start on multiples of these, so that slices are bindable (256 bytes) for every row length. */
const CHUNK_ROWS = 64;
const TILE_ROWS = 128;

export interface CrossEntropyAttrs {
  /** [V, C]: the output head, or the tied embedding. */
  readonly weight: Weight;
  /** u32 [S], each below V. */
  readonly targets: Tensor;
  /** Gradient of the loss with respect to one row's nll: 1 / (supervised tokens of the whole update). */
  readonly scale: number;
  /** c: logits z become c·tanh(z/c) before the loss (Gemma 2, https://arxiv.org/abs/2408.00118); 0 = they stay. */
  readonly softcap: number;
  readonly logitsBytes?: number;
}

/** inputs x [S, C], only rows that carry loss → nll [S]; the gradient of scale·Σ nll flows back. */
export const crossEntropy: Op<CrossEntropyAttrs, { dx: Tensor | null }> = {
  name: "cross-entropy",

  forward(program, inputs, attrs, [needsX]) {
    const x = inputs[0]!;
    const [rows, C] = matrixShape("cross-entropy", "x", x);
    const { weight, targets } = attrs;
    if (weight.shape[1] !== C || targets.shape[0] !== rows) {
      throw shapeError(`[cross-entropy] x is ${show(x)}, weight [${weight.shape}], targets ${show(targets)}`);
    }
    const pass: Pass = {
      program,
      attrs,
      x,
      nll: program.tensor([rows], "cross-entropy.nll"),
      state: program.tensor([rows, 4], "cross-entropy.state"),
      dx: needsX ? program.tensor(x.shape, "cross-entropy.dx") : null,
    };
    const { chunkRows, tileRows } = planTiles(rows, weight.shape[0], attrs.logitsBytes ?? LOGITS_BYTES);
    for (let begin = 0; begin < rows; begin += chunkRows) {
      recordChunk(pass, begin, Math.min(chunkRows, rows - begin), tileRows);
    }
    return { outputs: [pass.nll], saved: { dx: pass.dx } };
  },

  backward(_program, { dx }, [dy]) {
    if (dy) throw shapeError("[cross-entropy] must be the end of the tape: it computes its gradient going forward");
    return [dx];
  },
};

/** Rows per chunk and words per tile within `bytes` of logits: as many rows as fit with all words, else tiles. */
export function planTiles(rows: number, vocabulary: number, bytes: number): { chunkRows: number; tileRows: number } {
  const width = alignUp(vocabulary, 4) * 4;
  const fitting = Math.floor(bytes / width / CHUNK_ROWS) * CHUNK_ROWS;
  if (fitting > 0 || rows * width <= bytes) {
    return { chunkRows: Math.min(Math.max(fitting, CHUNK_ROWS), alignUp(rows, CHUNK_ROWS)), tileRows: vocabulary };
  }
  const tileRows = Math.max(TILE_ROWS, Math.floor(bytes / (CHUNK_ROWS * 4) / TILE_ROWS) * TILE_ROWS);
  return { chunkRows: CHUNK_ROWS, tileRows: Math.min(tileRows, vocabulary) };
}

interface Pass {
  readonly program: Program;
  readonly attrs: CrossEntropyAttrs;
  readonly x: Tensor;
  readonly nll: Tensor;
  readonly state: Tensor;
  readonly dx: Tensor | null;
}

function recordChunk(pass: Pass, begin: number, count: number, tileRows: number): void {
  const { program, attrs, dx } = pass;
  const x = sliceRows(pass.x, begin, count);
  const vocabulary = attrs.weight.shape[0];
  const tiles: number[] = [];
  for (let at = 0; at < vocabulary; at += tileRows) tiles.push(at);

  let logits: Tensor | null = null;
  for (const tile of tiles) {
    logits = recordLogits(pass, x, count, tile, Math.min(tileRows, vocabulary - tile));
    recordReduce(pass, logits, begin, count, tile, Math.min(tileRows, vocabulary - tile));
  }
  if (!dx) return;
  for (const tile of tiles) {
    const words = Math.min(tileRows, vocabulary - tile);
    // With a single tile its logits are still there; with several they are computed a second time.
    const dlogits = tiles.length === 1 ? logits! : recordLogits(pass, x, count, tile, words);
    recordGradient(pass, dlogits, begin, count, tile, words);
    const target = allColumns(sliceRows(dx, begin, count));
    const weight = sliceWeight(attrs.weight, tile, words);
    recordNn(program, allColumns(dlogits), count, weight, target, { accumulate: tile > 0 });
  }
}

/** logits [count, words padded to 4] of vocabulary ids [tile, tile + words) */
function recordLogits({ program, attrs }: Pass, x: Tensor, count: number, tile: number, words: number): Tensor {
  const logits = program.tensor([count, alignUp(words, 4)], "cross-entropy.logits");
  recordNt(program, allColumns(x), count, sliceWeight(attrs.weight, tile, words), allColumns(logits));
  return logits;
}

function recordReduce(pass: Pass, logits: Tensor, begin: number, count: number, tile: number, words: number): void {
  const { program, attrs, state, nll } = pass;
  const { scale, softcap, targets } = attrs;
  program.dispatch(crossEntropyReduce, {
    constants: { TILE: words, STRIDE: logits.shape[1]! },
    params: { rows: count, row_begin: begin, tile_begin: tile, first: tile === 0 ? 1 : 0, scale, softcap },
    inputs: [logits, targets],
    outputs: [state, nll],
  });
}

function recordGradient(pass: Pass, dlogits: Tensor, begin: number, count: number, tile: number, words: number): void {
  const { program, attrs, state } = pass;
  const { scale, softcap, targets } = attrs;
  program.dispatch(crossEntropyGradient, {
    constants: { TILE: words, STRIDE: dlogits.shape[1]! },
    params: { rows: count, row_begin: begin, tile_begin: tile, first: 0, scale, softcap },
    inputs: [state, targets],
    outputs: [dlogits],
  });
}
