/**
 * A decoder of pre-norm blocks: grouped-query attention with rotary positions and a gated MLP. What differs between
 * families is data, a `Family`; what differs between layers is in the config. Attribute paths are the Hub's tensor names.
 */
import type { Tape } from "../autograd/tape.ts";
import { modelError } from "../core/errors.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type Embedding, embed, embedding } from "../nn/embedding.ts";
import { type Linear, linear } from "../nn/linear.ts";
import { normalize, type RmsNorm, rmsNorm } from "../nn/norm.ts";
import { type Attention, attend, attentionModules, type Context } from "./attention.ts";
import { branch } from "./branch.ts";
import { feed, type Mlp, mlpModules } from "./mlp.ts";
import type { CausalLM } from "./model.ts";
import { RopeTables } from "./rope-table.ts";

/** What makes a family. */
export interface Family {
  /** As config.json calls it. */
  readonly activation: Activation;
  /** Which projections have a bias. */
  readonly biases: { readonly qkv: boolean; readonly o: boolean; readonly mlp: boolean };
  /** q and k are normalised head by head before they turn. */
  readonly headNorms: boolean;
  /** Each branch is normalised once more before it joins the stream. */
  readonly sandwich: boolean;
  /** q, k, v are one module, gate and up another. */
  readonly fused: boolean;
  /** Added to the stored weights of norms. */
  readonly normOffset: 0 | 1;
  /** Embeddings are multiplied by √hidden_size. */
  readonly scaledEmbedding: boolean;
}

export type Activation = "silu" | "gelu_pytorch_tanh";

/** Llama's, from which others differ. */
export const LLAMA: Family = {
  ...{ activation: "silu", biases: { qkv: false, o: false, mlp: false }, headNorms: false, sandwich: false },
  ...{ fused: false, normOffset: 0, scaledEmbedding: false },
};

export type Block = {
  input_layernorm: RmsNorm;
  self_attn: Attention;
  post_attention_layernorm: RmsNorm;
  mlp: Mlp;
  pre_feedforward_layernorm?: RmsNorm;
  post_feedforward_layernorm?: RmsNorm;
};
export type Decoder = { model: { embed_tokens: Embedding; layers: Block[]; norm: RmsNorm }; lm_head?: Linear };

/** The model's modules, without weights. Throws ModelError for an activation that the family does not have. */
export function decoder(config: ModelConfig, family: Family): CausalLM {
  if (config.hidden_act !== family.activation) {
    throw modelError(
      `hidden_act is "${config.hidden_act}", ${config.model_type} is supported with "${family.activation}"`,
    );
  }
  const { vocab_size: V, hidden_size: C, num_hidden_layers: L, rms_norm_eps: eps } = config;
  const embed_tokens = embedding(V, C);
  const layers = Array.from({ length: L }, () => block(config, family));
  const tree: Decoder = { model: { embed_tokens, layers, norm: rmsNorm(C, eps, family.normOffset) } };
  if (!config.tie_word_embeddings) tree.lm_head = linear(C, V);
  const rope = new RopeTables(config);
  return {
    config,
    tree,
    rope,
    finalSoftcap: config.final_logit_softcapping ?? 0,
    get head() {
      return tree.lm_head ?? embed_tokens;
    },
    forward(tape, batch, options = {}) {
      const scale = family.scaledEmbedding ? Math.sqrt(C) : 1;
      let x = embed(tape.program, embed_tokens, batch.ids, scale); // [N, C]
      let { recomputed: left = 0 } = options;
      for (const [index, layer] of layers.entries()) {
        const block = (inner: Tape, input: Tensor) => runBlock(inner, layer, input, { config, batch, rope, index });
        x = left > 0 ? tape.checkpoint(block, x) : block(tape, x);
        // A block below the lowest adapter keeps nothing that could be saved.
        if (tape.needs(x)) left -= 1;
      }
      return normalize(tape, tree.model.norm, x);
    },
  };
}

function block(config: ModelConfig, family: Family): Block {
  const { hidden_size: C, rms_norm_eps: eps } = config;
  const norm = () => rmsNorm(C, eps, family.normOffset);
  return {
    input_layernorm: norm(),
    self_attn: attentionModules(config, family),
    post_attention_layernorm: norm(),
    ...(family.sandwich ? { pre_feedforward_layernorm: norm(), post_feedforward_layernorm: norm() } : {}),
    mlp: mlpModules(config, family),
  };
}

function runBlock(tape: Tape, layer: Block, x: Tensor, context: Context): Tensor {
  const { pre_feedforward_layernorm: before, post_feedforward_layernorm: behind, post_attention_layernorm } = layer;
  // In a sandwich, post_attention_layernorm stands behind attention instead of before the MLP.
  const [behindAttention, beforeMlp] = before ? [post_attention_layernorm, before] : [null, post_attention_layernorm];
  const attended = attend(tape, layer.self_attn, normalize(tape, layer.input_layernorm, x), context);
  const middle = branch(tape, layer.self_attn.o_proj, attended, behindAttention, x); // [N, C]
  const fed = feed(tape, layer.mlp, normalize(tape, beforeMlp, middle), context.config);
  return branch(tape, layer.mlp.down_proj, fed, behind ?? null, middle);
}
