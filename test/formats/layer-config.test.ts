/** What differs from layer to layer: windows, positions, and by which table they turn. */
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/formats/model-config.ts";

const base = {
  ...{ model_type: "llama", vocab_size: 320, hidden_size: 64, intermediate_size: 160, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, rms_norm_eps: 1e-5, max_position_embeddings: 128 },
};
const parse = (changes: object) => parseModelConfig({ ...base, ...changes }, "config.json");

describe("layers", () => {
  const types = (changes: object) =>
    parse({ num_hidden_layers: 4, ...changes })
      .layer_types.map((type) => type[0])
      .join("");
  const windowed = { sliding_window: 16 };

  it.each([
    ["ffff", { model_type: "llama", ...windowed }],
    ["ssss", { model_type: "mistral", ...windowed }],
    ["ffff", { model_type: "mistral", sliding_window: null }],
    ["ssss", { model_type: "mistral" }],
    ["ssss", { model_type: "phi3", ...windowed }],
    ["sfsf", { model_type: "gemma2", ...windowed }],
    ["ssfs", { model_type: "gemma3_text", sliding_window_pattern: 3 }],
    ["ssss", { model_type: "gemma3_text" }],
    ["ffff", { model_type: "qwen2", ...windowed }],
    ["ffss", { model_type: "qwen2", ...windowed, use_sliding_window: true, max_window_layers: 2 }],
    ["ffff", { model_type: "qwen3", ...windowed }],
    ["ffff", { model_type: "smollm3", ...windowed }],
    ["fsfs", { model_type: "smollm3", ...windowed, use_sliding_window: true, no_rope_layer_interval: 2 }],
    [
      "fffs",
      { model_type: "mistral", ...windowed, layer_types: [...Array(3).fill("full_attention"), "sliding_attention"] },
    ],
  ])("slide as %s in %j", (expected, changes) => {
    expect(types(changes)).toBe(expected);
  });

  it("of smollm3 know positions but every fourth", () => {
    expect(parse({ model_type: "smollm3", num_hidden_layers: 8 }).rope_layers).toEqual(
      [1, 1, 1, 0, 1, 1, 1, 0].map(Boolean),
    );
  });

  it("of gemma3 turn by two tables", () => {
    const { rope, rope_local } = parse({ model_type: "gemma3_text", rope_scaling: { rope_type: "linear", factor: 8 } });
    expect(rope).toEqual({ rope_type: "linear", rope_theta: 1e6, factor: 8 });
    expect(rope_local).toEqual({ rope_type: "default", rope_theta: 10000 });
  });
});
