/**
 * Gemma 2 of Google: gated, Gemma Terms of Use. Every second block has a window of 4,096 tokens, scores and logits are
 * capped softly.
 *
 * Figures: parameters and the tensors' bytes as the index file lists them, and as the config gives; file sizes as those of
 * ShieldGemma 2B, which has the same tensors and the same tokenizer (4,988,025,760 + 240,691,728), a header of 34 kB
 * included. Config as published.
 */

import { GEMMA } from "../licences.ts";
import type { CatalogueEntry } from "./entry.ts";

export const GEMMA_2: CatalogueEntry = {
  ...{ licence: GEMMA, gated: true, dtype: "bf16", coded: null },
  id: "google/gemma-2-2b-it",
  title: "Gemma 2 2B",
  purpose: "Warm, well-written English; good for a voice and for rewriting.",
  parameters: 2_614_341_888,
  bytes: { weights: 5_228_717_488, unread: 0, tokenizer: 17_525_357 },
  config: {
    model_type: "gemma2",
    hidden_activation: "gelu_pytorch_tanh",
    attention_bias: false,
    attn_logit_softcapping: 50,
    final_logit_softcapping: 30,
    query_pre_attn_scalar: 256,
    vocab_size: 256000,
    hidden_size: 2304,
    intermediate_size: 9216,
    num_hidden_layers: 26,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    sliding_window: 4096,
    bos_token_id: 2,
    eos_token_id: [1, 107],
  },
};
