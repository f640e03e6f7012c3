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

describe("both published forms", () => {
  it.each(["llama", "llama-tied", "qwen2", "formats/bf16"])(
    "%s: the 4.x file and the 5.x file say the same",
    (folder) => {
      const now = parseModelConfig(fixture(`${folder}/config.json`), "config.json");
      expect(parseModelConfig(fixture(`${folder}/config_v4.json`), "config_v4.json")).toEqual(now);
    },
  );

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

  it.each([
    [
      { rope_scaling: { type: "yarn", factor: 4 } },
      'rope_scaling.rope_type: expected one of default, linear, llama3, got "yarn"',
    ],
    [{ rope_scaling: { factor: 4 } }, "rope_scaling.rope_type: expected one of default, linear, llama3, got nothing"],
    [{ rope_parameters: { full_attention: {}, sliding_attention: {} } }, "(one entry per kind of layer)"],
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
    [{ model_type: "qwen2", use_sliding_window: true, sliding_window: 1024 }, "got a window of 1024"],
    [{ model_type: "mistral", sliding_window: 4096 }, "got a window of 4096"],
    [{ layer_types: ["full_attention", "sliding_attention"] }, "full attention in every layer"],
    [{ quantization: { group_size: 64, bits: 4 } }, "quantization: expected unquantised weights"],
    [{ quantization_config: { quant_method: "awq" } }, "quantised bases are not supported yet"],
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
  ])("the malformed %j", (changes, message) => {
    const error = failure(changes);
    expect(error.kind).toBe("format");
    expect(error.message).toContain(message);
  });

  it("reports everything at once, with the file's name", () => {
    const error = failure({ vocab_size: -1, hidden_size: null, rope_scaling: { type: "yarn" }, quantization: {} });
    expect(error.message).toMatch(
      /^config\.json: 4 problems\n {2}hidden_size.*\n {2}vocab_size.*\n {2}rope_scaling.*\n {2}quantization/,
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
