/** What disturbs the engine: a run that starts while others are at its model, a GPU that goes, a load that never ends. */
import { describe, expect, it } from "vitest";
import { openGpu } from "../../src/cli/node/gpu.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { presetKnobs } from "../../src/train/presets.ts";
import { memoryStore } from "../../src/worker/storage/memory-store.ts";
import { type Store, storageFullError } from "../../src/worker/storage/store.ts";
import { fetchPublic, opened, type TestEngine, testEngine } from "./support.ts";

const CONFIG = resolveConfig(
  { ...presetKnobs("trial", 2e6), steps: 6, batchSize: 2, stepsPerEval: 0, stepsPerSample: 0, saveEvery: 2 },
  "test",
);

async function ready(test: TestEngine): Promise<TestEngine> {
  await opened(test);
  await test.engine.chooseModel({ kind: "demo" }, {});
  await test.engine.openSample();
  return test;
}

/** Devices that can be lost; after so many none comes any more. */
function gpus(most = Number.POSITIVE_INFINITY) {
  const devices: WebGpuDevice[] = [];
  return {
    devices,
    async openDevice(): Promise<WebGpuDevice> {
      if (devices.length === most) return new Promise(() => {});
      devices.push(await openGpu());
      return devices.at(-1)!;
    },
    async lose() {
      const { gpu } = devices.at(-1)!;
      gpu.destroy();
      await gpu.lost;
    },
  };
}

const losses = (test: TestEngine) => test.progress().flatMap((event) => (event.type === "step" ? [event.loss] : []));

describe("the engine, disturbed", () => {
  it("trains the same when it is started in the middle of the answers that it makes while nobody waits", async () => {
    const quiet = await ready(testEngine());
    await quiet.engine.startRun(CONFIG, []);
    const hasty = await ready(testEngine());
    await hasty.engine.loadModel();
    await hasty.engine.startRun(CONFIG, []);
    expect(losses(hasty)).toEqual(losses(quiet));
    expect(hasty.state("run")).toMatchObject({ phase: "done", outcome: { usable: true } });
  });

  it("opens a lost GPU anew, for training as for answers", async () => {
    const { devices, openDevice, lose } = gpus();
    const test = await ready(testEngine(memoryStore(), fetchPublic, openDevice));
    await test.engine.loadModel();
    await lose();
    await test.engine.startRun(CONFIG, []);
    expect(test.state("run")).toMatchObject({ phase: "done", error: null, outcome: { usable: true } });
    await lose();
    const messages = [{ role: "user", content: "What is rain?" }] as const;
    const question = { id: 1, messages, sides: ["tuned"] as const, maxTokens: 8, temperature: 0, seed: 0 };
    await expect(test.engine.ask(question)).rejects.toMatchObject({ code: "device-lost" });
    expect(test.state("model").phase).toBe("known");
    await test.engine.openRun(test.state("run").id!);
    await test.engine.ask(question);
    expect(devices).toHaveLength(3);
  });

  it("never lets the base speak under the adapter's name", async () => {
    const { openDevice, lose } = gpus();
    const test = await ready(testEngine(memoryStore(), fetchPublic, openDevice));
    const { engine } = test;
    const messages = [{ role: "user", content: "What is rain?" }] as const;
    const question = { id: 1, messages, sides: ["tuned"] as const, maxTokens: 4, temperature: 0, seed: 0 };
    await engine.loadModel();
    await expect(engine.ask(question)).rejects.toThrow("no adapter is on the model");
    const base = await engine.logits([1, 2, 3]);
    await engine.startRun({ ...CONFIG, learningRate: 1e-2 }, []);
    const tuned = await engine.logits([1, 2, 3]);
    expect(tuned).not.toEqual(base);
    // Loaded under a run that is shown, the model gets its adapter back.
    await lose();
    await expect(engine.ask(question)).rejects.toMatchObject({ code: "device-lost" });
    await engine.loadModel();
    expect(await engine.logits([1, 2, 3])).toEqual(tuned);
    await engine.ask(question);
    // On other weights it was not proved: the run is no longer shown.
    await engine.quantizeModel(8);
    expect(test.state("run").phase).toBe("idle");
    await engine.loadModel();
    await expect(engine.ask(question)).rejects.toThrow("no adapter is on the model");
  });

  it("begins a run once more whose GPU went before anything happened in it, and no other", async () => {
    const { devices, openDevice, lose } = gpus();
    const test = await ready(testEngine(memoryStore(), fetchPublic, openDevice));
    const { engine } = test;
    const phases = () => test.events.flatMap((event) => (event.type === "run" ? [event.state.phase] : []));
    const early = engine.startRun(CONFIG, []);
    await test.until((event) => event.type === "run" && event.state.doing === "Preparing the first update");
    await lose();
    await early;
    expect(test.state("run")).toMatchObject({ phase: "done", error: null, outcome: { usable: true } });
    expect(phases()).not.toContain("failed");
    expect(devices).toHaveLength(2);
    const [first] = await engine.runs();
    const { events } = await engine.runDetail(first!.id);
    expect(events.flatMap((event) => (event.type === "step" ? [event.step] : []))).toEqual([1, 2, 3, 4, 5, 6]);

    test.events.length = 0;
    const late = engine.startRun(CONFIG, []);
    await test.until((event) => event.type === "progress" && event.events.some(({ type }) => type === "save"));
    await lose();
    await late;
    expect(test.state("run")).toMatchObject({ phase: "failed", error: { code: "device-lost" } });
    expect((await engine.runs())[0]).toMatchObject({ status: "failed", resumable: true });
  });

  it("makes one run of a Start that is pressed twice, and lets nothing in between", async () => {
    const test = await ready(testEngine());
    const { engine } = test;
    const once = engine.startRun(CONFIG, []);
    await expect(engine.startRun(CONFIG, [])).rejects.toThrow("Starting a run: a run is on");
    expect(await engine.runs()).toHaveLength(1);
    await once;
    const [{ id } = { id: "" }] = await engine.runs();
    const opening = engine.openRun(id);
    await expect(engine.startRun(CONFIG, [])).rejects.toThrow("Starting a run: another run is being opened");
    await expect(engine.continueRun(id)).rejects.toThrow("Going on with a run: another run is being opened");
    await opening;
    expect(test.state("run")).toMatchObject({ phase: "done", id });
    expect(await engine.runs()).toHaveLength(1);
  });

  it("refuses a run for whose folder there is no room, and leaves nothing of it behind", async () => {
    const store = memoryStore();
    const full = { on: "" };
    const write: Store["write"] = async (path, bytes) => {
      if (full.on !== "" && path.endsWith(full.on)) throw storageFullError(path, bytes.byteLength);
      await store.write(path, bytes);
    };
    const test = await ready(testEngine({ ...store, write }));
    const { engine } = test;
    for (const name of ["train.jsonl", "valid.jsonl", "state.json"]) {
      full.on = name;
      await expect(engine.startRun(CONFIG, [])).rejects.toMatchObject({ code: "storage-full" });
      expect(test.state("run").phase).toBe("idle");
      expect(await store.list("runs")).toEqual([]);
    }
    full.on = "";
    const stopped = engine.startRun(CONFIG, []);
    await test.until((event) => event.type === "progress" && event.events.some(({ type }) => type === "save"));
    await engine.stopRun();
    await stopped;
    const [before] = await engine.runs();
    full.on = "state.json";
    await expect(engine.continueRun(before!.id)).rejects.toMatchObject({ code: "storage-full" });
    expect(await engine.runs()).toEqual([before]);
    expect(test.state("run")).toMatchObject({ phase: "done", id: before!.id });
  });

  it("gives up a run whose model does not come; one that was resumed stays as it was", async () => {
    const { openDevice, lose } = gpus(1);
    const test = await ready(testEngine(memoryStore(), fetchPublic, openDevice));
    const { engine } = test;
    const whole = engine.startRun(CONFIG, []);
    await test.until((event) => event.type === "progress" && event.events.some(({ type }) => type === "save"));
    await engine.stopRun();
    await whole;
    const [before] = await engine.runs();
    expect(before).toMatchObject({ status: "stopped", resumable: true });
    await lose();

    const resumed = engine.continueRun(before!.id);
    while (test.state("run").phase !== "starting") await new Promise((resolve) => setTimeout(resolve, 5));
    await engine.stopRun();
    await resumed;
    expect(await engine.runs()).toEqual([before]);
    expect(test.state("run").id).toBe(before!.id);

    const begun = engine.startRun(CONFIG, []);
    await test.until(
      (event) => event.type === "run" && event.state.phase === "starting" && event.state.id !== before!.id,
    );
    await engine.stopRun();
    await begun;
    expect(await engine.runs()).toEqual([before]);
    expect(test.state("run").phase).toBe("idle");
  });
});
