/** Fusing into models that mlx-lm quantised: decoded to half precision, or in codes again. */
import { describe, expect, it } from "vitest";
import { dequantizeRow, quantizeRow } from "../../src/core/affine.ts";
import { memoryModel } from "../../src/core/bytes.ts";
import { toFloat32 } from "../../src/core/dtype.ts";
import { roundToBytes } from "../../src/core/float-bytes.ts";
import { Random } from "../../src/core/random.ts";
import { openCheckpoint } from "../../src/formats/checkpoint.ts";
import { quantizationFor } from "../../src/formats/quantization.ts";
import { writeSafetensors } from "../../src/formats/safetensors.ts";
import type { Adapter, AdapterFactor } from "../../src/lora/adapter.ts";
import { attachAdapter } from "../../src/lora/attach.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { loadModel, readConfig } from "../../src/models/load.ts";
import { planFuse } from "../../src/train/fuse/plan.ts";
import { proveWeights } from "../../src/train/fuse/prove-weights.ts";
import { writeFused } from "../../src/train/fuse/write.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { randomAdapter } from "../lora/support.ts";
import { logitsOf, mainBatch } from "../models/support.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder } from "../support/golden.ts";
import { fuseWith, inTensor, store } from "./fuse-support.ts";

const device = await testDevice();
const adapter = await importAdapter(fixtureFolder("mlx/adapters-llama-q4-random"));
const QUANTIZED = ["llama-q4", "llama-q4-bf16", "llama-q8g32"];
const source = (name: string) => fixtureFolder(`mlx/${name}`);
const UP = "model.layers.1.mlp.up_proj";

/** scale·q + bias of every matrix in codes, by path; others as they are. */
async function decoded(folder: ReturnType<typeof fixtureFolder>): Promise<Map<string, Float32Array>> {
  const checkpoint = await openCheckpoint(folder);
  const { quantization } = await readConfig(folder);
  const values = new Map<string, Float32Array>();
  for (const [name, { dtype }] of checkpoint.tensors) {
    if (!name.endsWith(".weight")) continue;
    const path = name.slice(0, -".weight".length);
    const bytes = await checkpoint.read(name);
    if (dtype !== "U32") values.set(path, toFloat32(bytes, dtype));
    else {
      const half = async (part: string) =>
        toFloat32(await checkpoint.read(`${path}.${part}`), checkpoint.tensors.get(`${path}.${part}`)!.dtype);
      const row = { words: new Uint32Array(bytes.buffer), scales: await half("scales"), biases: await half("biases") };
      values.set(path, dequantizeRow(row, quantizationFor(quantization, path)!));
    }
  }
  return values;
}

/** scale·B·A by the definition, in float64. */
function product({ A, B, rank, in_features, out_features }: AdapterFactor, scale: number): Float64Array {
  return Float64Array.from({ length: in_features * out_features }, (_, at) => {
    const [o, i] = [Math.floor(at / in_features), at % in_features];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += B[o * rank + k]! * A[k * in_features + i]!;
    return scale * sum;
  });
}

const norm = (values: Iterable<number>) => Math.sqrt([...values].reduce((sum, value) => sum + value ** 2, 0));

describe.each(QUANTIZED)("%s decoded", (name) => {
  it("is plain weights in BF16: every code's value, with the adapter where it has one, rounded once", async () => {
    const { failed, target, form, lost, files } = await fuseWith(undefined, { source: source(name), adapter });
    expect([failed, form, files]).toEqual([[], "decoded", ["model.safetensors"]]);
    expect(lost).toBeLessThan(0.1);
    const base = await decoded(source(name));
    const checkpoint = await openCheckpoint(target.written);
    expect([...checkpoint.tensors.keys()].sort()).toEqual([...base.keys()].map((path) => `${path}.weight`).sort());
    let matrices = 0;
    for (const [path, values] of base) {
      const factor = adapter.factors.find(({ module }) => module === path);
      const delta = factor && product(factor, adapter.scale);
      const expected = Float64Array.from(values, (value, i) => value + (delta?.[i] ?? 0));
      const { dtype, shape } = checkpoint.tensors.get(`${path}.weight`)!;
      if (shape.length === 2) matrices++;
      expect(dtype, path).toBe(shape.length === 2 || name.endsWith("bf16") ? "BF16" : "F32");
      const rounded = toFloat32(roundToBytes(expected, dtype as "BF16"), dtype);
      const own = toFloat32(await checkpoint.read(`${path}.weight`), dtype);
      expect(own.filter((value, i) => value !== rounded[i]).length, path).toBe(0);
    }
    expect(matrices).toBe(16);
    expect(await readConfig(target.written)).toEqual({ ...(await readConfig(source(name))), quantization: null });
    const config = new TextDecoder().decode(target.files.get("config.json"));
    expect(config).not.toContain("quantization");
    expect(config).toContain('"rope_theta": 10000.0');
  });

  it("gives the logits of base and adapter, to what BF16 rounds; the base alone does not", async () => {
    const { target } = await fuseWith(undefined, { source: source(name), adapter });
    const { flat } = await mainBatch();
    const live = await loadModel(source(name), device);
    const base = await computeLogits(device, live, flat);
    attachAdapter(live.tree, device, adapter, { trainable: false });
    const tuned = await computeLogits(device, live, flat);
    const fused = await logitsOf(target.written, flat);
    expect(relativeL2(fused, tuned)).toBeLessThan(0.01);
    expect(relativeL2(fused, base)).toBeGreaterThan(0.1);
  });
});

describe.each(QUANTIZED)("%s in codes again", (name) => {
  it("keeps its files, bits and groups; adapted matrices are nearer to the sum than the base, the others untouched", async () => {
    const { failed, target, form, lost, layers } = await fuseWith(undefined, {
      ...{ source: source(name), adapter, requantize: true },
    });
    expect([failed, form]).toEqual([[], "codes"]);
    expect(await readConfig(target.written)).toEqual(await readConfig(source(name)));
    const [base, fused] = [await decoded(source(name)), await decoded(target.written)];
    const totals = { error: 0, change: 0 };
    for (const [path, values] of fused) {
      const before = base.get(path)!;
      const factor = adapter.factors.find(({ module }) => module === path);
      if (!factor) {
        expect(values, path).toEqual(before);
        continue;
      }
      const delta = product(factor, adapter.scale);
      const error = norm(values.map((value, i) => value - before[i]! - delta[i]!));
      const own = layers.find(({ module }) => module === path)!;
      expect(own.lost).toBeCloseTo(error / norm(delta), 4);
      expect(own.lost).toBeLessThanOrEqual(1);
      totals.error += error ** 2;
      totals.change += norm(delta) ** 2;
    }
    expect(layers).toHaveLength(14);
    expect(lost).toBeCloseTo(Math.sqrt(totals.error / totals.change), 4);
    // Codes of eight bits hold most of this adapter; of four, less.
    if (name === "llama-q8g32") expect(lost).toBeLessThan(0.05);
    else expect(lost).toBeGreaterThan(0.1);
  });
});

it("a change far below a code's step is lost, but never more than all of it", async () => {
  const faint: Adapter = { ...adapter, scale: adapter.scale / 1000 };
  const { failed, lost, blind, layers } = await fuseWith(undefined, {
    ...{ source: source("llama-q4"), adapter: faint, requantize: true },
  });
  expect(failed).toEqual([]);
  expect(lost).toBeGreaterThan(0.95);
  for (const layer of layers) expect(layer.lost).toBeLessThanOrEqual(1 + 1e-6);
  expect(blind).toBe(true);
});

describe("planted faults", () => {
  const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 70 ? byte ^ 4 : byte));
  const failedWith = async (tensor: string, requantize: boolean) =>
    (await fuseWith(inTensor(tensor, flip), { source: source("llama-q4"), adapter, requantize })).failed;

  it("are named by their check: a decoded tensor, a merged one, a norm, a code, a scale", async () => {
    expect(await failedWith("lm_head.weight", false)).toEqual([
      "tensors of codes without an adapter are what the codes say, rounded once: lm_head.weight differs",
    ]);
    expect(await failedWith(`${UP}.weight`, false)).toEqual([
      `adapted tensors are W + scale·B·A, rounded once: ${UP}.weight differs`,
    ]);
    expect(await failedWith("model.norm.weight", false)).toEqual([
      "the other tensors are the base's, byte for byte: model.norm.weight differs",
    ]);
    const codes = "adapted tensors are the codes nearest to W + scale·B·A";
    expect(await failedWith(`${UP}.weight`, true)).toEqual([`${codes}: ${UP}.weight differs`]);
    expect(await failedWith(`${UP}.scales`, true)).toEqual([`${codes}: ${UP}.scales differs`]);
    expect(await failedWith("lm_head.scales", true)).toEqual([
      "the other tensors are the base's, byte for byte: lm_head.scales differs",
    ]);
  });

  it("a merge that was left out is told as that, decoded and in codes", async () => {
    const codes = await (await openCheckpoint(source("llama-q4"))).read(`${UP}.weight`);
    const { failed } = await fuseWith(
      inTensor(`${UP}.weight`, () => codes),
      { source: source("llama-q4"), adapter, requantize: true },
    );
    expect(failed[0]).toContain(`${UP}.weight is the base's: the merge was left out`);
    const plain = roundToBytes(new Float64Array((await decoded(source("llama-q4"))).get(UP)!), "BF16");
    const left = await fuseWith(
      inTensor(`${UP}.weight`, () => plain),
      { source: source("llama-q4"), adapter },
    );
    expect(left.failed[0]).toContain(`${UP}.weight is the base's: the merge was left out`);
  });

  it("a config.json that still tells of codes", async () => {
    const original = new TextEncoder().encode("{}");
    const { failed } = await fuseWith((path, bytes) => (path === "config.json" ? original : bytes), {
      ...{ source: source("llama-q4"), adapter },
    });
    expect(failed).toEqual([
      "config, tokenizer and licence are the base's, but for what config.json says of codes: config.json differs",
    ]);
  });
});

it("a decoded model is split where a file would be too large, and loads from its shards", async () => {
  const checkpoint = await openCheckpoint(source("llama-q4"));
  const { quantization } = await readConfig(source("llama-q4"));
  const options = { label: "llama-q4", quantization, requantize: false };
  const whole = planFuse(checkpoint, adapter, options);
  const split = planFuse(checkpoint, adapter, { ...options, shardBytes: 60_000 });
  expect([whole.files.length, whole.index]).toEqual([1, null]);
  expect(split.files.length).toBeGreaterThan(3);
  expect(split.bytes).toBe(whole.bytes);
  for (const { tensors } of split.files) {
    const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
    expect(bytes <= 60_000 || tensors.length === 1).toBe(true);
  }
  const target = store();
  await writeFused(split, checkpoint, target);
  const other = await fuseWith(undefined, { source: source("llama-q4"), adapter });
  target.files.set("config.json", other.target.files.get("config.json")!);
  const { flat } = await mainBatch();
  expect(await logitsOf(target.written, flat)).toEqual(await logitsOf(other.target.written, flat));
});

it.each([false, true])("a matrix of several slices is what its rows are, requantized: %s", async (requantize) => {
  const path = "model.layers.0.mlp.up_proj";
  const [rows, columns, affine] = [17_000, 64, { bits: 4, group: 64 } as const]; // a little more than one slice
  const random = new Random(9);
  const values = Float32Array.from({ length: rows * columns }, () => random.normal());
  const { words, scales, biases } = quantizeRow(values, affine);
  const f32 = (own: Float32Array) => ({ dtype: "F32" as const, shape: [rows, 1], bytes: new Uint8Array(own.buffer) });
  const folder = memoryModel("large", [
    {
      path: "model.safetensors",
      bytes: writeSafetensors([
        { name: `${path}.weight`, dtype: "U32", shape: [rows, 8], bytes: new Uint8Array(words.buffer) },
        { name: `${path}.scales`, ...f32(scales) },
        { name: `${path}.biases`, ...f32(biases) },
      ]),
    },
  ]);
  const linear = [path, { in_features: columns, out_features: rows }] as const;
  const large = { ...randomAdapter([[...linear]], 2), scale: 0.5 };
  const checkpoint = await openCheckpoint(folder);
  const quantization = { ...affine, modules: new Map() };
  const plan = planFuse(checkpoint, large, { label: "large", quantization, requantize });
  const target = store();
  const [sums] = (await writeFused(plan, checkpoint, target)).values();
  expect((await proveWeights(plan, checkpoint, target.written)).every(({ passed }) => passed)).toBe(true);
  const written = await openCheckpoint(target.written);
  const read = async (part: string) => written.read(`${path}.${part}`);
  const base = dequantizeRow({ words, scales, biases }, affine);
  const delta = product(large.factors[0]!, 0.5);
  let own: Float32Array;
  if (requantize) {
    const row = {
      words: new Uint32Array((await read("weight")).buffer),
      scales: toFloat32(await read("scales"), "F32"),
    };
    own = dequantizeRow({ ...row, biases: toFloat32(await read("biases"), "F32") }, affine);
  } else own = toFloat32(await read("weight"), "BF16");
  const error = norm(own.map((value, i) => value - base[i]! - delta[i]!));
  expect(Math.sqrt(sums!.error) / error).toBeCloseTo(1, 4);
  expect(Math.sqrt(sums!.change) / norm(delta)).toBeCloseTo(1, 6);
  expect(error / norm(delta)).toBeLessThan(requantize ? 0.2 : 0.01);
  // The last rows, beyond the first slice, have their own change and not that of others.
  const [ownEnd, baseEnd, deltaEnd] = [own, base, delta].map((from) => Array.from(from.slice(-columns))) as [
    ...[number[], number[], number[]],
  ];
  for (const [i, value] of ownEnd.entries()) {
    expect(Math.abs(value - baseEnd[i]! - deltaEnd[i]!)).toBeLessThan(requantize ? 1 : 0.05);
  }
  expect(norm(deltaEnd)).toBeGreaterThan(1);
});

it("codes with scales in F16 are decoded to F16, others to BF16", async () => {
  const half = (dtype: "F16" | "F32") => ({ dtype, shape: [4, 1], bytes: new Uint8Array(dtype === "F16" ? 8 : 16) });
  const quantization = { bits: 8, group: 32, modules: new Map() } as const;
  const written = async (scales: "F16" | "F32") => {
    const bytes = writeSafetensors([
      { name: `${UP}.weight`, dtype: "U32", shape: [4, 8], bytes: new Uint8Array(128) },
      { name: `${UP}.scales`, ...half(scales) },
      { name: `${UP}.biases`, ...half(scales) },
    ]);
    const checkpoint = await openCheckpoint(memoryModel("half", [{ path: "model.safetensors", bytes }]));
    const own = randomAdapter([[UP, { in_features: 32, out_features: 4 }]], 1);
    return planFuse(checkpoint, own, { label: "half", quantization, requantize: false }).files[0]!.tensors;
  };
  for (const [scales, dtype] of [["F16", "F16"] as const, ["F32", "BF16"] as const]) {
    expect(await written(scales)).toMatchObject([{ name: `${UP}.weight`, dtype, shape: [4, 32], bytes: 256 }]);
  }
});
