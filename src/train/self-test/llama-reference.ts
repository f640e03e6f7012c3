/** The forward pass of one llama block with an adapter, in f64: embedding, attention, MLP, tied head, losses. */
import type { Batch } from "../../data/batches.ts";
import type { AdapterFactor } from "../../lora/adapter.ts";
import { attention, crossEntropy, productNt, rmsnorm, rotate, scaled, siluGated, sum } from "./reference.ts";
import { C, D, H, KV, SELF_TEST_CONFIG } from "./sizes.ts";

/** Values by Hub path, without ".weight". */
export type LlamaWeights = ReadonlyMap<string, Float64Array>;

/** An adapter's factors in f64: A [rank, in], B [out, rank]. */
export interface AdapterValues {
  readonly scale: number;
  readonly factors: readonly (Omit<AdapterFactor, "A" | "B"> & {
    readonly A: Float64Array;
    readonly B: Float64Array;
  })[];
}

/** Losses [S] of the tokens that carry one. */
export function llamaLosses(weights: LlamaWeights, adapter: AdapterValues, batch: Batch): Float64Array {
  const { rope, rms_norm_eps: eps } = SELF_TEST_CONFIG;
  const weight = (path: string) => weights.get(path)!;
  const rows = batch.input_ids.length;
  const block = (name: string) => `model.layers.0.${name}`;
  const linear = (name: string, x: Float64Array) => adapted(weight(block(name)), adapter, block(name), x, rows);
  const norm = (path: string, x: Float64Array) => rmsnorm(x, weight(path), eps);
  const turned = (x: Float64Array) => rotate(x, batch.positions, D, rope.rope_theta, 1);

  const table = weight("model.embed_tokens");
  let x: Float64Array = Float64Array.from({ length: rows * C }, (_, at) => {
    return table[batch.input_ids[Math.floor(at / C)]! * C + (at % C)]!;
  });
  const a = norm(block("input_layernorm"), x);
  const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) => linear(`self_attn.${name}`, a));
  const sizes = { heads: H, kvHeads: KV, headDim: D, softcap: 0, starts: batch.starts };
  x = sum(x, linear("self_attn.o_proj", attention(turned(q!), turned(k!), v!, sizes).o));
  const b = norm(block("post_attention_layernorm"), x);
  x = sum(x, linear("mlp.down_proj", siluGated(linear("mlp.gate_proj", b), linear("mlp.up_proj", b))));
  const hidden = norm("model.norm", x);
  const supervised = Float64Array.from({ length: batch.rows.length * C }, (_, at) => {
    return hidden[batch.rows[Math.floor(at / C)]! * C + (at % C)]!;
  });
  return crossEntropy(supervised, table, batch.targets, 1, 0).nll;
}

/** x·Wᵀ + scale·(x·Aᵀ)·Bᵀ */
function adapted(w: Float64Array, adapter: AdapterValues, path: string, x: Float64Array, rows: number): Float64Array {
  const { A, B, rank, in_features, out_features } = adapter.factors.find(({ module }) => module === path)!;
  const h = productNt(x, A, rows, rank, in_features);
  const term = productNt(h, B, rows, out_features, rank);
  return sum(productNt(x, w, rows, out_features, in_features), scaled(term, adapter.scale));
}
