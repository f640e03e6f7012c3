/** Families by the `model_type` of their config.json. */
import { modelError } from "../core/errors.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import { gemma2, gemma3 } from "./gemma.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import type { CausalLM } from "./model.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { smollm3 } from "./smollm3.ts";

const families: Readonly<Record<string, (config: ModelConfig) => CausalLM>> = {
  ...{ gemma2, gemma3_text: gemma3, llama, mistral, phi3, qwen2, qwen3, smollm3 },
};

export const supportedFamilies = (): string[] => Object.keys(families).sort();

/** Throws ModelError for a family that is not here; `where` is its config.json. */
export function checkFamily(model_type: string, where: string): void {
  if (Object.hasOwn(families, model_type)) return;
  throw modelError(
    `${where}: model_type is "${model_type}", supported are ${supportedFamilies().join(", ")}`,
    "Choose a model of a supported family, for example Qwen3, Llama 3.2, Gemma 3, SmolLM2 or SmolLM3.",
  );
}

/** The model's modules, without weights. Throws ModelError for a family that is not here. */
export function buildModel(config: ModelConfig, where: string): CausalLM {
  checkFamily(config.model_type, where);
  return families[config.model_type]!(config);
}
