import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { LorikeetError } from "../../src/core/errors.ts";
import { wholeIfClose } from "../../src/formats/adapter-config.ts";
import { parseMlxAdapterConfig, writeMlxAdapterConfig } from "../../src/formats/mlx-config.ts";
import {
  type PeftAdapterConfig,
  parsePeftAdapterConfig,
  writePeftAdapterConfig,
} from "../../src/formats/peft-config.ts";

const fixture = (path: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/${path}/adapter_config.json`, import.meta.url), "utf8"));
const mlx = { fine_tune_type: "lora", num_layers: 2, lora_parameters: { rank: 8, scale: 2, dropout: 0 } };
const peft = { peft_type: "LORA", r: 4, lora_alpha: 8, target_modules: ["q_proj"] };
const parseMlx = (changes: object) => parseMlxAdapterConfig({ ...mlx, ...changes }, "adapter_config.json");
const parsePeft = (changes: object) => parsePeftAdapterConfig({ ...peft, ...changes }, "adapter_config.json");

/** Without what it says of single layers, which peft-layers.test.ts is for. */
const numbers = ({ layers: _, ...config }: PeftAdapterConfig) => config;

function failure(run: () => unknown): LorikeetError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(LorikeetError);
    return error as LorikeetError;
  }
  throw new Error("expected a refusal");
}

describe("MLX", () => {
  it("reads what mlx-lm wrote", () => {
    expect(parseMlxAdapterConfig(fixture("mlx/adapters-llama-random"), "f")).toEqual({
      rank: 8,
      alpha: 160,
      scale: 20,
      dropout: 0,
      use_rslora: false,
      use_dora: false,
      base_model: "llama",
    });
  });

  it("DoRA is a fine_tune_type, and was a switch before", () => {
    expect(parseMlx({ fine_tune_type: "dora" }).use_dora).toBe(true);
    expect(parseMlx({ use_dora: true }).use_dora).toBe(true);
    expect(parseMlx({ use_dora: false }).use_dora).toBe(false);
  });

  it("fine_tune_type may be missing, alpha is information: the scale decides, as in mlx-lm", () => {
    expect(parseMlx({ fine_tune_type: undefined }).scale).toBe(2);
    expect(parseMlx({ lora_parameters: { ...mlx.lora_parameters, alpha: 999 } })).toMatchObject({
      scale: 2,
      alpha: 16,
    });
  });

  it.each([
    [
      { fine_tune_type: "full" },
      "model",
      '(all weights were trained: the file is a model\'s part, not an adapter), got "full"',
    ],
    [
      { lora_parameters: { ...mlx.lora_parameters, use_dora: true } },
      "model",
      "lora_parameters.use_dora: expected it to be off",
    ],
    [{ lora_parameters: { rank: 8, dropout: 0 } }, "format", "lora_parameters.scale: expected a number, got nothing"],
    [
      { lora_parameters: { rank: 0, scale: 1, dropout: 1 } },
      "format",
      "lora_parameters.rank: expected a whole number of at least 1, got 0",
    ],
    [
      { lora_parameters: { rank: 8, scale: 1, dropout: 1 } },
      "format",
      "dropout: expected a number of at least 0 below 1, got 1",
    ],
    [{ lora_parameters: undefined }, "format", "lora_parameters.: expected an object, got nothing"],
  ])("refuses %j", (changes, kind, message) => {
    const error = failure(() => parseMlx(changes));
    expect(error.kind).toBe(kind);
    expect(error.message).toContain(message);
  });
});

describe("PEFT", () => {
  it("reads what peft wrote", () => {
    expect(numbers(parsePeftAdapterConfig(fixture("llama/adapters/random"), "f"))).toEqual({
      rank: 4,
      alpha: 8,
      scale: 2,
      dropout: 0,
      use_rslora: false,
      use_dora: false,
      base_model: "tiny-llama",
    });
    expect(parsePeftAdapterConfig(fixture("llama/adapters/dora"), "f")).toMatchObject({ rank: 4, use_dora: true });
  });

  it("rank-stabilised scale is alpha / √rank", () => {
    expect(parsePeft({ use_rslora: true })).toMatchObject({ alpha: 8, scale: 4, use_rslora: true });
    expect(parsePeft({})).toMatchObject({ scale: 2, use_rslora: false });
  });

  it("empty and switched-off features are nothing", () => {
    const off = {
      use_dora: false,
      modules_to_save: null,
      rank_pattern: {},
      alpha_pattern: {},
      bias: "none",
      layer_replication: null,
    };
    expect(numbers(parsePeft(off))).toEqual(numbers(parsePeft({})));
    const informing = { init_lora_weights: "gaussian", target_modules: "all-linear", layers_to_transform: [1] };
    expect(numbers(parsePeft(informing))).toEqual(numbers(parsePeft({})));
  });

  it.each([
    [{ peft_type: "IA3" }, 'peft_type: expected "LORA", got "IA3"'],
    [{ modules_to_save: ["lm_head"] }, "modules_to_save: expected it to be off (whole layers trained beside"],
    [{ rank_pattern: { "(?=q)": 8 } }, 'rank_pattern["(?=q)"]: expected a pattern of names, classes'],
    [{ bias: "lora_only" }, 'bias: expected "none" (biases do not train here), got "lora_only"'],
    [{ lora_bias: true }, "lora_bias: expected it to be off"],
    [{ fan_in_fan_out: true }, "fan_in_fan_out: expected it to be off (layers that store"],
    [{ init_lora_weights: "pissa" }, 'init_lora_weights: expected one that leaves the base as it is, got "pissa"'],
    [{ trainable_token_indices: [7] }, "trainable_token_indices: expected it to be off"],
    [{ some_feature_of_tomorrow: { mode: 1 } }, "some_feature_of_tomorrow: expected it to be off"],
  ])("refuses %j", (changes, message) => {
    const error = failure(() => parsePeft(changes));
    expect(error.kind).toBe("model");
    expect(error.message).toContain(message);
  });

  it("reports everything at once", () => {
    const error = failure(() => parsePeft({ lora_bias: true, r: 0, lora_alpha: null }));
    expect(error.kind).toBe("format");
    expect(error.message).toContain("adapter_config.json: 3 problems");
  });
});

describe("writing", () => {
  const targets = { target_modules: ["q_proj", "v_proj"], base_model: "org/model" };
  const parts = { rank: 8, scale: 20, dropout: 0.1, use_dora: false, ...targets };
  const union = { ...parts, keys: ["self_attn.q_proj", "self_attn.v_proj"], num_layers: 28 };

  it("the union file holds what each reader looks for", () => {
    const text = writeMlxAdapterConfig(union, { iters: 100, learning_rate: 1e-4 });
    expect(JSON.parse(text)).toEqual({
      alpha: 160,
      base_model_name_or_path: "org/model",
      bias: "none",
      dropout: 0.1,
      fine_tune_type: "lora",
      iters: 100,
      learning_rate: 1e-4,
      lora_alpha: 160,
      lora_dropout: 0.1,
      lora_parameters: { alpha: 160, dropout: 0.1, keys: ["self_attn.q_proj", "self_attn.v_proj"], rank: 8, scale: 20 },
      model: "org/model",
      num_layers: 28,
      peft_type: "LORA",
      r: 8,
      rank: 8,
      scale: 20,
      target_modules: ["q_proj", "v_proj"],
      task_type: "CAUSAL_LM",
      use_rslora: false,
    });
    const keys = [...text.matchAll(/^ {4}"(\w+)"/gm)].map((match) => match[1]!);
    expect(keys).toEqual([...keys].sort());
    expect(text.endsWith("}\n")).toBe(true);
  });

  it("is read back as it was", () => {
    for (const use_dora of [false, true]) {
      const kind = { use_rslora: false, use_dora };
      const parsed = { rank: 8, alpha: 160, scale: 20, dropout: 0.1, ...kind, base_model: "org/model" };
      expect(parseMlxAdapterConfig(JSON.parse(writeMlxAdapterConfig({ ...union, use_dora })), "f")).toEqual(parsed);
      const peftText = writePeftAdapterConfig({ ...parts, use_dora, layers_to_transform: null });
      expect(numbers(parsePeftAdapterConfig(JSON.parse(peftText), "f"))).toEqual(parsed);
    }
  });

  it("extras never override what a loader reads", () => {
    const text = writeMlxAdapterConfig(union, {
      num_layers: -1,
      lora_parameters: null,
      fine_tune_type: "full",
      lora_alpha: 1,
    });
    expect(JSON.parse(text)).toEqual(JSON.parse(writeMlxAdapterConfig(union)));
  });

  it("lora_alpha is a whole number or not there: Ollama parses it as an unsigned integer", () => {
    const fraction = JSON.parse(writeMlxAdapterConfig({ ...union, scale: 0.7, rank: 3 }));
    expect(fraction.lora_alpha).toBeUndefined();
    expect(fraction.lora_parameters.alpha).toBeCloseTo(2.1, 12);
    expect(JSON.parse(writeMlxAdapterConfig({ ...union, scale: 16 / 3, rank: 3 })).lora_alpha).toBe(16);
  });

  it("rounds only what rounding broke", () => {
    expect(wholeIfClose((1 / 49) * 49)).toBe(1);
    expect(wholeIfClose(16.001)).toBe(16.001);
  });
});
