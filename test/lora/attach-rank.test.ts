/** Ranks that are no multiple of four are padded with zeros: the numbers stay those of the rank that was asked for. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Batch } from "../../src/data/batches.ts";
import { Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import type { Adapter, AdapterFactor } from "../../src/lora/adapter.ts";
import { type AttachedLora, attachAdapter, detachAdapter, freeLora, readFactors } from "../../src/lora/attach.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { loadModel } from "../../src/models/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { Adamw } from "../../src/optim/adamw.ts";
import { mainBatch, type StepResult, stepOf } from "../models/support.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureTensors, type NamedTensor } from "../support/golden.ts";

const GRADIENTS = 5e-5;

/** The factors with `rank` rows of A and columns of B; `rows[j]` says where row j goes. All others are zero. */
function spread(factor: AdapterFactor, rank: number, rows: readonly number[]): AdapterFactor {
  const { in_features, out_features } = factor;
  const A = new Float32Array(rank * in_features);
  const B = new Float32Array(out_features * rank);
  for (const [from, to] of rows.entries()) {
    A.set(factor.A.subarray(from * in_features, (from + 1) * in_features), to * in_features);
    for (let out = 0; out < out_features; out++) B[out * rank + to] = factor.B[out * factor.rank + from]!;
  }
  return { ...factor, rank, A, B };
}

/** The reverse: rows `rows` of A and columns of B. */
function pick(factor: AdapterFactor, rows: readonly number[]): AdapterFactor {
  const { in_features, out_features } = factor;
  const A = rows.flatMap((row) => [...factor.A.subarray(row * in_features, (row + 1) * in_features)]);
  const B = Array.from({ length: out_features }, (_, out) => rows.map((row) => factor.B[out * factor.rank + row]!));
  return { ...factor, rank: rows.length, A: Float32Array.from(A), B: Float32Array.from(B.flat()) };
}

describe("odd ranks", () => {
  let device: WebGpuDevice;
  let model: CausalLM;
  let flat: Batch;
  /** Rank 4, with the oracle's gradients. */
  let whole: Adapter;
  let golden: Map<string, NamedTensor>;

  beforeAll(async () => {
    device = await testDevice();
    model = await loadModel(fixtureFolder("llama"), device);
    flat = (await mainBatch()).flat;
    whole = await importAdapter(fixtureFolder("llama/adapters/random"));
    golden = await fixtureTensors("llama/golden.safetensors");
  });

  async function trainable<T>(adapter: Adapter, body: (lora: AttachedLora) => Promise<T>): Promise<T> {
    const lora = attachAdapter(model.tree, device, adapter, { trainable: true });
    try {
      return await body(lora);
    } finally {
      detachAdapter(model.tree);
      freeLora(device, lora);
    }
  }

  /** `whole` with other factors and the same scale. */
  const withFactors = (rank: number, change: (factor: AdapterFactor) => AdapterFactor): Adapter => ({
    ...{ ...whole, rank, alpha: whole.scale * rank },
    factors: whole.factors.map(change),
  });
  const step = (adapter: Adapter): Promise<StepResult> =>
    trainable(adapter, (lora) => stepOf(device, model, lora, flat));

  it("rank 5 with a row of zeros has the loss and the gradients that peft gives for the other four", async () => {
    const rows = [0, 1, 3, 4];
    const five = await step(withFactors(5, (factor) => spread(factor, 5, rows)));
    expect(five.gradients).toHaveLength(14);
    for (const gradient of five.gradients) {
      expect(gradient.rank).toBe(5);
      const four = pick(gradient, rows);
      for (const [name, values] of [
        ["lora_A", four.A],
        ["lora_B", four.B],
      ] as const) {
        const key = `lora.grad.${gradient.module}.${name}.weight`;
        expect(relativeL2(values, golden.get(key)!.values), key).toBeLessThan(GRADIENTS);
      }
      // B's column and A's row are both zero, so neither gets a gradient.
      expect(pick(gradient, [2]).A.every((value) => value === 0)).toBe(true);
    }
  });

  it.each([1, 3, 5])("rank %i has the gradients of the same product at another rank and other places", async (rank) => {
    const rows = [6, 2, 0, 5, 3].slice(0, rank);
    const five = withFactors(5, (factor) => spread(factor, 5, [4, 0, 1, 2]));
    const small: Adapter = {
      ...five,
      rank,
      factors: five.factors.map((factor) => pick(factor, [4, 0, 1, 2, 3].slice(0, rank))),
    };
    const large: Adapter = { ...small, rank: 8, factors: small.factors.map((factor) => spread(factor, 8, rows)) };
    const [one, other] = [await step(small), await step(large)];
    expect(Math.abs(one.loss - other.loss)).toBeLessThan(1e-5);
    for (const [i, gradient] of one.gradients.entries()) {
      const same = pick(other.gradients[i]!, rows);
      expect(relativeL2(gradient.A, same.A), gradient.module).toBeLessThan(1e-5);
      expect(relativeL2(gradient.B, same.B), gradient.module).toBeLessThan(1e-5);
    }
    // The control: these are gradients of something.
    expect(one.gradients.every(({ A, B }) => A.some((value) => value !== 0) && B.some((value) => value !== 0))).toBe(
      true,
    );
  });

  it.each([1, 3, 5])("rank %i keeps its padding exactly zero through AdamW", async (rank) => {
    const rows = [0, 1, 2, 3].slice(0, rank);
    const adapter = withFactors(rank, (factor) => spread(pick(factor, rows), rank, rows));
    await trainable(adapter, async (lora) => {
      const optimizer = new Adamw(device, lora.parameters, lora.gradients!);
      const settings = { learningRate: 0.01, weightDecay: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, maxGradNorm: 1 };
      for (let i = 0; i < 3; i++) {
        await stepOf(device, model, lora, flat);
        const program = new Program();
        const report = optimizer.record(program, settings);
        await device.run(program);
        expect((await report).applied).toBe(i + 1);
      }
      for (const tensor of [lora.parameters, optimizer.m, optimizer.v]) {
        const values = await floats(device, tensor);
        const used = new Float32Array(values.length);
        for (const [slot, { A, B }] of readFactors(lora, values).entries())
          markUsed(used, lora.slots[slot]!, A, B, rank);
        // What the factors do not account for is padding; all of it is zero.
        expect(values).toEqual(used);
      }
      const moved = readFactors(lora, await floats(device, lora.parameters));
      expect(moved.every(({ A }, i) => A.some((value, j) => value !== lookup(adapter, moved[i]!.module).A[j]))).toBe(
        true,
      );
      optimizer.free(device);
    });
  });
});

const lookup = (adapter: Adapter, module: string) => adapter.factors.find((factor) => factor.module === module)!;

/** Lays the factors where the buffer has them. */
function markUsed(
  used: Float32Array,
  { A: a, B: b }: { readonly A: Tensor; readonly B: Tensor },
  A: Float32Array,
  B: Float32Array,
  rank: number,
): void {
  used.set(A, a.offset / 4);
  const padded = b.shape[1]!;
  for (let at = 0; at < B.length; at++) used[b.offset / 4 + Math.floor(at / rank) * padded + (at % rank)] = B[at]!;
}

async function floats(device: WebGpuDevice, tensor: Tensor): Promise<Float32Array> {
  const program = new Program();
  const values = program.readFloats(tensor);
  await device.run(program);
  return values;
}
