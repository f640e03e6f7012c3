/** The proof before hand-over passes on good files, and every check fails on the fault it is for. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type ModelSource, memoryModel } from "../../src/core/bytes.ts";
import type { Example } from "../../src/data/encode.ts";
import { type Adapter, type AdapterFactor, transpose } from "../../src/lora/adapter.ts";
import { exportMlx, exportPeft } from "../../src/lora/export.ts";
import type { TrainingSession } from "../../src/train/session.ts";
import { configOf, goldenExamples, openSession, runOf } from "./support.ts";

// They take far longer than all other numbers of an adapter, and nothing is checked by them.
vi.mock("../../src/lora/singular-values.ts", async (original) => ({
  ...(await original<typeof import("../../src/lora/singular-values.ts")>()),
  singularValues() {
    throw new Error("the proof takes no singular values");
  },
}));

const written = (adapter: Adapter): ModelSource => memoryModel("adapters", exportMlx(adapter));
/** `adapter` with `change` made to the factors of the modules that match. */
const sabotage = (
  adapter: Adapter,
  module: RegExp,
  change: (factor: AdapterFactor) => Partial<AdapterFactor>,
): Adapter => ({
  ...adapter,
  factors: adapter.factors.map((factor) => (module.test(factor.module) ? { ...factor, ...change(factor) } : factor)),
});

describe("verification", () => {
  let session: TrainingSession;
  let train: Example[];
  let adapter: Adapter;
  let earlier: Adapter;
  beforeAll(async () => {
    session = await openSession();
    train = await goldenExamples();
    // Rank 64 = the square size, so that transposing a factor gives a file of the right shapes.
    const config = configOf({ rank: 64, alpha: 64, steps: 3, saveEvery: 1, targetModules: ["q_proj", "down_proj"] });
    const { saves, done } = await runOf(session, { config, train });
    adapter = done.adapter;
    earlier = saves[1]!.adapter;
  });

  const failed = async (live: Adapter, files: ModelSource): Promise<string[]> => {
    const checks = await session.verify(live, files, train, null);
    return checks.filter(({ passed }) => !passed).map(({ name, evidence }) => `${name}: ${evidence}`);
  };

  it.each([
    ["MLX", exportMlx],
    ["PEFT", exportPeft],
  ])("passes on the files in %s layout, and puts the model's adapter back", async (_, write) => {
    const live = await session.logits(train[0]!.ids);
    const checks = await session.verify(adapter, memoryModel("adapters", write(adapter)), train, null);
    expect(checks.map(({ name, passed }) => [name, passed])).toEqual([
      ["every number is finite", true],
      ["every layer's adapter moved", true],
      ["the adapter changes the logits", true],
      ["the written file gives the live logits", true],
    ]);
    expect(checks.at(-1)!.evidence).toMatch(/relative difference 0\.00e\+0 on 3 probes/);
    expect(await session.logits(train[0]!.ids)).toEqual(live);
  });

  it("notices a layer that did not move", async () => {
    const still = sabotage(adapter, /1\.mlp/, ({ B }) => ({ B: new Float32Array(B.length) }));
    expect(await failed(still, written(still))).toEqual([
      "every layer's adapter moved: these did not: model.layers.1.mlp.down_proj",
    ]);
  });

  it("notices an adapter that changes nothing", async () => {
    const still = sabotage(adapter, /./, ({ B }) => ({ B: new Float32Array(B.length) }));
    expect(await failed(still, written(still))).toEqual([
      expect.stringMatching(/^every layer's adapter moved: these did not: (\S+, ){3}\S+$/),
      "the adapter changes the logits: relative change 0.00e+0",
    ]);
  });

  it("notices numbers that are not finite", async () => {
    const broken = sabotage(adapter, /0\.self_attn/, ({ A }) => ({
      A: A.map((value, i) => (i === 9 ? Number.NaN : value)),
    }));
    expect(await failed(broken, written(adapter))).toEqual(["every number is finite: model.layers.0.self_attn.q_proj"]);
  });

  it.each<[string, RegExp, (factor: AdapterFactor) => Partial<AdapterFactor>]>([
    ["a transposed square A", /0\.self_attn/, ({ A }) => ({ A: transpose(A, 64, 64) })],
    ["a transposed square B", /1\.self_attn/, ({ B }) => ({ B: transpose(B, 64, 64) })],
    ["one layer's zeros", /1\.mlp/, ({ B }) => ({ B: new Float32Array(B.length) })],
  ])("notices %s in the file", async (_, module, change) => {
    const [only, ...others] = await failed(adapter, written(sabotage(adapter, module, change)));
    expect(only).toMatch(/^the written file gives the live logits: relative difference [1-9]/);
    expect(others).toEqual([]);
  });

  it("notices the file of another update, of another scale, and one that lacks a layer", async () => {
    const less = { ...adapter, factors: adapter.factors.slice(1) };
    for (const file of [earlier, { ...adapter, scale: 2, alpha: 128 }, less]) {
      const [only, ...others] = await failed(adapter, written(file));
      expect(only).toMatch(/^the written file gives the live logits: relative difference [1-9]/);
      expect(others).toEqual([]);
    }
  });

  it("reports files that cannot be read, or are for other shapes, as that check's failure", async () => {
    const [tensors, config] = exportMlx(adapter);
    const cut = { ...tensors!, bytes: tensors!.bytes.slice(0, -10) };
    const swapped = sabotage(adapter, /mlp/, ({ A, B, in_features, out_features }) => ({
      ...{ in_features: out_features, out_features: in_features, A: transpose(B, 64, 64), B: transpose(A, 64, 160) },
    }));
    const faults: [ModelSource, RegExp][] = [
      [memoryModel("adapters", [cut, config!]), /adapters\.safetensors/],
      [memoryModel("adapters", [config!]), /expected adapters.safetensors/],
      [written(swapped), /mlp.down_proj: expected 160 → 64/],
    ];
    for (const [files, evidence] of faults) {
      const [only, ...others] = await failed(adapter, files);
      expect(only).toMatch(/^the written file gives the live logits: /);
      expect(only).toMatch(evidence);
      expect(others).toEqual([]);
    }
  });
});
