/** phi3: Phi-3 and Phi-4-mini. q, k, v are one module and gate, up another; a part of each head may turn. */
import type { ModelConfig } from "../formats/model-config.ts";
import { decoder, LLAMA } from "./decoder.ts";
import type { CausalLM } from "./model.ts";

export const phi3 = (config: ModelConfig): CausalLM => decoder(config, { ...LLAMA, fused: true });
