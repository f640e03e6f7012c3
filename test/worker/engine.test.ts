/** The engine through its whole journey, in this process: what the page sees, and what a reload finds again. */

import { unzipSync } from "fflate";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { memoryModel } from "../../src/core/bytes.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { type KnobName, resolveConfig } from "../../src/train/config.ts";
import { presetKnobs } from "../../src/train/presets.ts";
import { TrainingSession } from "../../src/train/session.ts";
import type { RunEvent } from "../../src/worker/protocol.ts";
import { RunFolder } from "../../src/worker/runs/run-folder.ts";
import { memoryStore } from "../../src/worker/storage/memory-store.ts";
import type { Store } from "../../src/worker/storage/store.ts";
import { opened, type TestEngine, testEngine } from "./support.ts";

const knobs = (changes: Partial<Record<KnobName, unknown>>) =>
  resolveConfig({ ...presetKnobs("trial", 2e6), batchSize: 4, valBatches: 1, ...changes }, "test");
const PROBES = ["What noise does a cow make?"];

async function ready(test: TestEngine): Promise<TestEngine> {
  await opened(test);
  await test.engine.chooseModel({ kind: "demo" }, {});
  await test.engine.openSample();
  return test;
}

const losses = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === "step" ? [event.loss] : []));
const steps = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === "step" ? [event.step] : []));

async function recordOf(test: TestEngine) {
  const { blob } = await test.engine.runFile(test.state("run").id!, "run.json");
  return JSON.parse(await blob.text());
}

describe("the engine", () => {
  let test: TestEngine;
  beforeAll(async () => {
    test = await ready(testEngine());
  });

  it("opens with a report of the GPU, the self-test and the store", async () => {
    const opening = await testEngine().engine.open({ base: "http://page.test/", hub: "" });
    expect(opening.blocked).toBeNull();
    expect(opening.selfTests.length).toBeGreaterThan(8);
    expect(opening.selfTests.filter(({ passed }) => !passed)).toEqual([]);
    expect(opening.draft).toBeNull();
  });

  it("knows the model before its weights, and the data as the model will see it", async () => {
    expect(test.state("model")).toMatchObject({
      phase: "known",
      hasChatTemplate: true,
      facts: { parameters: 2226240 },
    });
    const data = test.state("data");
    expect(data).toMatchObject({ phase: "ready", split: { train: 256, valid: 48, own: true } });
    expect(data.questions[0]).toBe("What do children do on a windy day?");
    expect(await test.engine.dataRows(0, 2)).toMatchObject([{ line: 1, form: "messages" }, { line: 2 }]);
    const preview = await test.engine.previewRecord(0, knobs({}));
    expect(preview.pieces.map(({ text }) => text).join("")).toContain("What time does the garden open?");
    expect(preview.supervised).toBeGreaterThan(5);
    expect(preview.supervised).toBeLessThan(preview.tokens);
  });

  it("plans memory and layers, and follows the knobs", async () => {
    const all = (await test.engine.plan(knobs({}), 16))!;
    expect(all).toMatchObject({ verdict: "fits", updates: 20, layers: { adapted: 35, possible: 35 } });
    expect(all.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(all.peakBytes);
    expect(all.parts[0]).toMatchObject({ name: "weights", bytes: all.weightBytes });
    const few = (await test.engine.plan(knobs({ targetModules: ["q_proj"], numLayers: 2 }), 16))!;
    expect(few.adaptedModules).toEqual(["model.layers.3.self_attn.q_proj", "model.layers.4.self_attn.q_proj"]);
    expect(few.peakBytes).toBeLessThan(all.peakBytes);
    await expect(test.engine.plan(knobs({ targetModules: ["nothing"] }), 16)).rejects.toThrow(/matches no linear/);
  });

  it("trains, tells what happens, and offers an adapter that was read back and checked", async () => {
    const { engine } = test;
    await engine.startRun(knobs({ steps: 6, stepsPerSample: 3, stepsPerEval: 3, saveEvery: 4 }), PROBES);
    const run = test.state("run");
    expect(run.error).toBeNull();
    expect(run).toMatchObject({ phase: "done", outcome: { usable: true, done: { steps: 6, stopped: false } } });
    expect(run.outcome!.checks.length).toBeGreaterThan(3);
    const events = test.progress();
    expect(steps(events)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(losses(events).at(-1)!).toBeLessThan(losses(events)[0]!);
    expect(events.filter(({ type }) => type === "probe").map((event) => "step" in event && event.step)).toEqual([
      0, 3, 6,
    ]);
    expect(events.filter(({ type }) => type === "save").map((event) => "step" in event && event.step)).toEqual([4, 6]);
    const [summary] = await engine.runs();
    expect(summary).toMatchObject({ status: "finished", doneSteps: 6, totalSteps: 6, usable: true, resumable: false });
    const detail = await engine.runDetail(summary!.id);
    expect(detail.events).toEqual(events);
  });

  it("answers with base and adapter beside each other", async () => {
    const messages = [{ role: "user", content: "What is rain?" }] as const;
    const shared = { messages, maxTokens: 24, temperature: 0, seed: 0 };
    await test.engine.ask({ id: 7, sides: ["base", "tuned"], ...shared });
    const answers = test.events.flatMap((event) =>
      event.type === "answer" && event.answer.id === 7 ? [event.answer] : [],
    );
    const last = (side: string) => answers.findLast((answer) => answer.side === side)!;
    expect(last("base").ended).not.toBeNull();
    expect(last("tuned").text).not.toBe(last("base").text);
    // They grow in turn.
    const firstTuned = answers.findIndex(({ side }) => side === "tuned");
    expect(firstTuned).toBeLessThan(answers.findLastIndex(({ side }) => side === "base"));
  });

  it("hands out files that other tools read, with the logits of what it says", async () => {
    const { engine } = test;
    const { id } = test.state("run");
    const zip = await engine.runFile(id!, "mlx.zip");
    const files = Object.entries(unzipSync(new Uint8Array(await zip.blob.arrayBuffer())));
    expect(files.map(([path]) => path).sort()).toEqual(
      ["adapter_config.json", "adapters.safetensors", "metrics.jsonl", "run.json"].sort(),
    );
    const folder = memoryModel(
      "zip",
      files.map(([path, bytes]) => ({ path, bytes })),
    );
    const adapter = await importAdapter(folder);
    expect(adapter.base_model).toBe("demo");
    expect(adapter.factors).toHaveLength(35);
    const peft = await engine.runFile(id!, "peft.zip");
    const peftFiles = Object.entries(unzipSync(new Uint8Array(await peft.blob.arrayBuffer())));
    const again = await importAdapter(
      memoryModel(
        "peft",
        peftFiles.map(([path, bytes]) => ({ path, bytes })),
      ),
    );
    expect(again.factors[3]!.A).toEqual(adapter.factors[3]!.A);
    const gguf = await engine.runFile(id!, "adapter.gguf");
    expect(gguf.name).toBe("adapter.gguf");
    expect(await gguf.blob.slice(0, 4).text()).toBe("GGUF");
    const csv = await (await engine.runFile(id!, "metrics.csv")).blob.text();
    expect(csv.trim().split("\n")).toHaveLength(7);
    const report = await (await engine.runFile(id!, "report.html")).blob.text();
    expect(report).toMatch(/^<!doctype html>/);
    expect(report).toContain(`<title>Built-in demo on `);
    expect(report).toMatch(/base is unchanged|base model is unchanged/i);
    const audit = await engine.audit();
    expect(audit).toMatchObject({ layers: 35, finite: true, zero: false });
    const logits = await engine.logits([1, 2, 3]);
    expect(logits.length).toBe(3 * 1024);
  });

  it("asks as the command line does, and judges by the memory that the person picked", async () => {
    const { engine } = test;
    const train = vi.spyOn(TrainingSession.prototype, "train");
    await engine.plan(knobs({}), 16);
    const asked = ["What do children do on a windy day?", "Never asked in the data?"];
    await engine.startRun(knobs({ steps: 1, stepsPerEval: 0, valBatches: 0 }), asked);
    const [{ probes, budget }] = train.mock.lastCall!;
    expect(probes).toEqual([
      { messages: [{ role: "user", content: asked[0] }], reference: expect.stringMatching(/^Chirrup! In the wind/) },
      { messages: [{ role: "user", content: asked[1] }] },
    ]);
    expect(budget).toMatchObject({ memory: 16, source: "chosen" });
    await engine.plan(knobs({}), null);
    await engine.startRun(knobs({ steps: 1, stepsPerEval: 0, valBatches: 0 }), []);
    expect(train.mock.lastCall![0].budget).toMatchObject({ source: "assumed", sure: false });
    train.mockRestore();
  });

  it("refuses what would disturb a run, and what is not there", async () => {
    await expect(test.engine.runDetail("none")).rejects.toThrow(/no run "none"/);
    const run = test.engine.startRun(knobs({ steps: 3 }), []);
    await test.until(
      (event) => event.type === "run" && event.state.phase === "training" && event.state.start?.totalSteps === 3,
    );
    await expect(test.engine.chooseModel({ kind: "demo" }, {})).rejects.toThrow(/a run is on/);
    await expect(test.engine.startRun(knobs({}), [])).rejects.toThrow(/a run is on/);
    await run;
  });
});

describe("a run that is cut off", () => {
  it("goes on after a reload where its checkpoint stood, to the same losses and record as one that was not", async () => {
    const config = knobs({ steps: 7, stepsPerSample: 0, stepsPerEval: 2, saveEvery: 3 });
    const whole = await ready(testEngine());
    await whole.engine.startRun(config, []);
    const disk = memoryStore();
    const tab = mortal(disk);
    const first = await ready(testEngine(tab.store));
    void first.engine.startRun(config, []);
    await first.until((event) => {
      const reached = event.type === "progress" && event.events.some((one) => one.type === "step" && one.step >= 5);
      // From here on nothing that this engine does reaches the disk.
      if (reached) tab.die();
      return reached;
    });
    const second = testEngine(disk);
    await opened(second);
    const [run] = await second.engine.runs();
    expect(run).toMatchObject({ status: "interrupted", resumable: true, totalSteps: 7 });
    // The verdict on the answers that was told before the checkpoint is known; one told after it is taken back.
    const said = { type: "health", kind: "answers", text: "" } as const;
    const folder = new RunFolder(disk, run!.id);
    await folder.addEvents([
      { ...said, step: 3, level: "warn" },
      { ...said, step: 4, level: "bad" },
    ]);
    const train = vi.spyOn(TrainingSession.prototype, "train");
    await second.engine.continueRun(run!.id);
    expect(train.mock.lastCall![0].toldAnswers).toBe("suspicious");
    train.mockRestore();
    expect(second.state("run")).toMatchObject({ phase: "done", outcome: { usable: true } });
    expect(steps(second.progress())).toEqual([4, 5, 6, 7]);
    const { events } = await second.engine.runDetail(run!.id);
    expect(steps(events)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(losses(events)).toEqual(losses(whole.progress()));
    const record = await recordOf(second);
    const { validations, tokens, best, verdict, reason } = await recordOf(whole);
    expect(validations).toMatchObject([{ step: 0 }, { step: 2 }, { step: 4 }, { step: 6 }, { step: 7 }]);
    expect(record).toMatchObject({
      validations,
      tokens,
      best,
      verdict,
      reason,
      plan: { done_before: 3, blocks: { recomputed: 0, all: 5 } },
    });
  });

  it("pauses with a checkpoint, goes on, and stops with what was learnt", async () => {
    const test = await ready(testEngine());
    const config = knobs({ steps: 40, stepsPerSample: 0, stepsPerEval: 0, saveEvery: 0 });
    const run = test.engine.startRun(config, []);
    await test.until((e) => e.type === "progress" && e.events.some(({ type }) => type === "step"));
    await test.engine.pauseRun();
    await test.until((e) => e.type === "run" && e.state.phase === "paused");
    const before = steps(test.progress()).length;
    expect(test.progress().at(-1)).toEqual({ type: "save", step: before });
    await test.engine.resumeRun();
    await test.until((e) => e.type === "progress" && e.events.some((x) => x.type === "step" && x.step > before));
    await test.engine.stopRun();
    await run;
    const { outcome } = test.state("run");
    expect(outcome).toMatchObject({ usable: true, done: { stopped: true } });
    expect(outcome!.done.steps).toBeLessThan(40);
    const [summary] = await test.engine.runs();
    expect(summary).toMatchObject({ status: "stopped", resumable: true });
  });
});

/** A store for a tab that will die: afterwards its writes hang and nothing reaches `disk`. */
function mortal(disk: Store): { store: Store; die(): void } {
  let dead = false;
  const alive =
    <A extends readonly unknown[], R>(work: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      dead ? new Promise(() => {}) : work(...args);
  const { write, writeAt, append, remove } = disk;
  const store = { ...disk, write: alive(write), writeAt: alive(writeAt), append: alive(append), remove: alive(remove) };
  return {
    store,
    die() {
      dead = true;
    },
  };
}
