/**
 * gemma2 and gemma3: norms before and behind each branch with weights stored less one, GeGLU, embeddings times √hidden,
 * layers that slide between those that see everything. Gemma 2 caps scores and logits; Gemma 3 normalises q and k.
 */
import type { ModelConfig } from "../formats/model-config.ts";
import { decoder, type Family, LLAMA } from "./decoder.ts";
import type { CausalLM } from "./model.ts";

const GEMMA: Family = {
  ...LLAMA,
  ...{ activation: "gelu_pytorch_tanh", sandwich: true, normOffset: 1, scaledEmbedding: true },
};

const gemma = (config: ModelConfig, family: Family): CausalLM => {
  const bias = config.attention_bias;
  return decoder(config, { ...family, biases: { qkv: bias, o: bias, mlp: false } });
};

export const gemma2 = (config: ModelConfig): CausalLM => gemma(config, GEMMA);
export const gemma3 = (config: ModelConfig): CausalLM => gemma(config, { ...GEMMA, headNorms: true });
