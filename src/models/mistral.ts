/** mistral: Llama's decoder without biases; where config.json names a window, every layer slides. */
import type { ModelConfig } from "../formats/model-config.ts";
import { decoder, LLAMA } from "./decoder.ts";
import type { CausalLM } from "./model.ts";

export const mistral = (config: ModelConfig): CausalLM => decoder(config, LLAMA);
