/** Dropout of an adapter's input: where it acts, which masks it draws, and what it does to gradients. */
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import type { Batch } from "../../src/data/batches.ts";
import { Program } from "../../src/gpu/program.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { type AttachedLora, attachAdapter, detachAdapter, freeLora } from "../../src/lora/attach.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { loadModel } from "../../src/models/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { type Linear, linear, project } from "../../src/nn/linear.ts";
import { type ModuleTree, namedLeaves } from "../../src/nn/module.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { newTape } from "../../src/train/step.ts";
import { mainBatch, stepOf } from "../models/support.ts";
import { dropoutBackward, dropoutForward } from "../reference/dropout.ts";
import { linearBackward, linearForward } from "../reference/linear.ts";
import { expectClose, relativeL2, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder } from "../support/golden.ts";
import { hostTensor, toF32 } from "../support/values.ts";
import { placeWeight } from "../support/weights.ts";

describe("dropout on a model", () => {
  let device: WebGpuDevice;
  let model: CausalLM;
  let flat: Batch;
  let adapter: Adapter;

  beforeAll(async () => {
    device = await testDevice();
    model = await loadModel(fixtureFolder("llama"), device);
    flat = (await mainBatch()).flat;
    adapter = await importAdapter(fixtureFolder("llama/adapters/random"));
  });

  async function attached<T>(dropout: number, body: (lora: AttachedLora) => Promise<T>): Promise<T> {
    const lora = attachAdapter(model.tree, device, adapter, { trainable: true, dropout });
    try {
      return await body(lora);
    } finally {
      detachAdapter(model.tree);
      freeLora(device, lora);
    }
  }
  const step = (dropout: number, seed: number, recomputed = 0) =>
    attached(dropout, (lora) => {
      lora.dropoutSeed = seed;
      return stepOf(device, model, lora, flat, recomputed);
    });

  it("is off in evaluation", async () => {
    const plain = await attached(0, () => computeLogits(device, model, flat));
    expect(await attached(0.5, () => computeLogits(device, model, flat))).toEqual(plain);
  });

  it("draws its masks from the seed alone: the same again, another for the next micro-batch", async () => {
    const [first, again, next, none] = [await step(0.3, 7), await step(0.3, 7), await step(0.3, 8), await step(0, 7)];
    expect(again).toEqual(first);
    expect(next.loss).not.toBe(first.loss);
    expect(relativeL2(next.flat, first.flat)).toBeGreaterThan(0.05);
    expect(first.loss).not.toBe(none.loss);
  });

  it("draws the same masks when a checkpointed block is computed again", async () => {
    const kept = await step(0.3, 7);
    for (const recomputed of [1, 2]) expect((await step(0.3, 7, recomputed)).flat).toEqual(kept.flat);
  });

  it("leaves the gradient what it was on average", async () => {
    // At p = 0.02 a single mask is off by a tenth or so; the mean of many comes near the gradient without dropout.
    const none = (await step(0, 0)).flat;
    const mean = new Float64Array(none.length);
    const masks = 24;
    const single: number[] = [];
    await attached(0.02, async (lora) => {
      for (let seed = 0; seed < masks; seed++) {
        lora.dropoutSeed = seed;
        const { flat: values } = await stepOf(device, model, lora, flat);
        single.push(relativeL2(values, none));
        for (const [i, value] of values.entries()) mean[i]! += value / masks;
      }
    });
    const typical = single.reduce((sum, error) => sum + error, 0) / masks;
    expect(relativeL2(mean, none)).toBeLessThan(typical / 2.5);
  });
});

describe("dropout on one layer", () => {
  it("has the gradients of the float64 reference under the same mask, also where two layers share the input", async () => {
    const device = await testDevice();
    const random = new Random(5);
    const [N, K, outs, rank, p] = [9, 16, [12, 20], 3, 0.4];
    const leaves = outs.map((out) => ({
      ...linear(K, out),
      weight: placeWeight(device, hostTensor(random, [out, K]), "f32"),
    }));
    const tree: ModuleTree = { layers: [{ mlp: { gate_proj: leaves[0]!, up_proj: leaves[1]! } }] };
    const factors = outs.map((out, i) => ({
      ...{ module: `layers.0.mlp.${i === 0 ? "gate" : "up"}_proj`, in_features: K, out_features: out, rank },
      A: toF32(hostTensor(random, [rank, K]).values),
      B: toF32(hostTensor(random, [out, rank]).values),
    }));
    const adapter: Adapter = { rank, alpha: 6, scale: 2, dropout: p, use_rslora: false, factors };
    const lora = attachAdapter(tree, device, adapter, { trainable: true });
    lora.dropoutSeed = 3;
    const members = namedLeaves(tree).map(({ leaf }) => leaf as Linear);
    const seeds = members.map(({ lowRank }) => lowRank!.dropout!.seed());
    expect(seeds[0]).not.toBe(seeds[1]);

    const x = hostTensor(random, [N, K]);
    const dys = outs.map((out) => hostTensor(random, [N, out]));
    const program = new Program();
    const tape = newTape(program, "record");
    const input = tape.watch(program.constant(toF32(x.values), [N, K], "x"));
    const ys = project(tape, members, input);
    const [reading, grads] = [ys.map((y) => program.readFloats(y)), [] as Promise<Float32Array>[]];
    // One after the other: each layer's own gradient, and what it gives to x.
    for (const [i, y] of ys.entries()) {
      const inner = newTape(program, "record");
      const again = inner.watch(program.constant(toF32(x.values), [N, K], "x"));
      const own = project(inner, [members[i]!], again)[0]!;
      expect(own.shape).toEqual(y.shape);
      const dx = inner.backward(own, program.constant(toF32(dys[i]!.values), own.shape, "dy")).get(again)!;
      grads.push(program.readFloats(dx));
    }
    const gradients = members.map(({ lowRank }) =>
      [lowRank!.A.grad!, lowRank!.B.grad!].map((t) => program.readFloats(t)),
    );
    await device.run(program);

    for (const [i, { A, B, out_features }] of factors.entries()) {
      const W = await weightOf(device, leaves[i]!);
      const layer = {
        ...{ out: out_features, W, bias: null },
        lowRank: { A: Float64Array.from(A), B: Float64Array.from(B), scale: 2, rank },
      };
      const dropped = dropoutForward(x.values, p, seeds[i]!);
      expectClose(await reading[i]!, linearForward(x.values, dropped, [layer], N, K)[0]!, TOLERANCE.reduction(K), "y");
      const expected = linearBackward(x.values, dropped, [layer], [dys[i]!.values], N, K);
      const through = dropoutBackward(expected.dDropped, p, seeds[i]!);
      const dx = expected.dx.map((value, at) => value + through[at]!);
      expectClose(await grads[i]!, dx, TOLERANCE.reduction(4 * K), "dx");
      const [dA, dB] = await Promise.all(gradients[i]!);
      expectClose(dA!.subarray(0, rank * K), expected.factors[0]!.dA, TOLERANCE.reduction(4 * K), "dA");
      const columns = dB!.filter((_, at) => at % 4 < rank);
      expectClose(columns, expected.factors[0]!.dB, TOLERANCE.reduction(4 * K), "dB");
    }
    freeLora(device, lora);
  });
});

async function weightOf(device: WebGpuDevice, { weight }: Linear): Promise<Float64Array> {
  const program = new Program();
  const values = program.readFloats(weight!.shards[0]!.tensor);
  await device.run(program);
  return Float64Array.from(await values);
}
