/**
 * One update at a real size: Qwen2.5-0.5B's shape in bf16, 256 tokens, rank 8 on all linears. Its gradients are those of
 * transformers, its memory is that of the dry run, and the GPU's time goes into products and attention.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { timeProgram } from "../../src/cli/bench/measure.ts";
import { openDevice } from "../../src/gpu/open.ts";
import { Profiler } from "../../src/gpu/profiler.ts";
import { Program } from "../../src/gpu/program.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { allocateWeight, freeWeight } from "../../src/gpu/weight.ts";
import { type AttachedLora, attachLora } from "../../src/lora/attach.ts";
import { allColumns, recordNt } from "../../src/ops/matmul.ts";
import { tune } from "../../src/ops/tune.ts";
import type { UpdateReport } from "../../src/optim/adamw.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { type EstimateInput, estimateUpdate } from "../../src/train/estimate.ts";
import { Guard } from "../../src/train/guard.ts";
import { LiveState } from "../../src/train/live-state.ts";
import { unmovedFactors } from "../../src/train/moved.ts";
import { recordMicroBatch } from "../../src/train/step.ts";
import { relativeL2 } from "../support/compare.ts";
import { testAdapterInfo, testGpu } from "../support/gpu.ts";
import {
  namedFactors,
  partOf,
  placeRealSize,
  type RealSizeGolden,
  realSizeBatch,
  realSizeConfig,
  realSizeGolden,
  samplePlaces,
  uploadFactors,
} from "../support/real-size.ts";

const TOKENS = 256;
const knobs = resolveConfig({ rank: 8, alpha: 16 }, "test");
const input: EstimateInput = {
  config: realSizeConfig(),
  element: "bf16",
  train: knobs,
  lengths: [{ tokens: TOKENS, supervised: TOKENS - 1 }],
  recomputed: 0,
};

/** The oracle itself, in float32, is within 4e-6 of float64. */
const GRADIENTS = 5e-5;
const LOSSES = 2e-6;

interface Result {
  readonly nll: Float32Array;
  readonly before: Float32Array;
  readonly gradients: Float32Array;
  readonly after: Float32Array;
  readonly report: UpdateReport;
}

async function oneUpdate(device: WebGpuDevice, lora: AttachedLora, model: Awaited<ReturnType<typeof placeRealSize>>) {
  const live = new LiveState(device, model, lora);
  new Guard(device, live.tensors);
  const batch = realSizeBatch(TOKENS, model.config.vocab_size);
  model.rope.ensure(device, TOKENS);
  const program = new Program();
  const before = program.readFloats(lora.parameters);
  program.clear(lora.gradients!);
  const { recomputed } = input;
  const nll = recordMicroBatch(program, model, batch, { updateTokens: batch.rows.length, recomputed });
  const losses = program.readFloats(nll);
  const gradients = program.readFloats(lora.gradients!);
  const report = live.optimizer.record(program, { ...knobs, learningRate: 1e-4 }, nll);
  const after = program.readFloats(lora.parameters);
  await device.run(program);
  return {
    ...{ nll: await losses, before: await before, gradients: await gradients },
    ...{ after: await after, report: await report },
  };
}

/** Where it would take longer, something else is wanted of a test run; lavapipe on two cores needs about one. */
const MOST_MINUTES = 10;
const HOUR = 3_600_000;

/** What the products of the update will take on this device, from the best of a few of its own. */
async function productMinutes(device: WebGpuDevice): Promise<number> {
  const { hidden_size: C, intermediate_size: F } = input.config;
  const [x, y] = [device.allocate([TOKENS, C], "x"), device.allocate([TOKENS, F], "y")];
  const weight = allocateWeight(device, [F, C], "bf16", "weight");
  const seconds: number[] = [];
  // The first one compiles.
  for (let i = 0; i < 4; i++) {
    seconds.push(
      await timeProgram(device, (program) => recordNt(program, allColumns(x), TOKENS, weight, allColumns(y))),
    );
  }
  freeWeight(device, weight);
  for (const tensor of [x, y]) device.free(tensor);
  const { flops } = await estimateUpdate(input);
  return ((Math.min(...seconds) / (2 * TOKENS * C * F)) * flops) / 60;
}

describe(`an update of ${TOKENS} tokens at Qwen2.5-0.5B's size`, () => {
  let device: WebGpuDevice;
  let lora: AttachedLora;
  let golden: RealSizeGolden;
  let result: Result;
  let shares: ReadonlyMap<string, number> | undefined;
  /** Bytes that the process has come to hold besides. */
  let grown: number;
  let tooSlow: string | null = null;

  beforeAll(async () => {
    golden = realSizeGolden();
    device = await openDevice(testGpu(), sleep);
    await tune(device, { memory: null, where: "this test" });
    const minutes = await productMinutes(device);
    if (minutes > MOST_MINUTES) {
      tooSlow = `on this adapter, as busy as it is, its products alone would take ${minutes.toFixed(0)} minutes`;
      return;
    }
    const before = process.memoryUsage().rss;
    const model = await placeRealSize(device);
    lora = await attachLora(model.tree, device, { ...knobs, seed: null, trainable: true });
    uploadFactors(device, lora);
    const profiler = Profiler.of(device.gpu);
    device.profiler = profiler;
    result = await oneUpdate(device, lora, model);
    device.profiler = null;
    grown = 1024 * process.resourceUsage().maxRSS - before;
    shares = await profiler?.collect();
  }, HOUR);
  beforeEach(({ skip }) => {
    if (tooSlow) skip(tooSlow);
  });

  it("gives the loss of every token", () => {
    const { nll, report } = result;
    const loss = nll.reduce((sum, one) => sum + one, 0) / nll.length;
    expect(Math.abs(loss / golden.loss - 1)).toBeLessThan(LOSSES);
    expect(relativeL2(nll, golden.nll)).toBeLessThan(LOSSES);
    expect(Math.abs(report.gradNorm / golden.grad_norm - 1)).toBeLessThan(GRADIENTS);
    // The control: the same losses at other tokens.
    expect(relativeL2(nll, golden.nll.toReversed())).toBeGreaterThan(0.01);
  });

  it("gives the gradient of every factor by its norm", () => {
    const factors = namedFactors(lora);
    expect(factors.map(([name]) => name).sort()).toEqual(Object.keys(golden.norms).sort());
    const errors = factors.map(([name, factor]) => {
      const norm = Math.sqrt(partOf(result.gradients, factor).reduce((sum, one) => sum + one * one, 0));
      return Math.abs(norm / golden.norms[name]! - 1);
    });
    console.log(`largest error of a norm: ${Math.max(...errors).toExponential(1)}`);
    expect(Math.max(...errors)).toBeLessThan(GRADIENTS);
  });

  it("gives sampled entries of the gradients of the first, a middle and the last layer", () => {
    const found = new Map<string, number[]>();
    for (const [name, factor] of namedFactors(lora)) {
      const gradient = partOf(result.gradients, factor);
      const count = golden.samples[name]?.length ?? 0;
      if (count > 0)
        found.set(
          name,
          samplePlaces(name, count, gradient.length).map((at) => gradient[at]!),
        );
    }
    const names = Object.keys(golden.samples);
    expect(found.size).toBe(3 * 7 * 2);
    const errors = names.map((name) => relativeL2(found.get(name)!, golden.samples[name]!));
    console.log(`largest relative L2 of sampled gradients: ${Math.max(...errors).toExponential(1)}`);
    expect(Math.max(...errors)).toBeLessThan(GRADIENTS);
    // The controls: gradients off by a hundredth of a percent, and those of another layer.
    for (const [i, name] of names.entries()) {
      const expected = golden.samples[name]!;
      const off = found.get(name)!.map((one) => 1.0001 * one);
      expect(relativeL2(off, expected)).toBeGreaterThan(GRADIENTS);
      expect(relativeL2(found.get(names[(i + 14) % names.length]!)!, expected)).toBeGreaterThan(0.5);
    }
  });

  it("moves every factor", () => {
    const { before, after, report } = result;
    expect(report).toMatchObject({ finite: true, applied: 1, skipped: 0 });
    expect(unmovedFactors(lora, before, after, 2)).toEqual([]);
    // The control: had nothing been written.
    expect(unmovedFactors(lora, before, before, 2)).toHaveLength(24 * 7 * 2);
  });

  it("takes the memory of the dry run", async () => {
    const { limits } = device;
    const planned = await estimateUpdate({ ...input, limits });
    console.log(`peak ${(device.memory.peak / 1e6).toFixed(0)} MB, planned ${(planned.peakBytes / 1e6).toFixed(0)} MB`);
    expect(device.memory.peak).toBe(planned.peakBytes);
    // The control: a plan for a quarter more tokens is more than a twentieth away.
    const lengths = [{ tokens: 1.25 * TOKENS, supervised: 1.25 * TOKENS - 1 }];
    expect((await estimateUpdate({ ...input, lengths, limits })).peakBytes).toBeGreaterThan(1.05 * device.memory.peak);
  });

  it("holds no more in truth than its account says", async ({ skip }) => {
    if (!(await testAdapterInfo()).software) return skip("a GPU's memory is not the process's");
    console.log(`the process has grown by ${(grown / 1e6).toFixed(0)} MB`);
    // The snapshots are not yet written, so they have no pages; compiled kernels and this test are not in the account.
    expect(grown / device.memory.peak).toBeGreaterThan(0.75);
    expect(grown / device.memory.peak).toBeLessThan(1.25);
  });

  it("spends four fifths of the GPU's time or more in products and attention", ({ skip }) => {
    if (!shares) return skip("this adapter has no timestamps");
    const all = [...shares.values()].reduce((sum, own) => sum + own, 0);
    const shareOf = (wanted: RegExp) =>
      [...shares!].reduce((sum, [name, own]) => sum + (wanted.test(name) ? own / all : 0), 0);
    console.log(
      [...shares].map(([name, own]) => `${(100 * (own / all)).toFixed(1).padStart(5)} %  ${name}`).join("\n"),
    );
    expect(shareOf(/^(matmul|attention)\./)).toBeGreaterThanOrEqual(0.8);
    // The control: attention alone is no such share, and all kernels together are the whole.
    expect(shareOf(/^attention\./)).toBeLessThan(0.8);
    expect(shareOf(/./)).toBeCloseTo(1, 9);
  });
});
