/** Families by the `model_type` of their config.json. */
import { modelError } from "../core/errors.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import { llama } from "./llama.ts";
import type { CausalLM } from "./model.ts";
import { qwen2 } from "./qwen2.ts";

const families: Readonly<Record<string, (config: ModelConfig) => CausalLM>> = { llama, qwen2 };

export const supportedFamilies = (): string[] => Object.keys(families).sort();

/** Throws ModelError for a family that is not here; `where` is its config.json. */
export function checkFamily(model_type: string, where: string): void {
  if (Object.hasOwn(families, model_type)) return;
  throw modelError(
    `${where}: model_type is "${model_type}", supported are ${supportedFamilies().join(", ")}`,
    "Choose a model of a supported family, for example SmolLM2, Llama 3.2, TinyLlama or Qwen2.5.",
  );
}

/** The model's modules, without weights. Throws ModelError for a family that is not here. */
export function buildModel(config: ModelConfig, where: string): CausalLM {
  checkFamily(config.model_type, where);
  return families[config.model_type]!(config);
}
