/** The trials through the engine: a sweep and a diagnosis on the demo, nothing beside them, nothing left of them. */
import { beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/train/config.ts";
import type { TrialEvent } from "../../src/worker/protocol.ts";
import { opened, type TestEngine, testEngine } from "./support.ts";

const CONFIG = resolveConfig({ steps: 4, batchSize: 1, gradAccumulationSteps: 1, maxSeqLength: 64 }, "test");
const told = ({ events }: TestEngine): TrialEvent[] =>
  events.flatMap((event) => (event.type === "trial" ? [event.event] : []));

async function ready(test: TestEngine): Promise<TestEngine> {
  await opened(test);
  await test.engine.chooseModel({ kind: "demo" }, {});
  await test.engine.openSample();
  return test;
}

describe("trials", () => {
  let test: TestEngine;
  beforeAll(async () => {
    test = await ready(testEngine());
  });

  it("look for a rate, refuse a run meanwhile, and stop when asked", async () => {
    const { engine } = test;
    const sweep = engine.findRate(CONFIG);
    await test.until((event) => event.type === "trial" && event.event.type === "sweep-point");
    await expect(engine.startRun(CONFIG, [])).rejects.toThrow(/a learning rate is being looked for/);
    await expect(engine.diagnose(CONFIG, null)).rejects.toThrow(/a learning rate is being looked for/);
    await engine.stopTrial();
    await sweep;
    expect(told(test)[0]).toMatchObject({ type: "sweep-start", updates: 60 });
    expect(told(test).at(-1)).toMatchObject({ type: "sweep-end", stopped: true });
    expect(await engine.runs()).toEqual([]);
  });

  it("diagnose in five phases and leave the model as it was", async () => {
    const { engine } = test;
    const before = await engine.logits([1, 2, 3]);
    await engine.diagnose(CONFIG, null);
    const phases = told(test).flatMap((event) => (event.type === "phase-end" ? [event.phase] : []));
    expect(phases).toEqual([1, 2, 3, 4, 5]);
    expect(told(test).at(-1)).toMatchObject({ type: "diagnosis", diagnosis: { reasons: expect.any(Array) } });
    expect(await engine.logits([1, 2, 3])).toEqual(before);
  });

  it("hold the engine from the moment they are asked for, and stop while their model is loaded", async () => {
    const slow = await ready(testEngine());
    const { engine } = slow;
    const loading = engine.findRate(CONFIG);
    for (const ask of [() => engine.startRun(CONFIG, []), () => engine.mapColumns(null), () => engine.loadModel()]) {
      await expect(ask()).rejects.toThrow(/a learning rate is being looked for/);
    }
    const examined = engine.examineData({ ...CONFIG, maxSeqLength: 32 });
    await slow.until((event) => event.type === "model" && event.state.phase === "loading");
    expect(slow.state("data").phase).toBe("ready");
    await engine.stopTrial();
    await loading;
    expect(slow.state("model").phase).toBe("loading");
    expect(told(slow)).toEqual([]);
    await examined;
    expect(slow.state("data").diagnosis!.train.lengths.length).toBeGreaterThan(0);
    await engine.startRun({ ...CONFIG, steps: 1 }, []);
    expect(slow.state("run").phase).toBe("done");
  });

  it("diagnose a run on its own records, whatever the Data card holds", async () => {
    const { engine } = test;
    await engine.startRun({ ...CONFIG, steps: 1 }, []);
    const line = JSON.stringify({ prompt: "One?", completion: "Two." });
    await engine.openData([{ path: "train.jsonl", file: new File([`${line}\n${line}\n`], "train.jsonl") }]);
    const before = told(test).length;
    await engine.diagnose(CONFIG, test.state("run").id);
    const texts = (events: readonly TrialEvent[]) =>
      events.flatMap((event) => (event.type === "phase-end" && event.phase === 1 ? event.lines : []));
    const ofRun = texts(told(test).slice(before));
    const after = told(test).length;
    await engine.diagnose(CONFIG, null);
    expect(ofRun).toEqual(texts(told(test).slice(0, before)));
    expect(texts(told(test).slice(after))).not.toEqual(ofRun);
  });

  it("need data", async () => {
    const bare = testEngine();
    await opened(bare);
    await bare.engine.chooseModel({ kind: "demo" }, {});
    await expect(bare.engine.findRate(CONFIG)).rejects.toThrow(/no data is ready/);
  });
});
