/**
 * Checksums of tensors as they lie on the device, 64 bits each, by integers alone: the same on every adapter and in every
 * run, so that two equal ones mean the same bits. One word that changes always shows; anything else but once in 2⁶⁴.
 */
import { ceilDiv, type Kernel } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import { sliceRows, type Tensor, tensorBytes } from "../gpu/tensor.ts";
import { rowGrid } from "./shapes.ts";

const params = { words: "u32", first: "u32", groups: "u32", pieces: "u32" } as const;

export const checksumPartial: Kernel = {
  stem: "checksum",
  entry: "partial",
  inputs: ["words"],
  outputs: ["partials"],
  params,
  constants: [],
  grid: ({ groups = 0 }) => [groups, 1, 1],
};

export const checksumTotal: Kernel = {
  ...checksumPartial,
  entry: "total",
  inputs: ["partials"],
  outputs: ["sums"],
  grid: ({ pieces = 0 }) => rowGrid({ rows: pieces }),
};

/** Workgroups of one piece at most: enough to keep any GPU's memory busy. */
const MOST_GROUPS = 1024;
/** Words of one workgroup's round: 128 invocations, a vec4 each. */
const ROUND = 512;

/** A tensor, or the part of one that a shard holds. */
export interface ChecksumPiece {
  readonly tensor: Tensor;
  /** Words of the whole tensor that lie before it. The sums of a tensor's pieces, added mod 2³², are the whole's. */
  readonly firstWord: number;
}

/** Both sums of every piece: u32 [pieces, 2]. Reads every word once. */
export function recordChecksums(program: Program, pieces: readonly ChecksumPiece[]): Tensor {
  const partials = program.tensor([pieces.length, MOST_GROUPS, 2], "checksum.partials", "u32");
  const sums = program.tensor([pieces.length, 2], "checksum.sums", "u32");
  // Small pieces fill few of their places.
  program.clear(partials);
  const shared = { pieces: pieces.length };
  for (const [i, { tensor, firstWord }] of pieces.entries()) {
    const words = tensorBytes(tensor) / 4;
    const groups = Math.max(1, Math.min(MOST_GROUPS, ceilDiv(words, ROUND)));
    program.dispatch(checksumPartial, {
      constants: {},
      params: { ...shared, words, first: firstWord, groups },
      inputs: [tensor],
      outputs: [sliceRows(partials, i, 1)],
    });
  }
  program.dispatch(checksumTotal, {
    constants: {},
    params: { ...shared, words: 0, first: 0, groups: 0 },
    inputs: [partials],
    outputs: [sums],
  });
  return sums;
}
