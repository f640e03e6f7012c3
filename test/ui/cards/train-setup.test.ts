/** What the Train card says and offers before a run. */
import { describe, expect, it } from "vitest";
import { KNOBS, resolveConfig } from "../../../src/train/config.ts";
import { memoryParts } from "../../../src/train/memory-parts.ts";
import { PRESETS } from "../../../src/train/presets.ts";
import {
  autoChange,
  autoValue,
  changedKnobs,
  isChanged,
  type Knobs,
  knobGroups,
  knobLabel,
  knobProblem,
  type NamedKnob,
  shownValue,
} from "../../../src/ui/cards/train/knob-values.ts";
import { layerMap, layerSummary } from "../../../src/ui/cards/train/layers.ts";
import { barParts, memoryAdvice } from "../../../src/ui/cards/train/memory-advice.ts";
import { lengthWords, presetChoices } from "../../../src/ui/cards/train/preset-text.ts";
import { startState } from "../../../src/ui/cards/train/start-state.ts";
import { type AppState, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import type { MemoryPlan, Opening } from "../../../src/worker/protocol.ts";

const PLAN: MemoryPlan = {
  ...{ weightBytes: 10, peakBytes: 42, budgetBytes: 100, verdict: "fits" },
  parts: memoryParts({ weights: 10, adapter: 2, snapshots: 0, kept: 20, working: 9, spare: 1 }),
  ...{ blocks: { recomputed: 0, all: 5 }, updates: 64, updatesPerEpoch: 32, layers: { adapted: 35, possible: 35 } },
  ...{ parameters: 123_456, adaptedModules: [], allModules: [] },
};
const knob = (name: string) => KNOBS.find((one) => one.name === name) as NamedKnob;

describe("knobs", () => {
  it("has words for every name, each its own", () => {
    expect(knobLabel("maxGradNorm")).toBe("Max gradient norm");
    expect(knobLabel("lrSchedule")).toBe("Learning rate schedule");
    expect(knobLabel("beta1")).toBe("Beta 1");
    expect(new Set(KNOBS.map(({ name }) => knobLabel(name))).size).toBe(KNOBS.length);
  });

  it("shows every row once, in groups", () => {
    const names = knobGroups().flatMap(({ knobs }) => knobs.map(({ name }) => name));
    expect(names).toEqual(KNOBS.map(({ name }) => name));
  });

  it("shows what was chosen, also when it is wrong, and what is wrong with it", () => {
    const knobs: Knobs = { batchSize: 0, learningRate: 1 };
    expect(shownValue(knob("batchSize"), knobs)).toBe(0);
    expect(knobProblem(knob("batchSize"), knobs)).toBe("expected whole number ≥ 1, got 0");
    // An exclusive bound, which the field itself does not know.
    expect(knobProblem(knob("learningRate"), knobs)).toBe("expected number > 0 and < 1, got 1");
    expect(knobProblem(knob("rank"), knobs)).toBeUndefined();
  });

  it("knows which of steps and epochs counts", () => {
    expect([shownValue(knob("steps"), {}), shownValue(knob("epochs"), {})]).toEqual(["auto", 1]);
    expect([shownValue(knob("steps"), { steps: 20 }), shownValue(knob("epochs"), { steps: 20 })]).toEqual([20, "auto"]);
  });

  it("says what auto comes to", () => {
    const config = resolveConfig({ steps: 64 }, "test");
    expect(autoValue("steps", config, PLAN)).toBe(64);
    expect(autoValue("epochs", config, PLAN)).toBe(2);
    expect(autoValue("warmup", config, PLAN)).toBe(5);
    expect(autoValue("steps", config, null)).toBeNull();
    expect(autoValue("rank", config, PLAN)).toBeNull();
  });

  it("always leaves one of steps and epochs a number", () => {
    const names = ["steps", "epochs"] as const;
    for (const name of names) {
      for (const auto of [true, false]) {
        const change = autoChange(name, auto, 40);
        expect(typeof change.value).toBe("number");
        const config = resolveConfig({ [change.name]: change.value }, "test");
        expect(config[name] === "auto").toBe(auto);
      }
    }
    expect(autoChange("warmup", true, 5)).toEqual({ name: "warmup", value: undefined });
    expect(autoChange("warmup", false, 5)).toEqual({ name: "warmup", value: 5 });
  });

  it("lists what differs from the defaults, 0 and false among them", () => {
    const knobs: Knobs = { maskPrompt: false, seed: 0, weightDecay: 0, rank: 8, learningRate: 3e-3 };
    expect(changedKnobs(knobs)).toEqual([
      { label: "Learning rate", value: "0.003" },
      { label: "Weight decay", value: "0" },
      { label: "Mask prompt", value: "off" },
    ]);
    expect(isChanged(knob("targetModules"), { targetModules: [...(knob("targetModules").default as string[])] })).toBe(
      false,
    );
  });
});

describe("presets", () => {
  const config = resolveConfig(PRESETS.standard.knobs, "test");

  it("come to what they come to with this data", () => {
    const facts = presetChoices(PLAN, config).map((choice) => choice.facts);
    expect(facts).toEqual(["20 updates, about 0.6 epochs", "64 updates, 2 epochs", "128 updates, 4 epochs"]);
  });

  it("say nothing before the data is known, or when the batch was changed", () => {
    const empty = { ...PLAN, updates: 0, updatesPerEpoch: 0 };
    expect(presetChoices(empty, config).every(({ facts }) => facts === undefined)).toBe(true);
    expect(autoValue("epochs", config, empty)).toBeNull();
    expect(presetChoices(null, config).every(({ facts }) => facts === undefined)).toBe(true);
    const larger = resolveConfig({ batchSize: 16 }, "test");
    expect(presetChoices(PLAN, larger).every(({ facts }) => facts === undefined)).toBe(true);
  });

  it("count in words", () => {
    expect(lengthWords(1, 1)).toBe("1 update, 1 epoch");
    expect(lengthWords(20, 3)).toBe("20 updates, about 6.7 epochs");
  });
});

describe("memory", () => {
  it("advises what would change something, with whole numbers", () => {
    const advice = memoryAdvice(resolveConfig({ batchSize: 5, maxSeqLength: 1025 }, "test"), false);
    expect(advice.map(({ id }) => id)).toEqual(["checkpointing", "batch", "length"]);
    expect(advice[1]?.knobs).toEqual({ batchSize: 2, gradAccumulationSteps: 2 });
    expect(advice[2]?.knobs).toEqual({ maxSeqLength: 512 });
    for (const { knobs } of advice) expect(() => resolveConfig(knobs, "test")).not.toThrow();
  });

  it("has no advice left for what is smallest", () => {
    expect(memoryAdvice(resolveConfig({ batchSize: 1, maxSeqLength: 256 }, "test"), true)).toEqual([]);
  });

  it("has parts that make the peak", () => {
    const parts = barParts(PLAN);
    expect(parts.reduce((sum, { value }) => sum + value, 0)).toBe(PLAN.peakBytes);
    // A part that is empty has no place in the picture, and each of the others a colour of its own.
    expect(parts.map(({ label }) => label)).not.toContain("Snapshots");
    expect(new Set(parts.map(({ hue }) => hue)).size).toBe(5);
  });
});

describe("the picture of layers", () => {
  const path = (layer: number, name: string) => `model.layers.${layer}.${name}`;
  const allModules = [0, 1, 2].flatMap((layer) => [path(layer, "self_attn.q_proj"), path(layer, "mlp.up_proj")]);

  it("places modules by layer and name", () => {
    const map = layerMap({ allModules: [...allModules, "lm_head"], adaptedModules: [path(2, "mlp.up_proj")] });
    expect([map.layers, map.modules]).toEqual([3, ["q_proj", "up_proj"]]);
    expect(map.state(2, "up_proj")).toBe("trained");
    expect(map.state(2, "q_proj")).toBe("frozen");
    expect(map.state(3, "q_proj")).toBe("absent");
  });

  it("is summed up in words", () => {
    expect(layerSummary(PLAN, 2_226_240)).toBe(
      "35 of 35 layers get an adapter; 70 tensors; 123,456 of 2,226,240 parameters.",
    );
    expect(layerSummary(PLAN, null)).toContain("; 123,456 parameters.");
  });
});

describe("Start", () => {
  const ready: AppState = {
    ...INITIAL_STATE,
    model: { ...INITIAL_STATE.model, phase: "ready" },
    data: { ...INITIAL_STATE.data, phase: "ready", split: { train: 10, valid: 2, own: false } },
    config: resolveConfig({}, "test"),
    plan: PLAN,
  };
  const error = { kind: "config", message: "x" } as const;
  const text = (changes: Partial<AppState>) => startState({ ...ready, ...changes }).reason?.text;

  it("can be pressed when everything is there, also before the plan is made", () => {
    expect(startState(ready)).toEqual({ reason: null, risky: false, note: null });
    expect(text({ plan: null })).toBeUndefined();
  });

  it.each([
    ["Choose a model", { model: INITIAL_STATE.model }],
    ["Choose a dataset", { data: INITIAL_STATE.data }],
    ["being checked", { data: { ...ready.data, phase: "checking" } }],
    ["No record", { data: { ...ready.data, split: { train: 0, valid: 0, own: false } } }],
    ["out of range", { knobProblem: error }],
    ["do not fit", { planError: error }],
    ["too large for this GPU", { planError: { ...error, code: "update-too-large" } }],
    ["in this browser", { opening: { blocked: error } as unknown as Opening }],
    ["This needs 42 B", { plan: { ...PLAN, verdict: "too-large" } }],
  ] satisfies [string, Partial<AppState>][])("says why not: %s", (words, changes) => {
    expect(text(changes)).toContain(words);
  });

  it("may be dared only where memory alone speaks against it", () => {
    expect(startState({ ...ready, plan: { ...PLAN, verdict: "too-large" } }).risky).toBe(true);
    expect(startState({ ...ready, plan: { ...PLAN, verdict: "too-large" }, knobProblem: error }).risky).toBe(false);
    expect(startState({ ...ready, plan: { ...PLAN, verdict: "tight" } }).reason).toBeNull();
  });

  it("tells of a download that comes first", () => {
    const model = {
      ...{ ...ready.model, phase: "known", choice: { kind: "hub", id: "a/b" }, downloadBytes: 988e6 },
      transfer: null,
    } as AppState["model"];
    expect(startState({ ...ready, model }).note).toBe("Downloads 988 MB of the model first.");
    expect(startState({ ...ready, model: { ...model, kept: true } }).note).toBeNull();
    expect(startState({ ...ready, model: { ...model, phase: "loading" } }).note).toContain("as soon as");
  });
});
