/** What disturbs the engine: a run that starts while others are at its model, a GPU that goes, a load that never ends. */
import { describe, expect, it } from "vitest";
import { openGpu } from "../../src/cli/node/gpu.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { presetKnobs } from "../../src/train/presets.ts";
import { memoryStore } from "../../src/worker/storage/memory-store.ts";
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
