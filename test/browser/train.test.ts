/** The engine where users are: a real worker in Chromium trains, exports and verifies; Node takes the file up. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryModel } from "../../src/core/bytes.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { fixtureJson } from "../support/golden.ts";
import { goldenExamples, openSession } from "../train/support.ts";
import { browserMissing, type Site, startSite } from "./harness.ts";
import type { TrainPage } from "./page/train-protocol.ts";

const missing = await browserMissing();
const STEPS = 5;
const CURVE = 5e-4;

describe.skipIf(missing)(`training in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  it("follows PyTorch's losses in a worker, and its adapter goes on in Node where it stopped", async () => {
    const train = await goldenExamples();
    const examples = train.map(({ ids, labels }) => ({ ids: [...ids], labels: [...labels] }));
    const opened = await site.openPage("/test/browser/page/train.html");
    const { losses, checks, files } = await opened.page.evaluate(
      (order) => (globalThis as unknown as TrainPage).trainInWorker(order),
      { steps: STEPS, examples },
    );
    await opened.close();

    const golden: number[] = fixtureJson("llama/manifest.json").lists["train.losses"].values;
    expect(losses).toHaveLength(STEPS);
    for (const [i, loss] of losses.entries()) expect(Math.abs(loss - golden[i]!)).toBeLessThan(CURVE);
    expect(checks).toHaveLength(5);
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);

    expect(files.map(({ path }) => path)).toEqual(["adapters.safetensors", "adapter_config.json"]);
    const folder = memoryModel(
      "adapters",
      files.map(({ path, bytes }) => ({ path, bytes: Uint8Array.from(bytes) })),
    );
    const session = await openSession();
    session.setAdapter(await importAdapter(folder));
    // Before update 6 the oracle was here, with its second batch.
    const { loss } = await session.evaluate(train.slice(2, 4), 2);
    expect(Math.abs(loss - golden[STEPS]!)).toBeLessThan(CURVE);
    session.removeAdapter();
    expect(Math.abs((await session.evaluate(train.slice(2, 4), 2)).loss - golden[STEPS]!)).toBeGreaterThan(0.01);
  });
});
