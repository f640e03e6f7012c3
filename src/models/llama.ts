/**
 * llama: Llama 2 and 3, TinyLlama, SmolLM2 and whatever shares their architecture: pre-norm blocks of grouped-query
 * attention with rotary positions and a SwiGLU MLP. Attribute paths are the Hub's tensor names.
 */
import type { Tape } from "../autograd/tape.ts";
import { modelError } from "../core/errors.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { Program } from "../gpu/program.ts";
import { sliceRows, type Tensor, tensorBytes } from "../gpu/tensor.ts";
import { type Embedding, embed, embedding } from "../nn/embedding.ts";
import { type Linear, linear, project, projectOnto } from "../nn/linear.ts";
import { normalize, type RmsNorm, rmsNorm } from "../nn/norm.ts";
import { attention as attentionOp } from "../ops/attention.ts";
import { glu } from "../ops/glu.ts";
import { rope as ropeOp } from "../ops/rope.ts";
import type { CausalLM, ForwardOptions, TokenBatch } from "./model.ts";
import { RopeTable } from "./rope-table.ts";

export type Attention = { q_proj: Linear; k_proj: Linear; v_proj: Linear; o_proj: Linear };
export type Mlp = { gate_proj: Linear; up_proj: Linear; down_proj: Linear };
export type Block = {
  input_layernorm: RmsNorm;
  self_attn: Attention;
  post_attention_layernorm: RmsNorm;
  mlp: Mlp;
};
export type Decoder = { model: { embed_tokens: Embedding; layers: Block[]; norm: RmsNorm }; lm_head?: Linear };

/** Which projections have a bias differs between families. */
export interface Biases {
  readonly qkv: boolean;
  readonly o: boolean;
  readonly mlp: boolean;
}

export const llama = (config: ModelConfig): CausalLM =>
  decoder(config, { qkv: config.attention_bias, o: config.attention_bias, mlp: config.mlp_bias });

/** A decoder of llama blocks. Throws ModelError for an activation these blocks do not have. */
export function decoder(config: ModelConfig, biases: Biases): CausalLM {
  if (config.hidden_act !== "silu") {
    throw modelError(`hidden_act is "${config.hidden_act}", ${config.model_type} is supported with "silu"`);
  }
  const { vocab_size: V, hidden_size: C, num_hidden_layers: L, rms_norm_eps: eps } = config;
  const embed_tokens = embedding(V, C);
  const layers = Array.from({ length: L }, () => block(config, biases));
  const tree: Decoder = { model: { embed_tokens, layers, norm: rmsNorm(C, eps) } };
  if (!config.tie_word_embeddings) tree.lm_head = linear(C, V);
  const rope = new RopeTable(config);
  return {
    config,
    tree,
    rope,
    finalSoftcap: 0,
    get head() {
      return tree.lm_head ?? embed_tokens;
    },
    forward(tape, batch, options = {}) {
      const context = { config, batch, table: rope.tensor };
      let x = embed(tape.program, embed_tokens, batch.ids); // [N, C]
      for (const [i, layer] of layers.entries()) x = runBlock(tape, layer, x, { ...context, index: i }, options);
      return normalize(tape, tree.model.norm, x);
    },
  };
}

function block(config: ModelConfig, biases: Biases): Block {
  const { hidden_size: C, intermediate_size: F, head_dim: D, rms_norm_eps: eps } = config;
  const [H, KV] = [config.num_attention_heads, config.num_key_value_heads];
  return {
    input_layernorm: rmsNorm(C, eps),
    self_attn: {
      q_proj: linear(C, H * D, { bias: biases.qkv, group: "qkv" }),
      k_proj: linear(C, KV * D, { bias: biases.qkv, group: "qkv" }),
      v_proj: linear(C, KV * D, { bias: biases.qkv, group: "qkv" }),
      o_proj: linear(H * D, C, { bias: biases.o }),
    },
    post_attention_layernorm: rmsNorm(C, eps),
    mlp: {
      gate_proj: linear(C, F, { bias: biases.mlp, group: "gate_up" }),
      up_proj: linear(C, F, { bias: biases.mlp, group: "gate_up" }),
      down_proj: linear(F, C, { bias: biases.mlp }),
    },
  };
}

interface Context {
  readonly config: ModelConfig;
  readonly batch: TokenBatch;
  readonly table: Tensor;
  readonly index: number;
}

function runBlock(tape: Tape, layer: Block, x: Tensor, context: Context, options: ForwardOptions): Tensor {
  const run = (inner: Tape, input: Tensor): Tensor => {
    const attended = attend(inner, layer.self_attn, normalize(inner, layer.input_layernorm, input), context);
    const middle = projectOnto(inner, layer.self_attn.o_proj, attended, input); // [N, C]
    const fed = feed(inner, layer.mlp, normalize(inner, layer.post_attention_layernorm, middle));
    return projectOnto(inner, layer.mlp.down_proj, fed, middle);
  };
  return options.checkpointing ? tape.checkpoint(run, x) : run(tape, x);
}

function attend(tape: Tape, layer: Attention, x: Tensor, { config, batch, table, index }: Context): Tensor {
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headDim } = config;
  const [q, k, v] = project(tape, [layer.q_proj, layer.k_proj, layer.v_proj], x);
  const rotation = { table, positions: batch.positions, heads, kvHeads, headDim, rotated: headDim };
  const turned = tape.apply(ropeOp, [q!, k!], rotation);
  const keys = cached(tape.program, turned[1]!, batch, index, "k"); // [T, KV·D]
  const values = cached(tape.program, v!, batch, index, "v");
  const { queryRanges, keyRanges } = batch;
  const scale = 1 / Math.sqrt(headDim);
  const attrs = { heads, kvHeads, headDim, scale, softcap: 0, queryRanges, keyRanges };
  return tape.apply(attentionOp, [turned[0]!, keys, values], attrs)[0]!; // [N, H·D]
}

/** Without a cache the new rows themselves; with one, they are appended and all rows so far are given. */
function cached(program: Program, rows: Tensor, { cache }: TokenBatch, layer: number, part: "k" | "v"): Tensor {
  if (!cache) return rows;
  const store = cache.layers[layer]![part];
  const rowBytes = tensorBytes({ shape: [store.shape[1]!], element: "f32" });
  program.copy(rows, store, cache.length * rowBytes);
  return sliceRows(store, 0, cache.length + rows.shape[0]!);
}

function feed(tape: Tape, layer: Mlp, x: Tensor): Tensor {
  const [gate, up] = project(tape, [layer.gate_proj, layer.up_proj], x);
  return tape.apply(glu, [gate!, up!], { activation: "silu" })[0]!; // [N, F]
}
