/** qwen2: Qwen2 and Qwen2.5. Llama's decoder, except that q, k and v always have a bias, whatever config.json says. */
import type { ModelConfig } from "../formats/model-config.ts";
import { decoder, LLAMA } from "./decoder.ts";
import type { CausalLM } from "./model.ts";

export const qwen2 = (config: ModelConfig): CausalLM =>
  decoder(config, { ...LLAMA, biases: { qkv: true, o: false, mlp: false } });
