/**
 * Attention's forward for a few queries, as a decoding step has: the invocations of a workgroup share the keys of one
 * query, where those of attention.ts would mostly idle.
 */
import type { Kernel } from "../gpu/kernel.ts";

/** Those of all attention kernels. */
export const params = { queries: "u32", keys: "u32", width: "u32", scale: "f32", softcap: "f32" } as const;
export const constants = ["H", "KV", "D"];
export const include = ["tanh"];

export const FEW_QUERIES = 4;
/** Above it no 64 invocations own a whole row of output. */
export const FEW_WIDTH = 256;

export const attentionFew: Kernel = {
  stem: "attention-few",
  entry: "forward",
  inputs: ["q", "k", "v", "ranges"],
  outputs: ["o", "stats"],
  params,
  constants,
  include,
  grid: ({ queries = 0, H = 0 }) => [queries, H, 1],
  // All keys: a decoding step's query comes last.
  flops: ({ queries = 0, keys = 0, H = 0, D = 0 }) => 4 * queries * keys * H * D,
};
