/** The trials through the engine: a sweep and a diagnosis on the demo, nothing beside them, nothing left of them. */
import { beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/train/config.ts";
import type { TrialEvent } from "../../src/worker/protocol.ts";
import { opened, type TestEngine, testEngine } from "./support.ts";

const CONFIG = resolveConfig({ steps: 4, batchSize: 1, gradAccumulationSteps: 1, maxSeqLength: 64 }, "test");
const told = ({ events }: TestEngine): TrialEvent[] =>
  events.flatMap((event) => (event.type === "trial" ? [event.event] : []));

describe("trials", () => {
  let test: TestEngine;
  beforeAll(async () => {
    test = testEngine();
    await opened(test);
    await test.engine.chooseModel({ kind: "demo" }, {});
    await test.engine.openSample();
  });

  it("look for a rate, refuse a run meanwhile, and stop when asked", async () => {
    const { engine } = test;
    const sweep = engine.findRate(CONFIG);
    await test.until((event) => event.type === "trial" && event.event.type === "sweep-point");
    await expect(engine.startRun(CONFIG, [])).rejects.toThrow(/a learning rate is being looked for/);
    await expect(engine.diagnose(CONFIG)).rejects.toThrow(/a learning rate is being looked for/);
    await engine.stopTrial();
    await sweep;
    expect(told(test)[0]).toMatchObject({ type: "sweep-start", updates: 60 });
    expect(told(test).at(-1)).toMatchObject({ type: "sweep-end", stopped: true });
    expect(await engine.runs()).toEqual([]);
  });

  it("diagnose in five phases and leave the model as it was", async () => {
    const { engine } = test;
    const before = await engine.logits([1, 2, 3]);
    await engine.diagnose(CONFIG);
    const phases = told(test).flatMap((event) => (event.type === "phase-end" ? [event.phase] : []));
    expect(phases).toEqual([1, 2, 3, 4, 5]);
    expect(told(test).at(-1)).toMatchObject({ type: "diagnosis", diagnosis: { reasons: expect.any(Array) } });
    expect(await engine.logits([1, 2, 3])).toEqual(before);
  });

  it("need data", async () => {
    const bare = testEngine();
    await opened(bare);
    await bare.engine.chooseModel({ kind: "demo" }, {});
    await expect(bare.engine.findRate(CONFIG)).rejects.toThrow(/no data is ready/);
  });
});
