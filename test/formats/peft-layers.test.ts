import { describe, expect, it } from "vitest";
import { parsePeftAdapterConfig } from "../../src/formats/peft-config.ts";

const rules = (changes: object) =>
  parsePeftAdapterConfig({ peft_type: "LORA", r: 8, lora_alpha: 16, ...changes }, "f").layers;
const module = (block: number, key = "self_attn.q_proj") => `model.layers.${block}.${key}`;

describe("rank_pattern and alpha_pattern", () => {
  it("give a layer its own numbers; the first that matches wins", () => {
    const { numbersOf } = rules({
      rank_pattern: { "layers.0.self_attn.q_proj": 2, q_proj: 4 },
      alpha_pattern: { "mlp.*": 5, down_proj: 99 },
    });
    expect(numbersOf(module(0))).toEqual({ rank: 2, alpha: 16 });
    expect(numbersOf(module(1))).toEqual({ rank: 4, alpha: 16 });
    expect(numbersOf(module(1, "mlp.down_proj"))).toEqual({ rank: 8, alpha: 5 });
    expect(numbersOf(module(1, "self_attn.v_proj"))).toEqual({ rank: 8, alpha: 16 });
  });

  it.each([
    [{ rank_pattern: { q_proj: 0 } }, "format", 'rank_pattern["q_proj"]: expected a whole number of at least 1, got 0'],
    [{ rank_pattern: ["q_proj"] }, "format", "rank_pattern: expected an object of patterns, got a list of 1"],
    [{ alpha_pattern: { q_proj: "16" } }, "format", 'alpha_pattern["q_proj"]: expected a number, got "16"'],
    [{ alpha_pattern: { "(?P<x>q)": 1 } }, "model", "expected a pattern of names, classes, groups and repetition"],
  ])("refuses %j", (changes, kind, message) => {
    expect(() => rules(changes)).toThrow(expect.objectContaining({ kind, message: expect.stringContaining(message) }));
  });
});

describe("which modules", () => {
  const chosen = (changes: object) =>
    [module(0), module(1), module(1, "mlp.down_proj"), "lm_head"].map(rules(changes).adapts);

  it.each([
    [{}, [true, true, true, true]],
    [{ target_modules: "all-linear" }, [true, true, true, true]],
    [{ target_modules: ["q_proj"] }, [true, true, false, false]],
    [{ target_modules: ["proj", "attn.q_proj"] }, [false, false, false, false]],
    [{ target_modules: [module(1), "lm_head"] }, [false, true, false, true]],
    [{ target_modules: String.raw`.*\.(0|1)\.mlp\..*` }, [false, false, true, false]],
    // Beyond what is followed here: the tensors' names say it then.
    [{ target_modules: "(?=x).*" }, [true, true, true, true]],
    [{ exclude_modules: ["q_proj"] }, [false, false, true, true]],
    [{ exclude_modules: ".*mlp.*" }, [true, true, false, true]],
    [{ target_modules: ["q_proj"], layers_to_transform: [1] }, [false, true, false, false]],
    [{ target_modules: ["q_proj"], layers_to_transform: 0 }, [true, false, false, false]],
    [{ target_modules: ["q_proj"], layers_to_transform: [] }, [true, true, false, false]],
    [{ layers_to_transform: [0, 1], layers_pattern: "layers" }, [true, true, true, false]],
    [{ layers_to_transform: [0, 1], layers_pattern: ["h", "blocks"] }, [false, false, false, false]],
  ])("%j", (changes, expected) => {
    expect(chosen(changes)).toEqual(expected);
  });

  it.each([
    [{ target_modules: { q_proj: true } }, "target_modules: expected a list of names or a pattern, got an object"],
    [{ target_modules: ["q_proj", 1] }, "target_modules: expected a list of names"],
    [{ layers_to_transform: [1.5] }, "layers_to_transform: expected a block or a list of blocks"],
  ])("refuses %j", (changes, message) => {
    expect(() => rules(changes)).toThrow(message);
  });
});
