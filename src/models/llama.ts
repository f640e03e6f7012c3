/** llama: Llama 2 and 3, TinyLlama, SmolLM2 and whatever shares their architecture. */
import type { ModelConfig } from "../formats/model-config.ts";
import { decoder, LLAMA } from "./decoder.ts";
import type { CausalLM } from "./model.ts";

export function llama(config: ModelConfig): CausalLM {
  const { attention_bias: bias, mlp_bias: mlp } = config;
  return decoder(config, { ...LLAMA, biases: { qkv: bias, o: bias, mlp } });
}
