/** smollm3: Llama's decoder, in which every few layers know no positions (NoPE, Yang et al. 2025). */
import type { ModelConfig } from "../formats/model-config.ts";
import { decoder, LLAMA } from "./decoder.ts";
import type { CausalLM } from "./model.ts";

export function smollm3(config: ModelConfig): CausalLM {
  const { attention_bias: bias, mlp_bias: mlp } = config;
  return decoder(config, { ...LLAMA, biases: { qkv: bias, o: bias, mlp } });
}
