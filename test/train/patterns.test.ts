/** Ranks and alphas by module, against peft's rank_pattern and alpha_pattern: test/fixtures/llama/patterns. */
import { beforeAll, describe, expect, it } from "vitest";
import { memoryModel } from "../../src/core/bytes.ts";
import type { Example } from "../../src/data/encode.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { type Adapter, scaleOf } from "../../src/lora/adapter.ts";
import { attachAdapter, attachLora, type readFactors } from "../../src/lora/attach.ts";
import { exportMlx, exportPeft } from "../../src/lora/export.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { adapterNumbers, patternTexts } from "../../src/lora/patterns.ts";
import { uniformAdapter } from "../../src/lora/uniform.ts";
import { loadModel } from "../../src/models/load.ts";
import { buildModel } from "../../src/models/registry.ts";
import { checkpointAdapter } from "../../src/train/checkpoint-adapter.ts";
import type { TrainingSession } from "../../src/train/session.ts";
import { fixtureConfig } from "../lora/support.ts";
import { mainBatch, stepOf } from "../models/support.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureJson, fixtureTensors } from "../support/golden.ts";
import { configOf, goldenExamples, losses, openSession, type Run, runOf, timeless } from "./support.ts";

const GRADIENTS = 5e-5;
const CURVE = 5e-4;
/** As in make.py. */
const PATTERNS = {
  rankPattern: ["down_proj=2", "layers.0.self_attn.q_proj=6", String.raw`layers\.1\.mlp\.(gate|up)_proj=3`],
  alphaPattern: ["v_proj=16", "layers.1.mlp.up_proj=3"],
};
const config = configOf({ ...PATTERNS, learningRate: 5e-3, steps: 10 });
const model = fixtureConfig("llama/config.json");
/** In one order, whatever the adapter's is. */
const shapesOf = (adapter: Adapter) =>
  adapter.factors.map((factor) => `${factor.module} ${factor.rank} ${scaleOf(adapter, factor)}`).sort();

let theirs: Adapter;
let golden: Awaited<ReturnType<typeof fixtureTensors>>;
const manifest = fixtureJson("llama/patterns/manifest.json");
beforeAll(async () => {
  theirs = await importAdapter(fixtureFolder("llama/patterns/adapter"));
  golden = await fixtureTensors("llama/patterns/golden.safetensors");
});

describe("one step", () => {
  async function gradientsOf(adapter: Adapter) {
    const device = await testDevice();
    const loaded = await loadModel(fixtureFolder("llama"), device);
    const lora = attachAdapter(loaded.tree, device, adapter, { trainable: true });
    const { loss, gradients } = await stepOf(device, loaded, lora, (await mainBatch()).flat);
    return { loss, factors: gradients };
  }
  const errors = (factors: ReturnType<typeof readFactors>) =>
    factors.flatMap(({ module, A, B }) =>
      Object.entries({ A, B }).map(([name, values]) => {
        const expected = golden.get(`pattern.grad.${module}.lora_${name}.weight`)!.values;
        return values.length === expected.length ? relativeL2(values, expected) : Number.POSITIVE_INFINITY;
      }),
    );

  it("gives peft's loss and the gradient of every factor", async () => {
    const { loss, factors } = await gradientsOf(theirs);
    expect(Math.abs(loss - manifest.loss)).toBeLessThan(2e-4);
    expect(Math.max(...errors(factors))).toBeLessThan(GRADIENTS);
    expect(factors).toHaveLength(14);
  });

  it("is another one where the scale of each layer is left out", async () => {
    const factors = theirs.factors.map(({ scale: _, ...factor }) => factor);
    expect(Math.max(...errors((await gradientsOf({ ...theirs, factors })).factors))).toBeGreaterThan(0.1);
  });
});

describe("a new adapter", () => {
  const attach = (knobs: object) =>
    attachLora(buildModel(model, "test").tree, new DryDevice(), { ...config, ...knobs, seed: null, trainable: true });

  it("has the ranks and scales of peft's", async () => {
    const { slots } = await attach({});
    expect(slots.map(({ path, rank, scale }) => `${path} ${rank} ${scale}`).sort()).toEqual(shapesOf(theirs));
  });

  it("divides by roots where the scale is rank-stabilised", async () => {
    const { slots } = await attach({ useRslora: true });
    const down = slots.find(({ path }) => path.endsWith("down_proj"))!;
    expect(down.scale).toBeCloseTo(8 / Math.sqrt(2), 12);
  });

  it("is refused for a pattern that fits no layer", async () => {
    await expect(attach({ rankPattern: ["down_proj=2", "lm_head=4"] })).rejects.toThrow(
      "rankPattern: lm_head fits no layer that gets an adapter",
    );
    await expect(attach({ targetModules: ["q_proj"] })).rejects.toThrow("rankPattern: down_proj fits no layer");
  });

  it("is told by patterns that make the same again", async () => {
    const { rank, alpha, rank_pattern, alpha_pattern } = adapterNumbers(theirs);
    const again = await attach({
      ...{ rank, alpha, rankPattern: patternTexts(rank_pattern), alphaPattern: patternTexts(alpha_pattern) },
    });
    expect(again.slots.map(({ rank, scale }) => [rank, scale])).toEqual(
      (await attach({})).slots.map(({ rank, scale }) => [rank, scale]),
    );
  });
});

describe("training", () => {
  let session: TrainingSession;
  let train: Example[];
  let whole: Run;
  beforeAll(async () => {
    session = await openSession();
    train = await goldenExamples();
    whole = await runOf(session, { config: { ...config, saveEvery: 5 }, train, initial: theirs });
  });

  it("follows peft's losses from its adapter, with each layer's own strength", async () => {
    for (const [i, loss] of losses(whole).entries()) expect(Math.abs(loss - manifest.losses[i])).toBeLessThan(CURVE);
    expect(whole.done.unmoved).toEqual([]);
    expect(shapesOf(whole.done.adapter)).toEqual(shapesOf(theirs));
    // The control: what a scale folded into B learns is something else.
    const folded = await runOf(session, { config, train, initial: uniformAdapter(theirs).adapter });
    expect(Math.abs(losses(folded)[9]! - manifest.losses[9])).toBeGreaterThan(CURVE);
  });

  it("goes on from a checkpoint to the same bits, which alone says what the adapter is", async () => {
    const { checkpoint, adapter } = whole.saves[0]!;
    const rest = await runOf(session, {
      ...{ config: { ...config, saveEvery: 5 }, train, initial: theirs },
      checkpoint: { name: "checkpoint", bytes: checkpoint },
    });
    const at = whole.events.findIndex((event) => event.type === "save" && event.step === 5);
    expect(timeless(rest).slice(2)).toEqual(timeless(whole).slice(at + 1));
    expect(await checkpointAdapter("checkpoint", checkpoint, model)).toEqual(adapter);
  });

  it.each([
    ["MLX", exportMlx],
    ["PEFT", exportPeft],
  ])("is proved on its files in %s layout", async (_, write) => {
    const { adapter } = whole.done;
    const checks = await session.verify(adapter, memoryModel("adapters", write(adapter)), train, null);
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  });
});
