/**
 * Names and row order of llama.cpp: "model.layers.3.self_attn.q_proj" is "blk.3.attn_q", and where its rotary embedding
 * turns neighbours, rows of q and k lie interleaved.
 */

import { modelError } from "../core/errors.ts";
import { type GgufBase, isInterleaved } from "../formats/gguf-base.ts";

/** Below the block, by Hub name. */
const BLOCK_NAMES: readonly (readonly [string, string])[] = [
  ["self_attn.q_proj", "attn_q"],
  ["self_attn.k_proj", "attn_k"],
  ["self_attn.v_proj", "attn_v"],
  ["self_attn.o_proj", "attn_output"],
  ["mlp.gate_proj", "ffn_gate"],
  ["mlp.up_proj", "ffn_up"],
  ["mlp.down_proj", "ffn_down"],
];
/** phi3 keeps several products in one tensor. */
const PHI3_NAMES: typeof BLOCK_NAMES = [
  ["self_attn.qkv_proj", "attn_qkv"],
  ["self_attn.o_proj", "attn_output"],
  ["mlp.gate_up_proj", "ffn_up"],
  ["mlp.down_proj", "ffn_down"],
];
const OUTER_NAMES: typeof BLOCK_NAMES = [
  ["lm_head", "output"],
  ["model.embed_tokens", "token_embd"],
];

const blockNames = (architecture: string) => (architecture === "phi3" ? PHI3_NAMES : BLOCK_NAMES);

/** "blk.3.attn_q.weight", or null where the architecture has no such tensor. */
export function ggufName(module: string, architecture: string): string | null {
  const [, block, key] = /^model\.layers\.(\d+)\.(.+)$/.exec(module) ?? [];
  if (block === undefined) {
    const outer = OUTER_NAMES.find(([hub]) => hub === module);
    return outer ? `${outer[1]}.weight` : null;
  }
  const found = blockNames(architecture).find(([hub]) => hub === key);
  return found ? `blk.${block}.${found[1]}.weight` : null;
}

/** "model.layers.3.self_attn.q_proj", or null for a tensor that no linear layer of the Hub's models has. */
export function hubName(tensor: string, architecture: string): string | null {
  const [, block, name] = /^blk\.(0|[1-9]\d{0,5})\.(\w+)\.weight$/.exec(tensor) ?? [];
  if (block === undefined) return OUTER_NAMES.find(([, gguf]) => `${gguf}.weight` === tensor)?.[0] ?? null;
  const found = blockNames(architecture).find(([, gguf]) => gguf === name);
  return found ? `model.layers.${block}.${found[0]}` : null;
}

/** Whether llama.cpp has the rows of this module in an order of its own. */
export const isReordered = (module: string, architecture: string): boolean =>
  isInterleaved(architecture) && /\.self_attn\.[qk]_proj$/.test(module);

/**
 * Heads of a reordered module, of `out_features` rows.
 * @throws ModelError unless they fill the rows: another model's heads would scramble them without a word.
 */
export function headsOf(module: string, out_features: number, base: GgufBase): number {
  const heads = module.endsWith("q_proj") ? base.num_attention_heads : base.num_key_value_heads;
  if (heads * base.head_dim === out_features && base.head_dim % 2 === 0) return heads;
  throw modelError(
    `${module}: expected ${heads} heads of ${base.head_dim} rows from the model, got ${out_features} rows`,
    "Check that this is the config.json of the model the adapter was trained on.",
  );
}

/**
 * Rows of B [out, r] from transformers' order, the two halves of each head one behind the other, to llama.cpp's, where
 * partners are neighbours: (head, half, i) → (head, i, half).
 */
export const interleaveRows = (B: Float32Array, rank: number, heads: number): Float32Array =>
  moveRows(B, rank, heads, (half, i, size) => [half * size + i, 2 * i + half]);

/** And back. */
export const separateRows = (B: Float32Array, rank: number, heads: number): Float32Array =>
  moveRows(B, rank, heads, (half, i, size) => [2 * i + half, half * size + i]);

/** `rows` gives (from, to) within a head, whose halves have `size` rows each. */
function moveRows(
  B: Float32Array,
  rank: number,
  heads: number,
  rows: (half: number, i: number, size: number) => [from: number, to: number],
): Float32Array {
  const size = B.length / rank / heads / 2;
  const moved = new Float32Array(B.length);
  for (let head = 0; head < heads; head++) {
    for (let half = 0; half < 2; half++) {
      for (let i = 0; i < size; i++) {
        const [from, to] = rows(half, i, size).map((row) => (2 * size * head + row) * rank) as [number, number];
        moved.set(B.subarray(from, from + rank), to);
      }
    }
  }
  return moved;
}
