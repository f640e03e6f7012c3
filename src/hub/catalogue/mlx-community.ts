/**
 * Models in MLX's codes of 4 bits, as mlx-community publishes them: a group of 64 weights shares a scale and a bias of 16
 * bits, embeddings included, so that a weight takes 4.5 bits. None is gated; the licence is the original's.
 *
 * Figures: file sizes as the Hub lists them (Qwen3-1.7B at 3b1b1768, Qwen3-4B at 4dcb3d10, Qwen3-8B, Llama-3.2-3B at
 * 7f0dc925), of the others as the same tensors give when saved; a header of 73 to 107 kB included. Tokenizers as the Hub
 * lists them, or lists the original's, or that of another size which mlx-lm converted; Mistral's to a tenth of a megabyte.
 * Configs are the originals', with "quantization".
 */

import type { JsonObject } from "../../core/json.ts";
import { APACHE_2 } from "../licences.ts";
import type { CatalogueEntry } from "./entry.ts";
import { GEMMA_2 } from "./gemma-2.ts";
import { LLAMA_3_2 } from "./llama-3-2.ts";
import { QWEN3, QWEN3_TOKENIZER, qwen2, qwen3 } from "./qwen.ts";
import { SMOLLM3 } from "./smollm3.ts";

const CODES = { bits: 4, group: 64 } as const;

/** mlx-lm writes the merges of older tokenizers out in full. */
const LLAMA_TOKENIZER = 17_209_920;

type Told = Pick<CatalogueEntry, "title" | "purpose" | "licence" | "parameters"> & { readonly config: JsonObject };

/** `original`: "org/name"; `from`: what is told of it and holds for its codes too. */
function coded(original: string, from: Told, bytes: { readonly weights: number; readonly tokenizer: number }) {
  const { title, purpose, licence, parameters, config } = from;
  const name = original.slice(original.indexOf("/") + 1);
  return {
    ...{ id: `mlx-community/${name}-4bit`, title: `${title}, 4 bits`, purpose, licence, gated: false, parameters },
    ...{ dtype: "bf16", coded: { ...CODES, original }, bytes: { ...bytes, unread: 0 } },
    config: { ...config, quantization: { group_size: CODES.group, bits: CODES.bits } },
  } satisfies CatalogueEntry;
}

/** The codes of a model that is listed as it was published, too. */
function codedListed(list: readonly CatalogueEntry[], id: string, weights: number, tokenizer?: number) {
  const entry = list.find((one) => one.id === id)!;
  return coded(id, entry, { weights, tokenizer: tokenizer ?? entry.bytes.tokenizer });
}

export const MLX_COMMUNITY: readonly CatalogueEntry[] = [
  codedListed(QWEN3, "Qwen/Qwen3-1.7B", 968_080_210),
  codedListed([GEMMA_2], "google/gemma-2-2b-it", 1_470_989_475),
  codedListed([SMOLLM3], "HuggingFaceTB/SmolLM3-3B", 1_730_052_199),
  codedListed(LLAMA_3_2, "meta-llama/Llama-3.2-3B-Instruct", 1_807_496_278, LLAMA_TOKENIZER),
  codedListed(QWEN3, "Qwen/Qwen3-4B", 2_263_022_529),
  coded(
    "mistralai/Mistral-7B-Instruct-v0.3",
    {
      title: "Mistral 7B v0.3",
      purpose: "Even-tempered English answers; much has been built on it, so advice is easy to find.",
      licence: APACHE_2,
      parameters: 7_248_023_552,
      config: {
        model_type: "mistral",
        hidden_act: "silu",
        vocab_size: 32768,
        hidden_size: 4096,
        intermediate_size: 14336,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        head_dim: 128,
        max_position_embeddings: 32768,
        rms_norm_eps: 1e-5,
        rope_theta: 1000000,
        sliding_window: null,
        tie_word_embeddings: false,
        bos_token_id: 1,
        eos_token_id: 2,
      },
    },
    { weights: 4_077_480_746, tokenizer: 1_961_548 },
  ),
  coded(
    "Qwen/Qwen2.5-7B-Instruct",
    {
      title: "Qwen2.5 7B",
      purpose: "The strongest of Qwen2.5 here: many languages, code, and steady at fixed forms.",
      licence: APACHE_2,
      parameters: 7_615_616_512,
      config: {
        ...qwen2,
        vocab_size: 152064,
        hidden_size: 3584,
        intermediate_size: 18944,
        num_hidden_layers: 28,
        num_attention_heads: 28,
        num_key_value_heads: 4,
        head_dim: 128,
        sliding_window: 131072,
        tie_word_embeddings: false,
      },
    },
    { weights: 4_284_346_876, tokenizer: 7_031_673 },
  ),
  coded(
    "Qwen/Qwen3-8B",
    {
      title: "Qwen3 8B",
      purpose: "The strongest here: reasoning, code and many languages; it can think aloud before it answers.",
      licence: APACHE_2,
      parameters: 8_190_735_360,
      config: {
        ...qwen3,
        hidden_size: 4096,
        intermediate_size: 12288,
        num_hidden_layers: 36,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        tie_word_embeddings: false,
      },
    },
    { weights: 4_607_835_174, tokenizer: QWEN3_TOKENIZER },
  ),
];
