/** Families by the `model_type` of their config.json. */
import { modelError } from "../core/errors.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import { llama } from "./llama.ts";
import type { CausalLM } from "./model.ts";
import { qwen2 } from "./qwen2.ts";

const families: Readonly<Record<string, (config: ModelConfig) => CausalLM>> = { llama, qwen2 };

export const supportedFamilies = (): string[] => Object.keys(families).sort();

/** The model's modules, without weights. Throws ModelError for a family that is not here. */
export function buildModel(config: ModelConfig, where: string): CausalLM {
  const family = Object.hasOwn(families, config.model_type) ? families[config.model_type] : undefined;
  if (family) return family(config);
  throw modelError(
    `${where}: model_type is "${config.model_type}", supported are ${supportedFamilies().join(", ")}`,
    "Choose a model of a supported family, for example SmolLM2, Llama 3.2, TinyLlama or Qwen2.5.",
  );
}
