/** A model whose weights are coded to fewer bits while it loads: described before, found again by its run. */
import { beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/train/config.ts";
import { presetKnobs } from "../../src/train/presets.ts";
import { memoryStore } from "../../src/worker/storage/memory-store.ts";
import { opened, type TestEngine, testEngine } from "./support.ts";

const store = memoryStore();
let test: TestEngine;
const config = resolveConfig(
  { ...presetKnobs("trial", 2e6), batchSize: 4, steps: 2, stepsPerEval: 0, stepsPerSample: 0 },
  "test",
);

beforeAll(async () => {
  test = testEngine(store);
  await opened(test);
});

describe("coding the chosen model", () => {
  it("is refused before there is one", async () => {
    await expect(test.engine.quantizeModel(4)).rejects.toThrow("no model is chosen");
  });

  it("says what it will be, and what training it takes, before a weight is read", async () => {
    await test.engine.chooseModel({ kind: "demo" }, {});
    await test.engine.openSample();
    const plain = test.state("model");
    const planned = await test.engine.plan(config, 16);
    await test.engine.quantizeModel(8);
    const coded = test.state("model");
    expect(coded).toMatchObject({ phase: "known", choice: { kind: "demo", quantize: 8 } });
    expect(coded.facts!.element).toMatch(/^q8g64-/);
    expect(coded.facts!.parameters).toBe(plain.facts!.parameters);
    expect(coded.facts!.bytes).toBeLessThan(0.6 * plain.facts!.bytes);
    expect((await test.engine.plan(config, 16))!.weightBytes).toBeLessThan(0.6 * planned!.weightBytes);
    await test.engine.quantizeModel(null);
    expect(test.state("model")).toMatchObject({ choice: { kind: "demo" }, facts: plain.facts });
    expect(test.state("model").choice).not.toHaveProperty("quantize");
  });

  it("loads and trains so, and the run names the bits", async () => {
    await test.engine.quantizeModel(4);
    await test.engine.startRun(config, []);
    await test.until((event) => event.type === "run" && event.state.phase === "done");
    const { id } = test.state("run");
    const record = JSON.parse(await (await test.engine.runFile(id!, "run.json")).blob.text());
    expect(record.model.element).toMatch(/^q4g64-/);
    expect(record.checks.every(({ passed }: { passed: boolean }) => passed)).toBe(true);

    const later = testEngine(store);
    await opened(later);
    await later.engine.openRun(id!);
    expect(later.state("model")).toMatchObject({ choice: { kind: "demo", quantize: 4 } });
  });
});
