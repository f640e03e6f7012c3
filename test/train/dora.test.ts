/** A run with DoRA is a run like any other: it learns, moves all it trains, resumes to the bit, and its files say the same. */
import { beforeAll, describe, expect, it } from "vitest";
import { type ModelSource, memoryModel } from "../../src/core/bytes.ts";
import { relativeDifference } from "../../src/core/difference.ts";
import type { Example } from "../../src/data/encode.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { exportMlx, exportPeft } from "../../src/lora/export.ts";
import { runDiagnosis } from "../../src/train/diagnose.ts";
import { fuseAndProve } from "../../src/train/fuse/fuse.ts";
import type { TrainingSession } from "../../src/train/session.ts";
import { fixtureFolder, fixtureTensors } from "../support/golden.ts";
import { store } from "./fuse-support.ts";
import {
  configOf,
  fixtureAdapter,
  goldenExamples,
  losses,
  mainExamples,
  openSession,
  type Run,
  runOf,
  timeless,
} from "./support.ts";

const KNOBS = { fineTuneType: "dora", learningRate: 3e-3 };

describe("training with DoRA", () => {
  let session: TrainingSession;
  let train: Example[];
  let whole: Run;
  const config = configOf({ ...KNOBS, steps: 24, stepsPerEval: 8, saveEvery: 8, checkpointing: 1 });
  const run = (checkpoint?: Uint8Array) =>
    runOf(session, {
      config,
      train,
      valid: train.slice(0, 2),
      ...(checkpoint ? { checkpoint: { name: "checkpoint", bytes: checkpoint } } : {}),
    });
  beforeAll(async () => {
    session = await openSession();
    train = await goldenExamples();
    whole = await run();
  });

  it("begins at the base, with the norms of its rows as magnitudes", async () => {
    const { saves } = await runOf(session, {
      config: configOf({ ...KNOBS, steps: 1, learningRate: 1e-30, weightDecay: 0 }),
      train,
    });
    const base = await fixtureTensors("llama/model.safetensors");
    for (const { module, magnitude, in_features } of saves[0]!.adapter.factors) {
      const w = base.get(`${module}.weight`)!.values;
      const norms = magnitude!.map((_, j) => Math.hypot(...w.subarray(j * in_features, (j + 1) * in_features)));
      expect(relativeDifference(magnitude!, norms), module).toBeLessThan(1e-6);
    }
    const { ids } = train[0]!;
    session.setAdapter(saves[0]!.adapter);
    const fresh = await session.logits(ids);
    session.removeAdapter();
    expect(relativeDifference(fresh, await session.logits(ids))).toBeLessThan(1e-6);
  });

  it("lowers the loss, moves every A, B and magnitude, and says how much it trains", () => {
    expect(
      losses(whole)
        .slice(-4)
        .reduce((a, b) => a + b) / 4,
    ).toBeLessThan(losses(whole)[0]! - 1);
    expect(whole.done.unmoved).toEqual([]);
    const { factors } = whole.done.adapter;
    const numbers = factors.reduce((sum, { A, B, magnitude }) => sum + A.length + B.length + magnitude!.length, 0);
    expect(whole.start).toMatchObject({ layers: 14, tensors: 42, parameters: numbers });
  });

  it("is another run than LoRA's", async () => {
    const lora = await runOf(session, { config: { ...config, fineTuneType: "lora" }, train });
    expect(lora.start.tensors).toBe(28);
    expect(losses(lora)[0]).toBeCloseTo(losses(whole)[0]!, 4);
    expect(Math.abs(losses(lora).at(-1)! - losses(whole).at(-1)!)).toBeGreaterThan(1e-3);
    expect(lora.done.adapter.factors.some(({ magnitude }) => magnitude)).toBe(false);
  });

  it("goes on from a checkpoint to the same bits", async () => {
    const { checkpoint } = whole.saves[0]!;
    const rest = await run(checkpoint);
    const at = whole.events.findIndex((event) => event.type === "save" && event.step === 8);
    expect(timeless(rest).slice(2)).toEqual(timeless(whole).slice(at + 1));
  });

  const written = (write: (adapter: Adapter) => ReturnType<typeof exportMlx>, adapter: Adapter): ModelSource =>
    memoryModel("adapters", write(adapter));

  it.each([
    ["MLX", exportMlx],
    ["PEFT", exportPeft],
  ])("is proved on its files in %s layout, and a file of other magnitudes is not", async (_, write) => {
    const { adapter } = whole.done;
    const failed = async (files: ModelSource) =>
      (await session.verify(adapter, files, train, null)).flatMap(({ passed, name }) => (passed ? [] : name));
    expect(await failed(written(write, adapter))).toEqual([]);
    const other = adapter.factors.map((factor) => ({ ...factor, magnitude: factor.magnitude!.map((m) => 1.01 * m) }));
    expect(await failed(written(write, { ...adapter, factors: other }))).toEqual([
      "the written file gives the live logits",
    ]);
  });

  it("merges into a model of the same logits", async () => {
    const { device } = session;
    const { checks, blind } = await fuseAndProve(
      { device, source: fixtureFolder("llama"), adapter: whole.done.adapter },
      store(),
    );
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(checks.map(({ name }) => name)).toContain(
      "adapted tensors are m·(W + scale·B·A) / ‖W + scale·B·A‖ by rows, rounded once",
    );
    expect(blind).toBe(false);
  });

  it("goes on from an adapter of peft's", async () => {
    const initial = await fixtureAdapter("dora");
    const more = await runOf(session, { config: configOf({ ...KNOBS, steps: 4 }), train, initial });
    expect(more.done.unmoved).toEqual([]);
    expect(more.start.tensors).toBe(42);
  });

  it("is diagnosed like any other", async () => {
    const examples = await mainExamples();
    for await (const event of runDiagnosis(session, {
      config: configOf({ ...KNOBS, steps: 6 }),
      train,
      valid: examples,
    })) {
      if (event.type !== "diagnosis") continue;
      expect(
        event.facts.layers.every(({ inForward, movedA, movedB, finite }) => inForward && movedA && movedB && finite),
      ).toBe(true);
      expect(event.facts.fileProblem).toBeNull();
    }
  });

  it("has no dropout", () => {
    expect(() => configOf({ ...KNOBS, dropout: 0.1 })).toThrow("dropout: expected 0 with fineTuneType dora");
  });
});

it("a rank-stabilised run has the scale alpha / √rank, and its files too", async () => {
  const session = await openSession();
  const train = await goldenExamples();
  const config = configOf({ useRslora: true, steps: 2 });
  const { done } = await runOf(session, { config, train });
  expect(done.adapter).toMatchObject({ alpha: 8, scale: 4, use_rslora: true });
  const plain = await runOf(session, { config: configOf({ alpha: 16, steps: 2 }), train });
  expect(done.adapter.factors).toEqual(plain.done.adapter.factors);
  const files = memoryModel("adapters", exportPeft(done.adapter));
  expect((await session.verify(done.adapter, files, train, null)).filter(({ passed }) => !passed)).toEqual([]);
});

it("trains on a quantised base, beginning at its answers", async () => {
  const session = await openSession(fixtureFolder("mlx/llama-q4"));
  const { ids } = (await mainExamples())[0]!;
  const base = await session.logits(ids);
  const train = await goldenExamples();
  const { saves, done, ...run } = await runOf(session, {
    config: configOf({ ...KNOBS, steps: 12, saveEvery: 1 }),
    train,
  });
  expect(done.unmoved).toEqual([]);
  expect(done.baseChanged).toEqual([]);
  expect(losses({ ...run, saves, done }).at(-1)!).toBeLessThan(losses({ ...run, saves, done })[0]! - 0.3);
  const untouched = await runOf(session, { config: configOf({ ...KNOBS, steps: 1, learningRate: 1e-30 }), train });
  session.setAdapter(untouched.done.adapter);
  expect(relativeDifference(await session.logits(ids), base)).toBeLessThan(1e-6);
  session.setAdapter(done.adapter);
  expect(relativeDifference(await session.logits(ids), base)).toBeGreaterThan(0.01);
});
