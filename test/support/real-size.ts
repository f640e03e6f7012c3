/**
 * A model of Qwen2.5-0.5B's shape whose every number follows from its name, so that an oracle elsewhere has the same one
 * without a gigabyte being kept (test/fixtures/README.md has the formula). All numbers are exact in bf16.
 */
import { f32ToBf16 } from "../../src/core/dtype.ts";
import { layFlat } from "../../src/data/batches.ts";
import { type ModelConfig, parseModelConfig } from "../../src/formats/model-config.ts";
import type { Device } from "../../src/gpu/device.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { Weight } from "../../src/gpu/weight.ts";
import { storedRowBytes } from "../../src/gpu/weight-element.ts";
import type { AttachedLora } from "../../src/lora/attach.ts";
import { wantedTensors } from "../../src/models/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { placeWeights } from "../../src/models/place.ts";
import { buildModel } from "../../src/models/registry.ts";
import { fixtureJson } from "./golden.ts";
import { seedOf } from "./values.ts";

/** What the oracle found (test/fixtures/README.md). */
export interface RealSizeGolden {
  readonly loss: number;
  readonly grad_norm: number;
  /** Of each supervised token. */
  readonly nll: readonly number[];
  /** L2 norm of the gradient of every factor. */
  readonly norms: Readonly<Record<string, number>>;
  /** Entries of some factors' gradients, at `samplePlaces`. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

export const realSizeGolden = (): RealSizeGolden => fixtureJson("real-size/golden.json");
export const realSizeConfig = () => parseModelConfig(fixtureJson("real-size/config.json"), "real-size/config.json");

/** Word `i` of the stream with this seed: output i + 1 of splitmix32. */
export function word(seed: number, i: number): number {
  let z = (seed + Math.imul(i + 1, 0x9e3779b9)) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** The values that the highest byte of a word stands for in the tensor of this name. */
function valuesOf(name: string): Float32Array {
  if (name.includes("norm")) return Float32Array.from({ length: 256 }, (_, byte) => (96 + (byte >>> 2)) / 128);
  const wide = ["q_proj", "k_proj", "embed_tokens", "lora_A"].some((part) => name.includes(part));
  const exponent = name.endsWith(".bias") ? 9 : wide ? 12 : 13;
  return Float32Array.from({ length: 256 }, (_, byte) => (2 * byte - 255) / 2 ** exponent);
}

/** `out` with the numbers of the tensor of this name from element `begin` on, each as `table` has it. */
function fillNamed(out: Float32Array | Uint16Array, name: string, table: ArrayLike<number>, begin = 0): void {
  const seed = seedOf(name);
  for (let i = 0; i < out.length; i++) out[i] = table[word(seed, begin + i) >>> 24]!;
}

const SLICE_BYTES = 32 * 2 ** 20;

/** The model on the device, its weights as bf16, slice by slice; or one of another size, made in the same way. */
export async function placeRealSize(device: Device, config: ModelConfig = realSizeConfig()): Promise<CausalLM> {
  const model = buildModel(config, "real-size");
  placeWeights(model.tree, device, () => "bf16");
  const slice = new Uint16Array(SLICE_BYTES / 2);
  for (const { name, shape, leaf, part } of wantedTensors(model)) {
    const table = valuesOf(name);
    const vector = leaf.kind === "rmsnorm" ? leaf.weight : leaf.kind === "linear" && part === "bias" ? leaf.bias : null;
    if (vector) {
      const values = new Float32Array(shape[0]!);
      fillNamed(values, name, table);
      device.upload(vector, new Uint8Array(values.buffer));
    } else await placeMatrix(device, leaf.weight as Weight, name, Uint16Array.from(table, f32ToBf16), slice);
  }
  return model;
}

async function placeMatrix(
  device: Device,
  { shape: [, columns], element, shards }: Weight,
  name: string,
  table: Uint16Array,
  slice: Uint16Array<ArrayBuffer>,
): Promise<void> {
  const sliceRows = Math.floor(slice.length / columns);
  for (const { tensor, begin, rows } of shards) {
    for (let row = 0; row < rows; row += sliceRows) {
      const part = slice.subarray(0, Math.min(sliceRows, rows - row) * columns);
      fillNamed(part, name, table, (begin + row) * columns);
      const bytes = new Uint8Array(part.buffer, 0, part.byteLength);
      device.upload(tensor, bytes, row * storedRowBytes(element, columns));
      // What is written but not submitted is held twice.
      await device.idle();
    }
  }
}

/** The factors of an adapter by the names that PEFT gives their tensors, as views of its flat buffers. */
export const namedFactors = ({ slots }: AttachedLora): [name: string, factor: Tensor][] =>
  slots.flatMap(({ path, A, B }): [string, Tensor][] => [
    [`${path}.lora_A.weight`, A],
    [`${path}.lora_B.weight`, B],
  ]);

/** The part of a buffer of the adapter's layout that belongs to a factor; the rank must be a multiple of 4. */
export const partOf = (values: Float32Array, { offset, shape }: Tensor): Float32Array =>
  values.subarray(offset / 4, offset / 4 + shape[0]! * shape[1]!);

/** Both factors of every layer, neither of them zero: the gradients of A need a B. */
export function uploadFactors(device: Device, lora: AttachedLora): void {
  const values = new Float32Array(lora.parameters.shape[0]!);
  for (const [name, factor] of namedFactors(lora)) fillNamed(partOf(values, factor), name, valuesOf(name));
  device.upload(lora.parameters, new Uint8Array(values.buffer));
}

/** One sequence, all of it supervised. */
export function realSizeBatch(tokens: number, vocabulary: number) {
  const seed = seedOf("tokens");
  const ids = Uint32Array.from({ length: tokens }, (_, i) => word(seed, i) % vocabulary);
  return layFlat([{ ids, labels: Int32Array.from(ids), line: 0, truncated: false, supervised: tokens - 1 }]);
}

/** Which elements of the gradient of this name were sampled. */
export function samplePlaces(name: string, count: number, elements: number): number[] {
  const seed = seedOf(`${name} samples`);
  return Array.from({ length: count }, (_, i) => word(seed, i) % elements);
}
