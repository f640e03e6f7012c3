/** Putting adapters on a model and taking them off. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Batch } from "../../src/data/batches.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { Program } from "../../src/gpu/program.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import {
  type AttachedLora,
  attachAdapter,
  attachLora,
  detachAdapter,
  freeLora,
  type LoraOptions,
  readFactors,
} from "../../src/lora/attach.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { loadModel } from "../../src/models/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { buildModel } from "../../src/models/registry.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { estimateUpdate } from "../../src/train/estimate.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { mainBatch } from "../models/support.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder } from "../support/golden.ts";
import { fixtureConfig } from "./support.ts";

const config = fixtureConfig("llama/config.json");
const ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
const options: LoraOptions = {
  ...{ fineTuneType: "lora", useRslora: false, rankPattern: [], alphaPattern: [] },
  ...{ rank: 3, alpha: 6, dropout: 0, targetModules: ALL, numLayers: -1, seed: 0, trainable: true },
};
const pathsOf = async (changes: Partial<LoraOptions>): Promise<string[]> => {
  const { slots } = await attachLora(buildModel(config, "test").tree, new DryDevice(), { ...options, ...changes });
  return slots.map(({ path }) => path);
};

describe("targets", () => {
  it("are named by leaf or by the path below the block", async () => {
    expect(await pathsOf({})).toHaveLength(14);
    const attention = ["q_proj", "k_proj", "v_proj", "o_proj"].map((leaf) => `model.layers.0.self_attn.${leaf}`);
    const mlp = ["gate_proj", "up_proj", "down_proj"].map((leaf) => `model.layers.0.mlp.${leaf}`);
    expect((await pathsOf({})).slice(0, 7)).toEqual([...attention, ...mlp]);
    expect(await pathsOf({ targetModules: ["v_proj"] })).toEqual([
      "model.layers.0.self_attn.v_proj",
      "model.layers.1.self_attn.v_proj",
    ]);
    expect(await pathsOf({ targetModules: ["mlp.up_proj", "self_attn.q_proj"], numLayers: 1 })).toEqual([
      "model.layers.1.self_attn.q_proj",
      "model.layers.1.mlp.up_proj",
    ]);
  });

  it("that match nothing are refused with the names that exist", async () => {
    for (const name of ["query_key_value", "proj", "mlp.q_proj", "lm_head"]) {
      await expect(pathsOf({ targetModules: ["q_proj", name] })).rejects.toThrow(
        `target-modules: ${name} matches no linear layer; this model has self_attn.q_proj, self_attn.k_proj`,
      );
    }
    await expect(pathsOf({ targetModules: [] })).rejects.toThrow("no target module was named");
    await expect(pathsOf({ numLayers: 3 })).rejects.toThrow("num-layers is 3, the model has 2 blocks");
  });

  it("numLayers takes the last blocks, and nothing below the lowest has a backward", async () => {
    const deep = { ...config, num_hidden_layers: 4 };
    const lengths = [{ tokens: 20, supervised: 10 }];
    const count = async (numLayers: number) => {
      const train = resolveConfig({ rank: 4, alpha: 8, numLayers }, "test");
      const { byKernel } = await estimateUpdate({ config: deep, element: "f32", train, lengths, recomputed: 0 });
      return ["attention.forward", "attention.dq", "attention.dkv", "rmsnorm.backward"].map((name) =>
        byKernel.get(name),
      );
    };
    // Two norms a block and the last one; the first norm of the lowest adapted block has nothing below that asks.
    expect(await count(-1)).toEqual([4, 4, 4, 8]);
    expect(await count(2)).toEqual([4, 2, 2, 4]);
    expect(await count(1)).toEqual([4, 1, 1, 2]);
  });
});

describe("a fresh adapter", () => {
  let device: WebGpuDevice;
  let model: CausalLM;
  let flat: Batch;
  const logits = () => computeLogits(device, model, flat);
  const valuesOf = async (attached: AttachedLora) => {
    const program = new Program();
    const values = program.readFloats(attached.parameters);
    await device.run(program);
    return values;
  };

  beforeAll(async () => {
    device = await testDevice();
    model = await loadModel(fixtureFolder("llama"), device);
    flat = (await mainBatch()).flat;
  });

  it("has A uniform in ±1/√in and B zero, by the seed alone, and leaves the logits as they were, bit for bit", async () => {
    const base = await logits();
    const draw = async (seed: number) => {
      const attached = await attachLora(model.tree, device, { ...options, seed });
      expect(attached.slots.map(({ scale }) => scale)).toEqual(Array(14).fill(2)); // alpha / rank
      const factors = readFactors(attached, await valuesOf(attached));
      expect(await logits()).toEqual(base);
      detachAdapter(model.tree);
      freeLora(device, attached);
      return factors;
    };
    const [first, again, other] = [await draw(0), await draw(0), await draw(1)];
    expect(again).toEqual(first);
    expect(other[0]!.A).not.toEqual(first[0]!.A);
    for (const { A, B, in_features, rank, out_features } of first) {
      const bound = 1 / Math.sqrt(in_features);
      expect([A.length, B.length]).toEqual([rank * in_features, rank * out_features]);
      expect(B.every((value) => value === 0)).toBe(true);
      expect(A.every((value) => Math.abs(value) <= bound)).toBe(true);
      // Uniform: mean 0 and variance bound²/3, each within five standard errors.
      const mean = A.reduce((sum, value) => sum + value, 0) / A.length;
      const variance = A.reduce((sum, value) => sum + value * value, 0) / A.length;
      expect(Math.abs(mean)).toBeLessThan((5 * bound) / Math.sqrt(3 * A.length));
      expect(Math.abs(variance / (bound * bound) - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / A.length));
    }
  });

  it("lies so that layers which share their input share one low-rank product", async () => {
    const count = async (targetModules: readonly string[]) => {
      const train = resolveConfig({ rank: 3, alpha: 6, targetModules }, "test");
      const lengths = [{ tokens: 20, supervised: 10 }];
      return (await estimateUpdate({ config, element: "f32", train, lengths, recomputed: 0 })).dispatches;
    };
    const { slots } = await attachLora(buildModel(config, "test").tree, new DryDevice(), options);
    const [q, k, v] = slots;
    for (const [before, after] of [
      [q!, k!],
      [k!, v!],
    ]) {
      expect(before!.A.offset + 4 * before!.A.shape[0]! * before!.A.shape[1]!).toBe(after!.A.offset);
    }
    // Alone, k costs what q costs; beside q it needs no product of its own for h and for dA: fewer by both, per block.
    const [none, queries, both] = await Promise.all([
      count(["o_proj"]),
      count(["o_proj", "q_proj"]),
      count(["o_proj", "q_proj", "k_proj"]),
    ]);
    expect(both! - queries!).toBeLessThan(queries! - none!);
  });

  it("is put on in part, taken off, and put back, with the same bits", async () => {
    const base = await logits();
    const whole = await importAdapter(fixtureFolder("llama/adapters/random"));
    const partial: Adapter = {
      ...whole,
      factors: whole.factors.filter(({ module }) => /1\.mlp|0\..*v_proj/.test(module)),
    };
    const attached = attachAdapter(model.tree, device, partial, { trainable: false });
    expect(attached.gradients).toBeNull();
    expect(attached.slots.map(({ path }) => path)).toEqual([
      "model.layers.0.self_attn.v_proj",
      "model.layers.1.mlp.gate_proj",
      "model.layers.1.mlp.up_proj",
      "model.layers.1.mlp.down_proj",
    ]);
    const read = readFactors(attached, await valuesOf(attached));
    const byName = (a: { module: string }, b: { module: string }) => a.module.localeCompare(b.module);
    expect(read.sort(byName)).toEqual([...partial.factors].sort(byName));
    const adapted = await logits();
    expect(adapted).not.toEqual(base);
    const off = detachAdapter(model.tree);
    expect(await logits()).toEqual(base);
    off.putBack();
    expect(await logits()).toEqual(adapted);
    detachAdapter(model.tree);
    freeLora(device, attached);
  });

  it("of another model is refused by name", async () => {
    const whole = await importAdapter(fixtureFolder("llama/adapters/random"));
    const foreign = { ...whole, factors: [{ ...whole.factors[0]!, module: "model.layers.7.self_attn.q_proj" }] };
    const before = device.memory.live;
    expect(() => attachAdapter(model.tree, device, foreign, { trainable: false })).toThrow(
      "model.layers.7.self_attn.q_proj",
    );
    expect(device.memory.live).toBe(before);
  });
});
