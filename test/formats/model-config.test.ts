import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { LorikeetError } from "../../src/core/errors.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";

const readJson = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const fixture = (path: string) => readJson(`../fixtures/${path}`);

const base = {
  model_type: "llama",
  vocab_size: 320,
  hidden_size: 64,
  intermediate_size: 160,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 128,
};
const parse = (changes: object) => parseModelConfig({ ...base, ...changes }, "config.json");

function failure(changes: object): LorikeetError {
  try {
    parse(changes);
  } catch (error) {
    expect(error).toBeInstanceOf(LorikeetError);
    return error as LorikeetError;
  }
  throw new Error("expected a refusal");
}

const FOLDERS = [
  ...["llama", "llama-tied", "qwen2", "qwen3", "mistral-sw", "gemma2", "gemma3", "phi3", "phi3-partial", "smollm3"],
];

describe("both published forms", () => {
  it.each([...FOLDERS, "formats/bf16"])("%s: the 4.x file and the 5.x file say the same", (folder) => {
    const now = parseModelConfig(fixture(`${folder}/config.json`), "config.json");
    expect(parseModelConfig(fixture(`${folder}/config_v4.json`), "config_v4.json")).toEqual(now);
  });

  it("reads every field of the tiny llama", () => {
    expect(parseModelConfig(fixture("llama/config.json"), "config.json")).toEqual({
      ...base,
      num_key_value_heads: 2,
      head_dim: 16,
      hidden_act: "silu",
      tie_word_embeddings: false,
      attention_bias: false,
      mlp_bias: false,
      rope: {
        rope_type: "llama3",
        rope_theta: 10000,
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 32,
      },
      rope_local: null,
      query_pre_attn_scalar: null,
      attn_logit_softcapping: null,
      final_logit_softcapping: null,
      quantization: null,
      layer_types: ["full_attention", "full_attention"],
      sliding_window: null,
      rope_layers: [true, true],
      bos_token_id: 1,
      eos_token_id: [2],
    });
  });

  it("reads qwen2 with its window switched off", () => {
    const config = parseModelConfig(fixture("qwen2/config.json"), "config.json");
    expect(config).toMatchObject({
      tie_word_embeddings: true,
      head_dim: 16,
      rope: { rope_type: "default", rope_theta: 1e6 },
    });
    expect(parse({ model_type: "qwen2", sliding_window: 4096 }).model_type).toBe("qwen2");
    expect(parse({ sliding_window: 4096 }).model_type).toBe("llama");
  });
});

describe("defaults, as transformers has them", () => {
  it("heads, head_dim, ties, biases, rope", () => {
    expect(parse({})).toMatchObject({
      num_key_value_heads: 4,
      head_dim: 16,
      hidden_act: "silu",
      tie_word_embeddings: false,
      attention_bias: false,
      mlp_bias: false,
      rope: { rope_type: "default", rope_theta: 10000 },
      bos_token_id: null,
      eos_token_id: [],
    });
  });

  it("null means absent", () => {
    const nulls = {
      num_key_value_heads: null,
      head_dim: null,
      rope_scaling: null,
      eos_token_id: null,
      quantization_config: null,
    };
    expect(parse(nulls)).toEqual(parse({}));
  });

  it("several end tokens stay several", () => {
    expect(parse({ eos_token_id: [128001, 128008, 128009] }).eos_token_id).toEqual([128001, 128008, 128009]);
    expect(parse({ eos_token_id: 0 }).eos_token_id).toEqual([0]);
  });
});

describe("rotary embedding", () => {
  it("linear scaling under the old key, the new key and in rope_parameters", () => {
    const rope = { rope_type: "linear", rope_theta: 5, factor: 2 };
    expect(parse({ rope_theta: 5, rope_scaling: { type: "linear", factor: 2 } }).rope).toEqual(rope);
    expect(parse({ rope_theta: 5, rope_scaling: { rope_type: "linear", factor: 2 } }).rope).toEqual(rope);
    expect(parse({ rope_parameters: rope }).rope).toEqual(rope);
    expect(parse({ rope_theta: 5, rope_parameters: { rope_type: "linear", factor: 2 } }).rope).toEqual(rope);
  });

  it("yarn with its defaults, whose attention factor is 0.1·ln(factor) + 1", () => {
    const rope = parse({ rope_scaling: { type: "yarn", factor: 4 } }).rope;
    expect(rope).toMatchObject({ beta_fast: 32, beta_slow: 1, truncate: true, original_max_position_embeddings: 128 });
    expect(rope.attention_factor).toBeCloseTo(1 + 0.1 * Math.log(4), 12);
    const deepseek = { type: "yarn", factor: 4, mscale: 0.7, mscale_all_dim: 0.7 };
    expect(parse({ rope_scaling: deepseek }).rope.attention_factor).toBe(1);
  });

  it("longrope under both names, of the heads' turning part", () => {
    const phi = { model_type: "phi3", original_max_position_embeddings: 32, partial_rotary_factor: 0.75 };
    const rope = { short_factor: Array(6).fill(1), long_factor: Array(6).fill(8) };
    const expected = {
      rope_type: "longrope",
      original_max_position_embeddings: 32,
      partial_rotary_factor: 0.75,
      ...rope,
    };
    for (const type of ["su", "longrope"]) {
      const parsed = parse({ ...phi, rope_scaling: { type, ...rope } }).rope;
      expect(parsed).toMatchObject(expected);
      // √(1 + ln(128 / 32) / ln 32)
      expect(parsed.attention_factor).toBeCloseTo(Math.sqrt(1 + Math.log(4) / Math.log(32)), 12);
    }
    const short = failure({ ...phi, rope_scaling: { type: "longrope", ...rope, long_factor: [1] } });
    expect(short.message).toContain("rope_scaling.long_factor: expected 6 numbers above 0, got a list of 1");
  });

  it.each([
    [
      { rope_scaling: { type: "dynamic", factor: 4 } },
      'rope_scaling.rope_type: expected one of default, linear, llama3, yarn, longrope, got "dynamic"',
    ],
    [
      { rope_scaling: { factor: 4 } },
      "rope_scaling.rope_type: expected one of default, linear, llama3, yarn, longrope, got nothing",
    ],
    [{ rope_parameters: { sliding_attention: {} } }, "(one entry per kind of layer)"],
    [{ partial_rotary_factor: 0.5 }, "partial_rotary_factor: expected 1, got 0.5"],
  ])("refuses %j", (changes, message) => {
    const error = failure(changes);
    expect(error.kind).toBe("model");
    expect(error.message).toContain(message);
  });

  it("wants every number of its kind", () => {
    const error = failure({ rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 0 } });
    expect(error.kind).toBe("format");
    expect(error.message).toContain("rope_scaling.low_freq_factor: expected a number above 0, got 0");
    expect(error.message).toContain("rope_scaling.high_freq_factor: expected a number above 0, got nothing");
    expect(error.message).toContain(
      "rope_scaling.original_max_position_embeddings: expected a whole number of at least 1",
    );
  });
});

describe("refusing", () => {
  it.each([
    [{ layer_types: ["full_attention", "sliding_attention"] }, "full attention in every layer of llama"],
    [{ quantization: { group_size: 64, bits: 7 } }, "quantization.bits: expected one of 2, 3, 4, 5, 6, 8, got 7"],
    [{ quantization: { group_size: 16, bits: 4 } }, "quantization.group_size: expected one of 32, 64, 128, got 16"],
    [{ quantization: { group_size: 32, bits: 4, mode: "mxfp4" } }, 'quantization.mode: expected affine, got "mxfp4"'],
    [{ quantization_config: { quant_method: "awq" } }, "quantization_config: expected MLX's"],
  ])("the unsupported %j", (changes, message) => {
    const error = failure(changes);
    expect(error.kind).toBe("model");
    expect(error.message).toContain(message);
  });

  it.each([
    [{ vocab_size: undefined }, "vocab_size: expected a whole number of at least 1, got nothing"],
    [{ hidden_size: "64" }, 'hidden_size: expected a whole number of at least 1, got "64"'],
    [{ num_hidden_layers: 2.5 }, "num_hidden_layers: expected a whole number of at least 1, got 2.5"],
    [{ model_type: undefined }, "model_type: expected a text, got nothing"],
    [{ rms_norm_eps: 0 }, "rms_norm_eps: expected a number above 0, got 0"],
    [{ tie_word_embeddings: "yes" }, 'tie_word_embeddings: expected true or false, got "yes"'],
    [{ eos_token_id: [1, -2] }, "eos_token_id: expected a token id or a list of them, got a list of 2"],
    [{ num_key_value_heads: 3 }, "num_key_value_heads: expected a divisor of num_attention_heads (4), got 3"],
    [{ hidden_size: 66 }, "hidden_size: expected a multiple of num_attention_heads (4), got 66"],
    [{ head_dim: 15 }, "head_dim: expected an even number"],
    [
      { layer_types: ["full_attention"] },
      "layer_types: expected 2 of full_attention and sliding_attention, got a list of 1",
    ],
    [{ model_type: "mistral", sliding_window: 0 }, "sliding_window: expected a whole number of at least 1, got 0"],
    [{ model_type: "smollm3", no_rope_layers: [2, 0] }, "no_rope_layers: expected 2 times 0 or 1, got a list of 2"],
  ])("the malformed %j", (changes, message) => {
    const error = failure(changes);
    expect(error.kind).toBe("format");
    expect(error.message).toContain(message);
  });

  it("reports everything at once, with the file's name", () => {
    const error = failure({
      vocab_size: -1,
      hidden_size: null,
      rope_scaling: { type: "x" },
      quantization: { bits: 4 },
    });
    expect(error.message).toMatch(
      /^config\.json: 4 problems\n {2}hidden_size.*\n {2}vocab_size.*\n {2}rope_scaling.*\n {2}quantization.group_size/,
    );
  });

  it("what is no object", () => {
    expect(() => parseModelConfig([], "config.json")).toThrow("file: expected an object, got a list of 0");
  });
});

const published = new URL("../../../shared/data/configs/", import.meta.url);
describe.skipIf(!existsSync(published))("published configs", () => {
  const read = (name: string) => parseModelConfig(readJson(`../../../shared/data/configs/${name}.config.json`), name);

  it("Llama-3.2-1B, SmolLM2-135M, Qwen2-1.5B", () => {
    expect(read("llama-3.2-1b")).toMatchObject({
      head_dim: 64,
      rope: { rope_type: "llama3", rope_theta: 500000, factor: 32 },
    });
    expect(read("smollm2-135m")).toMatchObject({
      tie_word_embeddings: true,
      rope: { rope_type: "default", rope_theta: 100000 },
    });
    expect(read("qwen2-1.5b-instruct-finetune")).toMatchObject({ head_dim: 128, num_key_value_heads: 2 });
  });

  it("refuses GPT-2, whose fields have other names", () => {
    expect(() => read("gpt2")).toThrow("hidden_size: expected a whole number of at least 1, got nothing");
  });
});
