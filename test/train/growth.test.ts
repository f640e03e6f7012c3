/**
 * What an update takes as its tokens grow: memory in proportion, arithmetic as the formula says. And batches of ever other
 * lengths take no more memory than the longest by itself.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { STEP_MODEL } from "../../src/cli/bench/training-step.ts";
import { Random } from "../../src/core/random.ts";
import type { ModelConfig } from "../../src/formats/model-config.ts";
import type { Device } from "../../src/gpu/device.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { Buffers } from "../../src/gpu/execute.ts";
import { openDevice } from "../../src/gpu/open.ts";
import { Program } from "../../src/gpu/program.ts";
import { attachLora } from "../../src/lora/attach.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { type EstimateInput, estimateUpdate } from "../../src/train/estimate.ts";
import { Guard } from "../../src/train/guard.ts";
import { LiveState } from "../../src/train/live-state.ts";
import { recordMicroBatch } from "../../src/train/step.ts";
import { testGpu } from "../support/gpu.ts";
import { placeRealSize, realSizeBatch, realSizeConfig, uploadFactors } from "../support/real-size.ts";

const LONGEST = 8192;
/** One layer, and heads so small that their square is affordable on a software adapter. */
const SMALL: ModelConfig = {
  ...STEP_MODEL,
  ...{ vocab_size: 256, hidden_size: 64, intermediate_size: 512, num_hidden_layers: 1 },
  ...{ num_attention_heads: 2, num_key_value_heads: 1, head_dim: 8, max_position_embeddings: LONGEST },
};
const knobs = resolveConfig({ rank: 4, alpha: 8 }, "test");

const inputOf = (config: ModelConfig, tokens: number): EstimateInput => ({
  ...{ config, element: "bf16", train: knobs, recomputed: 0 },
  lengths: [{ tokens, supervised: tokens - 1 }],
});
const estimate = (config: ModelConfig, tokens: number) => estimateUpdate(inputOf(config, tokens));

interface Outcome {
  readonly losses: Float32Array;
  readonly gradients: Float32Array;
}

/** The small model with all that a run holds; returns one update of so many tokens, which leaves the adapter as it is. */
async function updatesOn(device: Device, config = SMALL): Promise<(tokens: number) => Promise<Outcome>> {
  const model = await placeRealSize(device, config);
  const lora = await attachLora(model.tree, device, { ...knobs, seed: null, trainable: true });
  uploadFactors(device, lora);
  const live = new LiveState(device, model, lora);
  new Guard(device, live.tensors);
  return async (tokens) => {
    const batch = realSizeBatch(tokens, config.vocab_size);
    model.rope.ensure(device, tokens);
    const program = new Program();
    program.clear(lora.gradients!);
    const { recomputed } = inputOf(config, tokens);
    const nll = recordMicroBatch(program, model, batch, { updateTokens: batch.rows.length, recomputed });
    const losses = program.readFloats(nll);
    const gradients = program.readFloats(lora.gradients!);
    const report = live.optimizer.record(program, { ...knobs, learningRate: 0, weightDecay: 0 }, nll);
    await device.run(program);
    await report;
    return { losses: await losses, gradients: await gradients };
  };
}

/** Share of the scatter of y that a straight line over x explains. */
function straightness(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const sum = (of: (i: number) => number) => x.reduce((total, _, i) => total + of(i), 0);
  const xy = sum((i) => (x[i]! - mx) * (y[i]! - my));
  return xy ** 2 / (sum((i) => (x[i]! - mx) ** 2) * sum((i) => (y[i]! - my) ** 2));
}

/** By half an octave from 128 to 8,192. */
const LENGTHS = Array.from({ length: 13 }, (_, i) => Math.round(128 * 2 ** (i / 2)));

const MODELS: [name: string, config: ModelConfig][] = [
  ["the small model", SMALL],
  ["Qwen2.5-0.5B", realSizeConfig()],
];

describe("an update of one long record", () => {
  it.each(MODELS)("takes memory in a straight line over its tokens: %s", async (_, config) => {
    const peaks: number[] = [];
    for (const tokens of LENGTHS) peaks.push((await estimate(config, tokens)).peakBytes);
    const line = straightness(LENGTHS, peaks);
    console.log(
      `R² ${line.toFixed(5)}; MB ${peaks.map((peak, i) => `${LENGTHS[i]}: ${(peak / 1e6).toFixed(0)}`).join(", ")}`,
    );
    expect(line).toBeGreaterThan(0.99);
    // From end to end in proportion, too: what a twice as long half adds is twice as much.
    const [quarter, half, whole] = [peaks.at(-5)!, peaks.at(-3)!, peaks.at(-1)!];
    expect((whole - half) / (half - quarter)).toBeGreaterThan(1.8);
    expect((whole - half) / (half - quarter)).toBeLessThan(2.2);
    // The control: had attention kept its scores for the way back.
    const heads = config.num_attention_heads * config.num_hidden_layers;
    const scores = peaks.map((peak, i) => peak + 4 * heads * LENGTHS[i]! ** 2);
    expect(straightness(LENGTHS, scores)).toBeLessThan(0.99);
  });

  it.each(MODELS)("does the FLOPs of the formula: attention's go with the square, %s", async (_, config) => {
    const { num_attention_heads: H, head_dim: D, num_hidden_layers: L } = config;
    // Causal half of all pairs: two products of D forward, three for dq, four for dk and dv.
    const perPair = 9 * H * D * L;
    const flops = async (tokens: number) => (await estimate(config, tokens)).flops;
    const [one, two, three] = [await flops(1000), await flops(2000), await flops(3000)];
    // What is left of a second difference is the square; all else goes with the tokens or is always the same.
    expect(three - 2 * two + one).toBe(2 * 1000 ** 2 * perPair);
    const shares = await Promise.all(LENGTHS.map(async (tokens) => (perPair * tokens ** 2) / (await flops(tokens))));
    console.log(shares.map((share, i) => `${LENGTHS[i]}: ${(100 * share).toFixed(1)} %`).join(", "));
    // Twice the tokens, less than twice the share: it has the others beside it.
    for (let i = 2; i < shares.length; i++) {
      expect(shares[i]!).toBeGreaterThan(shares[i - 2]!);
      expect(shares[i]!).toBeLessThan(2.01 * shares[i - 2]!);
    }
  });

  it("is on the device what the dry run says, up to 8,192 tokens", async () => {
    const seconds: number[] = [];
    for (const tokens of [128, 512, 2048, LONGEST]) {
      // A device of its own, whose pool holds nothing yet.
      const device = await openDevice(testGpu(), sleep);
      const update = await updatesOn(device);
      // Compiles; the longest takes so long that it does not count.
      if (tokens < LONGEST) await update(tokens);
      const start = performance.now();
      const { losses } = await update(tokens);
      seconds.push((performance.now() - start) / 1000);
      expect(losses.every(Number.isFinite)).toBe(true);
      const { peakBytes } = await estimateUpdate({ ...inputOf(SMALL, tokens), limits: device.limits });
      expect(device.memory.peak).toBe(peakBytes);
      device.destroy();
    }
    console.log(`128, 512, 2,048, 8,192 tokens: ${seconds.map((own) => own.toFixed(2)).join(", ")} s`);
    // Sixteen times the tokens are at most 256 times the work; four times that is left to a machine with other work to do.
    expect(seconds[3]! / seconds[1]!).toBeLessThan(1024);
  });
});

describe("updates of ever other lengths", () => {
  /** So wide that little is kept of few tokens. */
  const WIDE: ModelConfig = { ...SMALL, intermediate_size: 4096 };
  const random = new Random(7);
  const lengths = Array.from({ length: 60 }, () => 256 + random.below(3841));
  const largest = async () => {
    const peaks = await Promise.all(lengths.map(async (tokens) => (await estimate(WIDE, tokens)).peakBytes));
    return Math.max(...peaks);
  };
  const peakOf = async (order: readonly number[]) => {
    const device = new DryDevice();
    const update = await updatesOn(device, WIDE);
    for (const tokens of order) await update(tokens);
    return device.memory.peak;
  };
  afterEach(() => void vi.restoreAllMocks());

  it.each([
    ["at random", lengths],
    ["ascending", lengths.toSorted((a, b) => a - b)],
    ["descending", lengths.toSorted((a, b) => b - a)],
  ])("take no more than the one that takes most: %s", async (_, order) => {
    // The rope table grows beside what is there.
    expect((await peakOf(order)) / (await largest())).toBeLessThan(1.01);
    // The control: what is left of all lengths together, with nothing given up.
    vi.spyOn(Buffers.prototype, "makeRoom").mockReturnValue(false);
    if (order[0] !== Math.max(...lengths)) expect((await peakOf(order)) / (await largest())).toBeGreaterThan(1.2);
  });

  it("take the same on the device, and the results are the same to the last bit", async () => {
    const device = await openDevice(testGpu(), sleep);
    const dry = new DryDevice(device.limits);
    const [update, count] = [await updatesOn(device, WIDE), await updatesOn(dry, WIDE)];
    const makeRoom = vi.spyOn(Buffers.prototype, "makeRoom");
    const first = await update(900);
    await count(900);
    for (const tokens of [1100, 700, 1200, 640, 1000, 900]) {
      const outcome = await update(tokens);
      await count(tokens);
      expect(device.memory).toEqual(dry.memory);
      if (tokens === 900) expect(outcome).toEqual(first);
      else expect(outcome.gradients).not.toEqual(first.gradients);
    }
    // Buffers were given up on the way.
    expect(makeRoom.mock.results.some(({ value }) => value === true)).toBe(true);
    device.destroy();
  });
});
