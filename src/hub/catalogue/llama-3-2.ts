/**
 * Llama 3.2 of Meta: llama blocks with stretched rotary positions, gated, Llama 3.2 Community License.
 *
 * Figures: file sizes as the Hub lists them (1B-Instruct at 92131767, 3B-Instruct at 0cb88a4f: 4,965,799,096 +
 * 1,459,729,952), which are 2 bytes a parameter and a header of at most 30 kB. Configs as published.
 */

import { LLAMA_3_2 as LICENCE } from "../licences.ts";
import type { CatalogueEntry } from "./entry.ts";

const common = { licence: LICENCE, gated: true, dtype: "bf16", coded: null } as const;

const llama = {
  model_type: "llama",
  hidden_act: "silu",
  attention_bias: false,
  mlp_bias: false,
  vocab_size: 128256,
  intermediate_size: 8192,
  num_key_value_heads: 8,
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  rope_scaling: {
    rope_type: "llama3",
    factor: 32,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  },
  tie_word_embeddings: true,
  bos_token_id: 128000,
  eos_token_id: [128001, 128008, 128009],
};

const TOKENIZER = 9_085_657;

export const LLAMA_3_2: readonly CatalogueEntry[] = [
  {
    ...common,
    id: "meta-llama/Llama-3.2-1B-Instruct",
    title: "Llama 3.2 1B",
    purpose: "Fluent answers and summaries in English and seven other languages; runs in nearly every local app.",
    parameters: 1_235_814_400,
    bytes: { weights: 2_471_645_608, unread: 0, tokenizer: TOKENIZER },
    config: { ...llama, hidden_size: 2048, num_hidden_layers: 16, num_attention_heads: 32, head_dim: 64 },
  },
  {
    ...common,
    id: "meta-llama/Llama-3.2-3B-Instruct",
    title: "Llama 3.2 3B",
    purpose: "Noticeably better than the 1B at following instructions; runs in nearly every local app.",
    parameters: 3_212_749_824,
    bytes: { weights: 6_425_529_048, unread: 0, tokenizer: TOKENIZER },
    config: { ...llama, hidden_size: 3072, num_hidden_layers: 28, num_attention_heads: 24, head_dim: 128 },
  },
];
