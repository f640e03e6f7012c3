/** Models that mlx-lm has quantised, against mlx itself; and plain ones that are quantised while they load. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Affine, dequantizeRow, quantizeRow } from "../../src/core/affine.ts";
import { type ModelSource, memoryModel } from "../../src/core/bytes.ts";
import { toFloat32 } from "../../src/core/dtype.ts";
import { openCheckpoint } from "../../src/formats/checkpoint.ts";
import { writeSafetensors } from "../../src/formats/safetensors.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { attachAdapter } from "../../src/lora/attach.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { loadModel } from "../../src/models/load.ts";
import { namedLeaves } from "../../src/nn/module.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureJson, fixtureTensors, flatten, type NamedTensor } from "../support/golden.ts";
import { mainBatch, stepOf } from "./support.ts";

/** mlx's manifest. */
const LOGITS = 5e-5;
const GRADIENTS = 5e-5;
const AFFINE: Readonly<Record<string, Affine>> = {
  "llama-q4": { bits: 4, group: 64 },
  "llama-q4-bf16": { bits: 4, group: 64 },
  "llama-q8g32": { bits: 8, group: 32 },
};
/** Rows of ids as a batch in which `supervised` tokens carry loss. */
function rowsOf(ids: NamedTensor, supervised: (row: number, position: number) => boolean) {
  const [rows, width] = ids.shape as [number, number];
  const values = Int32Array.from(ids.values);
  const labels = values.map((id, i) => (supervised(Math.floor(i / width), i % width) ? id : -100));
  return flatten({ ids: values, mask: values.map(() => 1), labels, rows, width });
}

let device: WebGpuDevice;
let golden: Map<string, NamedTensor>;
let inputs: Map<string, NamedTensor>;
beforeAll(async () => {
  device = await testDevice();
  golden = await fixtureTensors("mlx/golden.safetensors");
  inputs = await fixtureTensors("mlx/inputs.safetensors");
});

describe.each(Object.keys(AFFINE))("%s", (name) => {
  it("gives mlx-lm's logits", async () => {
    const model = await loadModel(fixtureFolder(`mlx/${name}`), device);
    const logits = await computeLogits(
      device,
      model,
      rowsOf(inputs.get("eval.input_ids")!, () => false),
    );
    const expected = golden.get(`${name}.logits_f32_math`) ?? golden.get(`${name}.logits`)!;
    expect(relativeL2(logits, expected.values)).toBeLessThan(LOGITS);
    // The control: quantising changed the model.
    expect(relativeL2(logits, golden.get("llama.logits")!.values)).toBeGreaterThan(0.005);
    const elements = new Set(
      namedLeaves(model.tree).flatMap(({ leaf }) => (leaf.kind === "rmsnorm" ? [] : leaf.weight!.element)),
    );
    const { bits, group } = AFFINE[name]!;
    expect([...elements]).toEqual([`q${bits}g${group}-${name.endsWith("bf16") ? "bf16" : "f32"}`]);
  });

  it("has weights that decode to mlx's own", async () => {
    const path = "model.layers.0.self_attn.q_proj";
    const checkpoint = await openCheckpoint(fixtureFolder(`mlx/${name}`));
    const read = async (part: string) => {
      const bytes = await checkpoint.read(`${path}.${part}`);
      return part === "weight"
        ? new Uint32Array(bytes.slice().buffer)
        : toFloat32(bytes, checkpoint.tensors.get(`${path}.${part}`)!.dtype);
    };
    const [words, scales, biases] = await Promise.all([read("weight"), read("scales"), read("biases")]);
    const own = dequantizeRow(
      { words: words as Uint32Array, scales: scales as Float32Array, biases: biases as Float32Array },
      AFFINE[name]!,
    );
    expect(relativeL2(own, golden.get(`${name}.dequantized.${path}.weight`)!.values)).toBeLessThan(1e-6);
  });
});

describe("a mixed recipe", () => {
  it("takes other bits and groups for single modules, and none for one that is plain", async () => {
    const [coarse, fine, plain] = await Promise.all(
      ["mlx/llama-q4", "mlx/llama-q8g32", "mlx/llama"].map((folder) => openCheckpoint(fixtureFolder(folder))),
    );
    const own = (name: string) => {
      if (name.startsWith("model.layers.0.mlp.down_proj.")) return fine!;
      return name.startsWith("model.layers.1.self_attn.v_proj.") ? plain! : coarse!;
    };
    const names = new Set([coarse!, plain!].flatMap(({ tensors }) => [...tensors.keys()]));
    const tensors = await Promise.all(
      [...names]
        .filter((name) => own(name).tensors.has(name))
        .map(async (name) => {
          const { dtype, shape } = own(name).tensors.get(name)!;
          return { name, dtype, shape, bytes: await own(name).read(name) };
        }),
    );
    const config = fixtureJson("mlx/llama-q4/config.json");
    const quantization = {
      ...config.quantization,
      ...{ "model.layers.0.mlp.down_proj": { group_size: 32, bits: 8 }, "model.layers.1.self_attn.v_proj": false },
    };
    const source = memoryModel("mixed", [
      { path: "config.json", bytes: new TextEncoder().encode(JSON.stringify({ ...config, quantization })) },
      { path: "model.safetensors", bytes: writeSafetensors(tensors) },
    ]);
    const model = await loadModel(source, device);
    const elements = new Map(
      namedLeaves(model.tree).flatMap(({ path, leaf }) =>
        leaf.kind === "rmsnorm" ? [] : [[path, leaf.weight!.element] as const],
      ),
    );
    expect(elements.get("model.layers.0.mlp.down_proj")).toBe("q8g32-f32");
    expect(elements.get("model.layers.1.self_attn.v_proj")).toBe("f32");
    expect(elements.get("model.layers.1.self_attn.q_proj")).toBe("q4g64-f32");
    const batch = rowsOf(inputs.get("eval.input_ids")!, () => false);
    const logits = await computeLogits(device, model, batch);
    // Nearer to the plain model than all in four bits; and the wrong bits for a module are refused by its shapes.
    const distance = (values: Float32Array) => relativeL2(values, golden.get("llama.logits")!.values);
    expect(distance(logits)).toBeLessThan(distance(golden.get("llama-q4.logits")!.values));
    const wrong = { path: "config.json", bytes: new TextEncoder().encode(JSON.stringify(config)) };
    const mismatched = memoryModel("mixed", [wrong, { path: "model.safetensors", bytes: writeSafetensors(tensors) }]);
    await expect(loadModel(mismatched, device)).rejects.toThrow(
      "model.layers.0.mlp.down_proj.weight: expected [64, 24]",
    );
  });
});

describe("an adapter on a quantised model", () => {
  it("gives mlx-lm's logits, and the gradients of its loss, which counts the first padding token", async () => {
    const model = await loadModel(fixtureFolder("mlx/llama-q4"), device);
    const adapter = await importAdapter(fixtureFolder("mlx/adapters-llama-q4-random"));
    const lora = attachAdapter(model.tree, device, adapter, { trainable: true });
    const logits = await computeLogits(
      device,
      model,
      rowsOf(inputs.get("eval.input_ids")!, () => false),
    );
    expect(relativeL2(logits, golden.get("llama-q4.random.logits")!.values)).toBeLessThan(LOGITS);

    const all = inputs.get("train.input_ids")!;
    const first = { shape: all.shape.slice(1), values: all.values.subarray(0, all.shape[1]! * all.shape[2]!) };
    const lengths = inputs.get("train.lengths")!.values;
    const within = (row: number, position: number) =>
      position >= Math.max(1, lengths[2 * row]!) && position <= lengths[2 * row + 1]!;
    const { loss, gradients } = await stepOf(device, model, lora, rowsOf(first, within));
    const { values } = fixtureJson("mlx/values.json");
    expect(loss).toBeCloseTo(values["llama-q4.random.loss"], 4);
    expect(gradients.length).toBeGreaterThan(10);
    for (const { module, A, B } of gradients) {
      const expected = (part: string) => golden.get(`llama-q4.random.grad.${module}.${part}`)!;
      expect(relativeL2(transposed(A, expected("lora_a")), expected("lora_a").values), module).toBeLessThan(GRADIENTS);
      expect(relativeL2(transposed(B, expected("lora_b")), expected("lora_b").values), module).toBeLessThan(GRADIENTS);
    }
    // The control: without that token it is another loss.
    const strict = await stepOf(
      device,
      model,
      lora,
      rowsOf(first, (row, position) => within(row, position) && position < lengths[2 * row + 1]!),
    );
    expect(Math.abs(strict.loss - loss)).toBeGreaterThan(1e-3);
  });
});

/** Ours [r, in] or [out, r] as mlx has it, [in, r] or [r, out]. */
function transposed(values: Float32Array, { shape }: NamedTensor): Float32Array {
  const [rows = 0, columns = 0] = shape;
  return Float32Array.from({ length: values.length }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return values[column * rows + row]!;
  });
}

describe("quantising while a plain model loads", () => {
  it.each([
    { bits: 4, group: 64 },
    { bits: 8, group: 32 },
    { bits: 3, group: 32 },
  ] as const)("to %j gives the logits of the model whose weights were rounded so", async (quantize) => {
    const { flat } = await mainBatch();
    const own = await computeLogits(device, await loadModel(fixtureFolder("llama"), device, { quantize }), flat);
    const rounded = await computeLogits(device, await loadModel(await roundedModel(quantize), device), flat);
    expect(relativeL2(own, rounded)).toBeLessThan(LOGITS);
    const plain = await computeLogits(device, await loadModel(fixtureFolder("llama"), device), flat);
    expect(relativeL2(own, plain)).toBeGreaterThan(1e-3);
  });

  it("takes a quarter of the memory", async () => {
    const before = device.memory.live;
    await loadModel(fixtureFolder("llama"), device);
    const plain = device.memory.live - before;
    await loadModel(fixtureFolder("llama"), device, { quantize: { bits: 4, group: 64 } });
    // f32 here: 5 of 32 bits, and what does not divide into groups stays.
    expect((device.memory.live - before - plain) / plain).toBeLessThan(0.45);
  });
});

/** The llama fixture with every matrix coded and decoded on the CPU. */
async function roundedModel(affine: Affine): Promise<ModelSource> {
  const source = fixtureFolder("llama");
  const checkpoint = await openCheckpoint(source);
  const tensors = await Promise.all(
    [...checkpoint.tensors].map(async ([name, { shape, dtype }]) => {
      const values = toFloat32(await checkpoint.read(name), dtype);
      const [, columns = 0] = shape;
      if (shape.length === 2 && columns % affine.group === 0) {
        for (let at = 0; at < values.length; at += columns) {
          values.set(dequantizeRow(quantizeRow(values.subarray(at, at + columns), affine), affine), at);
        }
      }
      return { name, dtype: "F32" as const, shape, bytes: new Uint8Array(values.buffer as ArrayBuffer) };
    }),
  );
  const config = new TextEncoder().encode(JSON.stringify(fixtureJson("llama/config.json")));
  return memoryModel("rounded", [
    { path: "config.json", bytes: config },
    { path: "model.safetensors", bytes: writeSafetensors(tensors) },
  ]);
}
