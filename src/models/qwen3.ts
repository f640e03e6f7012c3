/** qwen3: q and k are normalised head by head; heads may be wider than hidden_size / heads. */
import type { ModelConfig } from "../formats/model-config.ts";
import { decoder, LLAMA } from "./decoder.ts";
import type { CausalLM } from "./model.ts";

export function qwen3(config: ModelConfig): CausalLM {
  const bias = config.attention_bias;
  return decoder(config, { ...LLAMA, biases: { qkv: bias, o: bias, mlp: false }, headNorms: true });
}
