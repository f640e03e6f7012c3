/** What transformers takes where a config.json of a family leaves a field out; a field that is null stays null. */
import type { JsonObject } from "../core/json.ts";

const GEMMA = {
  hidden_activation: "gelu_pytorch_tanh",
  head_dim: 256,
  query_pre_attn_scalar: 256,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
};

const DEFAULTS: Readonly<Record<string, JsonObject>> = {
  qwen3: { head_dim: 128 },
  mistral: { sliding_window: 4096 },
  gemma2: {
    ...GEMMA,
    ...{ attn_logit_softcapping: 50, final_logit_softcapping: 30, sliding_window: 4096, max_position_embeddings: 8192 },
  },
  gemma3_text: {
    ...GEMMA,
    ...{ vocab_size: 262208, num_attention_heads: 8, num_key_value_heads: 4, max_position_embeddings: 131072 },
    ...{ rope_theta: 1e6, rope_local_base_freq: 10000, sliding_window: 4096, sliding_window_pattern: 6 },
  },
  smollm3: { rope_theta: 2e6, no_rope_layer_interval: 4, tie_word_embeddings: true },
};

export const withDefaults = (json: JsonObject): JsonObject => {
  const { model_type } = json;
  const defaults = typeof model_type === "string" && Object.hasOwn(DEFAULTS, model_type) ? DEFAULTS[model_type] : {};
  return { ...defaults, ...json };
};
