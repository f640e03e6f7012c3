/** What config.json says of quantised weights. */
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import { quantizationFor } from "../../src/formats/quantization.ts";

const base = {
  ...{ model_type: "llama", vocab_size: 320, hidden_size: 64, intermediate_size: 160, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, rms_norm_eps: 1e-5, max_position_embeddings: 128 },
};
const parse = (changes: object) => parseModelConfig({ ...base, ...changes }, "config.json");

describe("quantised weights", () => {
  const all = { group_size: 64, bits: 4 };

  it("have bits and group for all, and others or none for single modules", () => {
    const quantization = {
      ...{ ...all, mode: "affine" },
      ...{
        "model.layers.0.mlp.down_proj": { bits: 6 },
        lm_head: { group_size: 32, bits: 8 },
        "model.embed_tokens": false,
      },
    };
    for (const key of ["quantization", "quantization_config"]) {
      const config = parse({ [key]: quantization }).quantization!;
      expect(config).toMatchObject({ bits: 4, group: 64 });
      expect([...config.modules]).toEqual([
        ["model.layers.0.mlp.down_proj", { bits: 6, group: 64 }],
        ["lm_head", { bits: 8, group: 32 }],
        ["model.embed_tokens", null],
      ]);
      expect(quantizationFor(config, "lm_head")).toEqual({ bits: 8, group: 32 });
      expect(quantizationFor(config, "model.embed_tokens")).toBeNull();
      expect(quantizationFor(config, "model.layers.1.mlp.down_proj")).toMatchObject({ bits: 4, group: 64 });
    }
  });
});
