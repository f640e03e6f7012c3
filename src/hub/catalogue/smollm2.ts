/**
 * SmolLM2 of Hugging Face, and TinyLlama: llama blocks, Apache 2.0, not gated.
 *
 * Figures: file sizes as the Hub lists them (135M-Instruct at 83212e1e, 360M-Instruct at a10cc151, 1.7B-Instruct at
 * 31b70e2e, TinyLlama at fe8a4ea1), which are 2 bytes a parameter and a header of at most 33 kB. Parameters follow from
 * the config. Configs as published; bos and eos of the 135M and 360M versions follow their tokenizer (<|im_start|> 1,
 * <|im_end|> 2).
 */

import { APACHE_2 } from "../licences.ts";
import type { CatalogueEntry } from "./entry.ts";

const common = { licence: APACHE_2, gated: false, dtype: "bf16", coded: null } as const;

const smol = {
  model_type: "llama",
  hidden_act: "silu",
  attention_bias: false,
  mlp_bias: false,
  vocab_size: 49152,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 100000,
  rope_scaling: null,
  tie_word_embeddings: true,
  bos_token_id: 1,
  eos_token_id: 2,
};

/** The three sizes share one tokenizer.json. */
const SMOL_TOKENIZER = 2_104_556;

export const SMOLLM2: readonly CatalogueEntry[] = [
  {
    ...common,
    id: "HuggingFaceTB/SmolLM2-135M-Instruct",
    title: "SmolLM2 135M",
    purpose: "The smallest that holds a conversation in English: good for a voice, a fixed form or a first try.",
    parameters: 134_515_008,
    bytes: { weights: 269_060_552, unread: 0, tokenizer: SMOL_TOKENIZER },
    config: {
      ...smol,
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      head_dim: 64,
    },
  },
  {
    ...common,
    id: "HuggingFaceTB/SmolLM2-360M-Instruct",
    title: "SmolLM2 360M",
    purpose: "A small English model for short answers, rewriting and sorting texts; trains quickly.",
    parameters: 361_821_120,
    bytes: { weights: 723_674_912, unread: 0, tokenizer: SMOL_TOKENIZER },
    config: {
      ...smol,
      hidden_size: 960,
      intermediate_size: 2560,
      num_hidden_layers: 32,
      num_attention_heads: 15,
      num_key_value_heads: 5,
      head_dim: 64,
    },
  },
  {
    ...common,
    id: "HuggingFaceTB/SmolLM2-1.7B-Instruct",
    title: "SmolLM2 1.7B",
    purpose: "English answers, summaries and rewriting with a fully open licence.",
    parameters: 1_711_376_384,
    bytes: { weights: 3_422_777_952, unread: 0, tokenizer: SMOL_TOKENIZER },
    config: {
      ...smol,
      hidden_size: 2048,
      intermediate_size: 8192,
      num_hidden_layers: 24,
      num_attention_heads: 32,
      num_key_value_heads: 32,
      head_dim: 64,
      rope_theta: 130000,
    },
  },
];

export const TINYLLAMA: readonly CatalogueEntry[] = [
  {
    ...common,
    id: "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    title: "TinyLlama 1.1B Chat",
    purpose: "An older English chat model in the shape of Llama 2, useful where tools expect that shape.",
    parameters: 1_100_048_384,
    bytes: { weights: 2_200_119_864, unread: 0, tokenizer: 1_842_767 },
    config: {
      model_type: "llama",
      hidden_act: "silu",
      attention_bias: false,
      vocab_size: 32000,
      hidden_size: 2048,
      intermediate_size: 5632,
      num_hidden_layers: 22,
      num_attention_heads: 32,
      num_key_value_heads: 4,
      head_dim: 64,
      max_position_embeddings: 2048,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
      rope_scaling: null,
      tie_word_embeddings: false,
      bos_token_id: 1,
      eos_token_id: 2,
    },
  },
];
