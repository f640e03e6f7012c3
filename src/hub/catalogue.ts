/**
 * The page's catalogue of good small models. Everything here is known without a network; where each figure is from stands
 * at the head of its family's file in `catalogue/`.
 */

import { type CatalogueEntry, downloadBytes } from "./catalogue/entry.ts";
import { GEMMA_2 } from "./catalogue/gemma-2.ts";
import { GEMMA_3 } from "./catalogue/gemma-3.ts";
import { LLAMA_3_2 } from "./catalogue/llama-3-2.ts";
import { MLX_COMMUNITY } from "./catalogue/mlx-community.ts";
import { PHI_3_5 } from "./catalogue/phi-3.ts";
import { QWEN2_5, QWEN3 } from "./catalogue/qwen.ts";
import { SMOLLM2, TINYLLAMA } from "./catalogue/smollm2.ts";
import { SMOLLM3 } from "./catalogue/smollm3.ts";

/** The smallest download first. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  ...SMOLLM2,
  ...TINYLLAMA,
  ...QWEN2_5,
  ...QWEN3,
  ...LLAMA_3_2,
  SMOLLM3,
  PHI_3_5,
  GEMMA_2,
  ...GEMMA_3,
  ...MLX_COMMUNITY,
].sort((a, b) => downloadBytes(a) - downloadBytes(b));

/** The entry of this id, whose case does not matter on the Hub either; undefined for a model that is not listed. */
export function findEntry(id: string): CatalogueEntry | undefined {
  return CATALOGUE.find((entry) => entry.id.toLowerCase() === id.toLowerCase());
}

/** The model's page on the Hub. */
export const modelPage = (id: string): string => `https://huggingface.co/${id}`;

/** What to do before a gated model can be fetched. */
export const accessSteps = (id: string): string =>
  `Accept the terms on the model's page (${modelPage(id)}), then paste a read token of the same account here.`;
