import { describe, expect, it } from "vitest";
import type { ModelConfig } from "../../src/formats/model-config.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { estimateUpdate } from "../../src/train/estimate.ts";

const benchModel: ModelConfig = {
  model_type: "llama",
  vocab_size: 2048,
  hidden_size: 256,
  intermediate_size: 688,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
  rms_norm_eps: 1e-5,
  hidden_act: "silu",
  max_position_embeddings: 512,
  tie_word_embeddings: false,
  attention_bias: false,
  mlp_bias: false,
  rope: { rope_type: "default", rope_theta: 10000 },
  bos_token_id: null,
  eos_token_id: [],
};
const fourTimes128 = Array.from({ length: 4 }, () => ({ tokens: 128, supervised: 127 }));
const train = resolveConfig({}, "test");

describe("the dry run", () => {
  it("counts the step of the 4-layer llama: at most 300 dispatches and 120 MB", async () => {
    const input = { config: benchModel, element: "f32" as const, train, lengths: fourTimes128 };
    const plain = await estimateUpdate({ ...input, checkpointing: false });
    console.log(plain);
    expect(plain.dispatches).toBeLessThanOrEqual(300);
    expect(plain.peakBytes).toBeLessThanOrEqual(120e6);
  });
});
