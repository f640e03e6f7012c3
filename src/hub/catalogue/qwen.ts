/**
 * Qwen2.5 and Qwen3 of Alibaba Cloud: many languages, not gated. Qwen2.5-3B alone has a research licence.
 *
 * Figures: file sizes as the Hub lists them (2.5-0.5B-Instruct at 7ae55760, 2.5-1.5B-Instruct at 989aa798,
 * 2.5-3B-Instruct at aa8e7253: 3,968,658,944 + 2,203,268,048; 3-0.6B at c1899de2, 3-1.7B at 70d244cc: 3,441,185,608 +
 * 622,329,984; 3-4B at 1cfa9a72: 8,044,982,000 in three), which are 2 bytes a stored parameter and a header of at most 50 kB. The two smaller Qwen3 store the tied head a second time:
 * vocab_size × hidden_size values that the loader leaves out. Configs as published.
 */

import { APACHE_2, QWEN_RESEARCH } from "../licences.ts";
import type { CatalogueEntry } from "./entry.ts";

const common = { licence: APACHE_2, gated: false, dtype: "bf16", coded: null } as const;

const shared = {
  hidden_act: "silu",
  vocab_size: 151936,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  rope_scaling: null,
  tie_word_embeddings: true,
  use_sliding_window: false,
  bos_token_id: 151643,
  eos_token_id: 151645,
};

/** What the sizes of a generation share. */
export const qwen2 = { ...shared, model_type: "qwen2", max_position_embeddings: 32768, sliding_window: 32768 };
export const qwen3 = {
  ...shared,
  model_type: "qwen3",
  attention_bias: false,
  head_dim: 128,
  max_position_embeddings: 40960,
  sliding_window: null,
};

/** One tokenizer.json for each generation. */
const QWEN2_TOKENIZER = 7_031_645;
export const QWEN3_TOKENIZER = 11_422_654;

export const QWEN2_5: readonly CatalogueEntry[] = [
  {
    ...common,
    id: "Qwen/Qwen2.5-0.5B-Instruct",
    title: "Qwen2.5 0.5B",
    purpose: "Small, and at home in many languages: a good first choice for a dataset of your own.",
    parameters: 494_032_768,
    bytes: { weights: 988_097_824, unread: 0, tokenizer: QWEN2_TOKENIZER },
    config: {
      ...qwen2,
      hidden_size: 896,
      intermediate_size: 4864,
      num_hidden_layers: 24,
      num_attention_heads: 14,
      num_key_value_heads: 2,
      head_dim: 64,
    },
  },
  {
    ...common,
    id: "Qwen/Qwen2.5-1.5B-Instruct",
    title: "Qwen2.5 1.5B",
    purpose: "Clearly better answers in many languages, and steady at JSON and other fixed forms.",
    parameters: 1_543_714_304,
    bytes: { weights: 3_087_467_144, unread: 0, tokenizer: QWEN2_TOKENIZER },
    config: {
      ...qwen2,
      hidden_size: 1536,
      intermediate_size: 8960,
      num_hidden_layers: 28,
      num_attention_heads: 12,
      num_key_value_heads: 2,
      head_dim: 128,
    },
  },
  {
    ...common,
    licence: QWEN_RESEARCH,
    id: "Qwen/Qwen2.5-3B-Instruct",
    title: "Qwen2.5 3B",
    purpose: "Stronger answers in many languages, for research only: its licence excludes commercial use.",
    parameters: 3_085_938_688,
    bytes: { weights: 6_171_926_992, unread: 0, tokenizer: QWEN2_TOKENIZER },
    config: {
      ...qwen2,
      hidden_size: 2048,
      intermediate_size: 11008,
      num_hidden_layers: 36,
      num_attention_heads: 16,
      num_key_value_heads: 2,
      head_dim: 128,
    },
  },
];

export const QWEN3: readonly CatalogueEntry[] = [
  {
    ...common,
    id: "Qwen/Qwen3-0.6B",
    title: "Qwen3 0.6B",
    purpose: "Newer than Qwen2.5 at nearly the same size; it can think aloud before it answers.",
    parameters: 596_049_920,
    bytes: { weights: 1_503_300_328, unread: 311_164_928, tokenizer: QWEN3_TOKENIZER },
    config: {
      ...qwen3,
      hidden_size: 1024,
      intermediate_size: 3072,
      num_hidden_layers: 28,
      num_attention_heads: 16,
      num_key_value_heads: 8,
    },
  },
  {
    ...common,
    id: "Qwen/Qwen3-1.7B",
    title: "Qwen3 1.7B",
    purpose: "Good for its size at reasoning and at many languages; it can think aloud before it answers.",
    parameters: 1_720_574_976,
    bytes: { weights: 4_063_515_592, unread: 622_329_856, tokenizer: QWEN3_TOKENIZER },
    config: {
      ...qwen3,
      hidden_size: 2048,
      intermediate_size: 6144,
      num_hidden_layers: 28,
      num_attention_heads: 16,
      num_key_value_heads: 8,
    },
  },
  {
    ...common,
    id: "Qwen/Qwen3-4B",
    title: "Qwen3 4B",
    purpose: "Strong at reasoning, code and many languages, under a fully open licence; it can think aloud.",
    parameters: 4_022_468_096,
    bytes: { weights: 8_044_982_000, unread: 0, tokenizer: QWEN3_TOKENIZER },
    config: {
      ...qwen3,
      hidden_size: 2560,
      intermediate_size: 9728,
      num_hidden_layers: 36,
      num_attention_heads: 32,
      num_key_value_heads: 8,
    },
  },
];
