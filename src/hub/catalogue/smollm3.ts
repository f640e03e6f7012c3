/**
 * SmolLM3 of Hugging Face: llama blocks, every fourth without positions; Apache 2.0, not gated.
 *
 * Figures: parameters and the tensors' bytes as the index file lists them (at a07cc9a0), and as the config gives; weights
 * as these tensors give when saved, a header of 38 kB included; the tokenizer to a tenth of a megabyte. Config as published.
 */

import { APACHE_2 } from "../licences.ts";
import type { CatalogueEntry } from "./entry.ts";

const LAYERS = 36;

export const SMOLLM3: CatalogueEntry = {
  ...{ licence: APACHE_2, gated: false, dtype: "bf16", coded: null },
  id: "HuggingFaceTB/SmolLM3-3B",
  title: "SmolLM3 3B",
  purpose: "Open from its data to its recipe; six European languages, and it can think aloud before it answers.",
  parameters: 3_075_098_624,
  bytes: { weights: 6_150_235_008, unread: 0, tokenizer: 17_208_819 },
  config: {
    model_type: "smollm3",
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    vocab_size: 128256,
    hidden_size: 2048,
    intermediate_size: 11008,
    num_hidden_layers: LAYERS,
    num_attention_heads: 16,
    num_key_value_heads: 4,
    head_dim: 128,
    max_position_embeddings: 65536,
    rms_norm_eps: 1e-6,
    rope_theta: 5000000,
    rope_scaling: null,
    no_rope_layer_interval: 4,
    no_rope_layers: Array.from({ length: LAYERS }, (_, i) => (i % 4 === 3 ? 0 : 1)),
    sliding_window: null,
    use_sliding_window: false,
    tie_word_embeddings: true,
    bos_token_id: 128000,
    eos_token_id: 128012,
  },
};
