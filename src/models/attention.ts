/** Grouped-query attention of a decoder block: projections, positions, cache, and the op itself. */
import type { Tape } from "../autograd/tape.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { Program } from "../gpu/program.ts";
import { sliceRows, type Tensor, tensorBytes } from "../gpu/tensor.ts";
import { type Linear, linear, project } from "../nn/linear.ts";
import { normalizeHeads, type RmsNorm, rmsNorm } from "../nn/norm.ts";
import { attention as attentionOp } from "../ops/attention.ts";
import { rope as ropeOp } from "../ops/rope.ts";
import type { Family } from "./decoder.ts";
import type { TokenBatch } from "./model.ts";
import type { RopeTables } from "./rope-table.ts";

export type Attention = {
  q_proj?: Linear;
  k_proj?: Linear;
  v_proj?: Linear;
  qkv_proj?: Linear;
  o_proj: Linear;
  q_norm?: RmsNorm;
  k_norm?: RmsNorm;
};

/** Of one layer's pass over a batch. */
export interface Context {
  readonly config: ModelConfig;
  readonly batch: TokenBatch;
  readonly rope: RopeTables;
  readonly index: number;
}

export function attentionModules(config: ModelConfig, { biases, headNorms, fused, normOffset }: Family): Attention {
  const { hidden_size: C, head_dim: D, rms_norm_eps: eps } = config;
  const [H, KV] = [config.num_attention_heads, config.num_key_value_heads];
  const one = (heads: number) => linear(C, heads * D, { bias: biases.qkv, group: "qkv" });
  const projections = fused
    ? { qkv_proj: linear(C, (H + 2 * KV) * D, { bias: biases.qkv, parts: [H * D, KV * D, KV * D] }) }
    : { q_proj: one(H), k_proj: one(KV), v_proj: one(KV) };
  const norms = headNorms ? { q_norm: rmsNorm(D, eps, normOffset), k_norm: rmsNorm(D, eps, normOffset) } : {};
  return { ...projections, o_proj: linear(H * D, C, { bias: biases.o }), ...norms };
}

/** x [N, C] → what each head found, [N, H·D]. */
export function attend(tape: Tape, layer: Attention, x: Tensor, context: Context): Tensor {
  const { config, batch, index } = context;
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headDim } = config;
  const { qkv_proj, q_proj, k_proj, v_proj, q_norm, k_norm } = layer;
  const [q, k, v] = project(tape, qkv_proj ? [qkv_proj] : [q_proj!, k_proj!, v_proj!], x);
  const normed = [q_norm ? normalizeHeads(tape, q_norm, q!) : q!, k_norm ? normalizeHeads(tape, k_norm, k!) : k!];
  const [queries, turned] = turn(tape, normed, context);
  const keys = cached(tape.program, turned!, batch, index, "k"); // [T, KV·D]
  const values = cached(tape.program, v!, batch, index, "v");
  const sliding = config.layer_types[index] === "sliding_attention";
  const scale = 1 / Math.sqrt(config.query_pre_attn_scalar ?? headDim);
  const softcap = config.attn_logit_softcapping ?? 0;
  const attrs = { heads, kvHeads, headDim, scale, softcap, ...(sliding ? batch.seenSliding! : batch.seen) };
  return tape.apply(attentionOp, [queries!, keys, values], attrs)[0]!;
}

/** q and k by their positions; in a layer without positions as they are. */
function turn(tape: Tape, rows: readonly Tensor[], { config, batch, rope, index }: Context): readonly Tensor[] {
  if (!config.rope_layers[index]) return rows;
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headDim } = config;
  const table = config.layer_types[index] === "sliding_attention" ? rope.sliding : rope.full;
  const attrs = { table: table.tensor, rotated: table.rotated, positions: batch.positions, heads, kvHeads, headDim };
  return tape.apply(ropeOp, rows, attrs);
}

/** Without a cache the new rows themselves; with one, they are appended and all rows so far are given. */
function cached(program: Program, rows: Tensor, { cache }: TokenBatch, layer: number, part: "k" | "v"): Tensor {
  if (!cache) return rows;
  const store = cache.layers[layer]![part];
  const rowBytes = tensorBytes({ shape: [store.shape[1]!], element: "f32" });
  program.copy(rows, store, cache.length * rowBytes);
  return sliceRows(store, 0, cache.length + rows.shape[0]!);
}
