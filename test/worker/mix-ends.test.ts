/** What ends a mix of adapters, and what does not. */
import { describe, expect, it } from "vitest";
import { openGpu } from "../../src/cli/node/gpu.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { IDS, ready } from "./mixing.ts";
import { opened, type TestEngine, testEngine } from "./support.ts";

const mixesTold = ({ events }: TestEngine) => events.flatMap((event) => (event.type === "mix" ? [event.state] : []));

describe("a mix ends", () => {
  const PARTS = [
    { id: "style", weight: 1 },
    { id: "facts", weight: 0.5 },
  ];
  const ENDS: readonly (readonly [string, (test: TestEngine) => Promise<unknown>])[] = [
    ["with another run that is shown", ({ engine }) => engine.openRun("facts")],
    ["with the shown run that is opened again", ({ engine }) => engine.openRun("style")],
    ["with another model", ({ engine }) => engine.chooseModel({ kind: "demo" }, {})],
    ["with the model coded anew", ({ engine }) => engine.quantizeModel(8)],
    ["with its run", ({ engine }) => engine.forgetRun("style")],
    [
      "with a run that begins",
      async ({ engine }) => {
        await engine.openSample();
        await engine.startRun(resolveConfig({ steps: 1, batchSize: 1, maxSeqLength: 64 }, "test"), []);
      },
    ],
  ];

  it.each(ENDS)("%s", async (_, act) => {
    const test = await ready();
    const shown = await test.engine.logits(IDS);
    await test.engine.mixAdapters(PARTS);
    const mixed = await test.engine.logits(IDS);
    expect(mixed).not.toEqual(shown);
    await act(test);
    expect(mixesTold(test).map((state) => state !== null)).toEqual([true, false]);
    await expect(test.engine.mixLoss(null)).rejects.toThrow("no mix is on the model");
    // A model that is gone has no logits at all.
    const after = await test.engine.logits(IDS).catch(() => null);
    if (test.state("run").id === "style" && after) expect(after).toEqual(shown);
  });

  it("not with a diagnosis, nor with a refusal", async () => {
    const test = await ready();
    const { engine } = test;
    await engine.openSample();
    await engine.mixAdapters(PARTS);
    const mixed = await engine.logits(IDS);
    await expect(engine.openRun("gone")).rejects.toThrow('no run "gone"');
    await engine.diagnose(resolveConfig({ batchSize: 1, gradAccumulationSteps: 1, maxSeqLength: 64 }, "test"), null);
    expect(mixesTold(test)).toHaveLength(1);
    expect(await engine.logits(IDS)).toEqual(mixed);
  });

  it("with the GPU that it was on", async () => {
    let gpu: WebGpuDevice["gpu"] | undefined;
    const openDevice = async () => {
      const device = await openGpu();
      gpu = device.gpu;
      return device;
    };
    const test = await ready(openDevice);
    await test.engine.mixAdapters(PARTS);
    gpu?.destroy();
    const messages = [{ role: "user", content: "What is rain?" }] as const;
    const question = { id: 1, messages, sides: ["tuned"], maxTokens: 4, temperature: 0, seed: 0 } as const;
    await expect(test.engine.ask(question)).rejects.toMatchObject({ code: "device-lost" });
    expect(test.state("mix")).toBeNull();
  });

  it("with a reload", async () => {
    const test = await ready();
    await test.engine.mixAdapters(PARTS);
    const again = testEngine(test.store);
    await opened(again);
    await again.engine.chooseModel({ kind: "demo" }, {});
    await again.engine.openRun("style");
    expect(mixesTold(again)).toEqual([]);
    await expect(again.engine.mixFile("mlx.zip", null)).rejects.toThrow("no mix is on the model");
  });
});
