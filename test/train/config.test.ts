import { describe, expect, expectTypeOf, it } from "vitest";
import { LorikeetError } from "../../src/core/errors.ts";
import {
  flagOf,
  KNOBS,
  type Knob,
  knobTable,
  overrideConfig,
  resolveConfig,
  scheduledRate,
  type TrainConfig,
  updateCount,
  warmupCount,
} from "../../src/train/config.ts";
import { checkValue } from "../../src/train/setting.ts";

const DEFAULTS = resolveConfig({}, "test");

function refusal(given: Record<string, unknown>): string {
  try {
    resolveConfig(given, "knobs");
  } catch (error) {
    expect(error).toBeInstanceOf(LorikeetError);
    expect((error as LorikeetError).kind).toBe("config");
    return (error as LorikeetError).message;
  }
  throw new Error("was accepted");
}

describe("the table of knobs", () => {
  it("has names and flags only once, and sentences for people", () => {
    expect(new Set(KNOBS.map((knob) => knob.name)).size).toBe(KNOBS.length);
    expect(new Set(KNOBS.map((knob) => flagOf(knob.name))).size).toBe(KNOBS.length);
    for (const knob of KNOBS) for (const text of [knob.meaning, knob.cost]) expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it("has defaults inside their own ranges", () => {
    for (const knob of KNOBS) expect(checkValue(knob, knob.default), knob.name).toBeUndefined();
  });

  it("keeps the knobs of a group together", () => {
    const runs = KNOBS.map((knob) => knob.group).filter((group, i, all) => group !== all[i - 1]);
    expect(new Set(runs).size).toBe(runs.length);
  });

  it("gives the type of the config", () => {
    expectTypeOf<TrainConfig["steps"]>().toEqualTypeOf<number | "auto">();
    expectTypeOf<TrainConfig["lrSchedule"]>().toEqualTypeOf<"constant" | "linear" | "cosine">();
    expectTypeOf<TrainConfig["checkpointing"]>().toEqualTypeOf<"auto" | "on" | "off" | number>();
    expectTypeOf<TrainConfig["targetModules"]>().toEqualTypeOf<readonly string[]>();
    expectTypeOf<TrainConfig["maskPrompt"]>().toEqualTypeOf<boolean>();
    expectTypeOf<TrainConfig["seed"]>().toEqualTypeOf<number>();
  });

  it("becomes a markdown table with one row per knob and no broken cells", () => {
    const [head, rule, ...rows] = knobTable().split("\n");
    expect(rows.length).toBe(KNOBS.length);
    for (const line of [head!, rule!, ...rows]) expect(line.split("|").length).toBe(7);
    KNOBS.forEach((knob: Knob, i) => {
      expect(rows[i]).toContain(flagOf(knob.name));
      expect(rows[i]).toContain(knob.meaning);
    });
    expect(rows.find((row) => row.includes("mask-prompt"))).toContain("`--[no-]mask-prompt` | true");
  });
});

describe("resolveConfig", () => {
  it("fills in the defaults", () => {
    for (const knob of KNOBS) expect(DEFAULTS[knob.name], knob.name).toEqual(knob.default);
  });

  it("honours zeros", () => {
    const zeros = { seed: 0, maxGradNorm: 0, warmup: 0, weightDecay: 0, saveEvery: 0, stepsPerEval: 0, numLayers: 0 };
    expect(resolveConfig({ ...zeros, beta1: 0, dropout: 0, valBatches: 0 }, "test")).toMatchObject(zeros);
    expect(resolveConfig({ maskPrompt: false, shuffle: false }, "test")).toMatchObject({
      maskPrompt: false,
      shuffle: false,
    });
  });

  it("resolves a resolved config to itself, also through JSON", () => {
    for (const given of [{}, { steps: 7 }, { epochs: 2.5 }, { steps: 3, warmup: 2 }]) {
      const once = resolveConfig(given, "test");
      expect(resolveConfig(once, "test")).toEqual(once);
      expect(resolveConfig(JSON.parse(JSON.stringify(once)), "test")).toEqual(once);
    }
  });

  it("settles steps against epochs", () => {
    expect(resolveConfig({ steps: 7 }, "test")).toMatchObject({ steps: 7, epochs: "auto" });
    expect(resolveConfig({ epochs: 3 }, "test")).toMatchObject({ steps: "auto", epochs: 3 });
    expect(resolveConfig({ steps: "auto", epochs: "auto" }, "test")).toMatchObject({ steps: "auto", epochs: 1 });
    expect(refusal({ steps: 7, epochs: 3 })).toContain("only one");
  });

  it("collects all problems in one error, with where, what was expected and what came", () => {
    const message = refusal({
      rank: 0,
      learningRate: "fast",
      seed: 1.5,
      lrSchedule: "cosin",
      maskPrompt: 1,
      dropout: 1,
    });
    expect(message).toMatch(/^knobs: 6 problems/);
    expect(message).toContain("rank: expected whole number ≥ 1, got 0");
    expect(message).toContain('learningRate: expected number > 0 and < 1, got "fast"');
    expect(message).toContain("seed: expected whole number ≥ 0 and ≤ 4294967295, got 1.5");
    expect(message).toContain('lrSchedule: expected one of constant, linear, cosine, got "cosin"');
    expect(message).toContain("maskPrompt: expected true or false, got 1");
    expect(message).toContain("dropout: expected number ≥ 0 and < 1, got 1");
  });

  it("names the nearest knob for an unknown one", () => {
    expect(refusal({ learning_rate: 1e-4 })).toContain('did you mean "learningRate"');
    expect(refusal({ wamrup: 3 })).toContain('did you mean "warmup"');
    expect(refusal({ quantumFlux: 3 })).not.toContain("did you mean");
    expect(refusal(JSON.parse('{"__proto__": 1, "constructor": 2}'))).toMatch(/2 problems/);
  });

  it.each([
    ["rank", Number.NaN],
    ["rank", 2 ** 53],
    ["learningRate", Number.POSITIVE_INFINITY],
    ["learningRate", 1],
    ["learningRate", 0],
    ["epochs", 0],
    ["steps", "Auto"],
    ["batchSize", "8"],
    ["numLayers", -2],
    ["targetModules", []],
    ["targetModules", "q_proj"],
    ["targetModules", ["q_proj", "q_proj"]],
    ["targetModules", [""]],
    ["maskPrompt", "true"],
  ])("refuses %s = %o", (name, value) => {
    expect(refusal({ [name]: value })).toContain(`${name}: expected`);
  });

  it("takes no null for a value, except as not given", () => {
    expect(resolveConfig({ rank: null }, "test").rank).toBe(DEFAULTS.rank);
  });
});

describe("overrideConfig", () => {
  it("lets the upper win", () => {
    expect(overrideConfig({ rank: 4, seed: 3 }, { seed: 0 })).toEqual({ rank: 4, seed: 0 });
  });

  it("replaces epochs by steps and steps by epochs", () => {
    expect(overrideConfig({ epochs: 3, rank: 4 }, { steps: 10 })).toEqual({ steps: 10, rank: 4 });
    expect(overrideConfig({ steps: 3 }, { epochs: 2 })).toEqual({ epochs: 2 });
    expect(overrideConfig({ steps: 3 }, { rank: 2 })).toEqual({ steps: 3, rank: 2 });
  });
});

describe("the length of a run", () => {
  const updates = (given: Partial<TrainConfig>, perEpoch: number) =>
    updateCount(resolveConfig(given, "test"), perEpoch);

  it("comes from steps or from epochs, rounded up", () => {
    expect(updates({ steps: 12 }, 100)).toBe(12);
    expect(updates({}, 100)).toBe(100);
    expect(updates({ epochs: 2.5 }, 3)).toBe(8);
    expect(updates({ epochs: 0.1 }, 30)).toBe(3);
    expect(updates({ epochs: 0.001 }, 30)).toBe(1);
  });

  it("sets an automatic warm-up: 5 %, at least 5, at most half", () => {
    expect([1, 2, 6, 20, 100, 101, 1000].map((total) => warmupCount(DEFAULTS, total))).toEqual([0, 1, 3, 5, 5, 6, 50]);
    expect(warmupCount(resolveConfig({ warmup: 0 }, "test"), 1000)).toBe(0);
  });

  it("gives the rate of each update", () => {
    const config = resolveConfig({ learningRate: 1e-3, warmup: 5, lrSchedule: "linear" }, "test");
    expect(scheduledRate(config, 0, 15)).toBe(0);
    expect(scheduledRate(config, 5, 15)).toBe(1e-3);
    expect(scheduledRate(config, 10, 15)).toBe(5e-4);
    expect(scheduledRate(DEFAULTS, 0, 1)).toBe(DEFAULTS.learningRate); // a run of one update does something
  });
});
