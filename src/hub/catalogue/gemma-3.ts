/**
 * Gemma 3 of Google, the text-only sizes: gated, Gemma Terms of Use. Five blocks with a window of 512 tokens, then one
 * that sees everything.
 *
 * Figures: file sizes as the Hub lists them (1b-it at dcc83ea8) or as the same tensors give when saved (270m-it), which
 * are 2 bytes a parameter and a header of at most 40 kB. Parameters as published, and as the config gives. Configs as
 * published; `layer_types` of the 270m-it written out in full there.
 */

import { GEMMA } from "../licences.ts";
import type { CatalogueEntry } from "./entry.ts";

const common = { licence: GEMMA, gated: true, dtype: "bf16", coded: null } as const;

const gemma = {
  model_type: "gemma3_text",
  hidden_activation: "gelu_pytorch_tanh",
  attention_bias: false,
  attn_logit_softcapping: null,
  final_logit_softcapping: null,
  query_pre_attn_scalar: 256,
  vocab_size: 262144,
  num_attention_heads: 4,
  num_key_value_heads: 1,
  head_dim: 256,
  max_position_embeddings: 32768,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  rope_local_base_freq: 10000,
  rope_scaling: null,
  sliding_window: 512,
  bos_token_id: 2,
};

const TOKENIZER = 33_384_568;
const EVERY_SIXTH = Array.from({ length: 18 }, (_, i) => (i % 6 === 5 ? "full_attention" : "sliding_attention"));

export const GEMMA_3: readonly CatalogueEntry[] = [
  {
    ...common,
    id: "google/gemma-3-270m-it",
    title: "Gemma 3 270M",
    purpose: "Made to be trained for one narrow task, such as sorting or extracting; two thirds of it is vocabulary.",
    parameters: 268_098_176,
    bytes: { weights: 536_223_056, unread: 0, tokenizer: TOKENIZER },
    config: {
      ...gemma,
      hidden_size: 640,
      intermediate_size: 2048,
      num_hidden_layers: 18,
      _sliding_window_pattern: 6,
      layer_types: EVERY_SIXTH,
      eos_token_id: 1,
    },
  },
  {
    ...common,
    id: "google/gemma-3-1b-it",
    title: "Gemma 3 1B",
    purpose: "Well-written answers in English; a third of it is vocabulary.",
    parameters: 999_885_952,
    bytes: { weights: 1_999_811_208, unread: 0, tokenizer: TOKENIZER },
    config: {
      ...gemma,
      hidden_size: 1152,
      intermediate_size: 6912,
      num_hidden_layers: 26,
      sliding_window_pattern: 6,
      eos_token_id: [1, 106],
    },
  },
];
