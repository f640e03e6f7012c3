/** Frozen weights from host values, in any element type and split by rows where a device's limits are small. */
import { type AffineRow, BITS, dequantizeRow, GROUPS, quantizeRow } from "../../src/core/affine.ts";
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "../../src/core/dtype.ts";
import type { Device } from "../../src/gpu/device.ts";
import { allocateWeight, freeWeight, type Weight, type WeightElement } from "../../src/gpu/weight.ts";
import {
  type PlainElement,
  type Quantization,
  quantizationOf,
  quantizedElement,
} from "../../src/gpu/weight-element.ts";
import type { Host } from "./values.ts";

export const WEIGHT_ELEMENTS: readonly WeightElement[] = ["f32", "f16", "bf16"];

/** Affine codes: every number of bits, every group, every kind of scales. Columns must be a multiple of the group. */
export const QUANTIZED_ELEMENTS: readonly WeightElement[] = [
  ...BITS.map((bits) => quantizedElement({ bits, group: 32, scales: "f16" })),
  ...GROUPS.map((group) => quantizedElement({ bits: 4, group, scales: "bf16" })),
  ...([3, 4, 6] as const).map((bits) => quantizedElement({ bits, group: 64, scales: "f32" })),
];

/** The same device with another limit on the size of a binding. */
export function withBinding(device: Device, maxBinding: number): Device {
  return Object.create(device, { limits: { value: { ...device.limits, maxBinding } } });
}

/** The rows that values were rounded through: encoding what was decoded would not give the same codes again. */
const coded = new WeakMap<Float64Array, AffineRow[]>();

/** The values as this element type holds them. */
export function rounded({ shape, values }: Host, element: WeightElement): Host {
  const quantization = quantizationOf(element);
  if (quantization) {
    const rows = quantizedRows(values, shape[1]!, quantization);
    const decoded = Float64Array.from(rows.flatMap((row) => [...dequantizeRow(row, quantization)]));
    coded.set(decoded, rows);
    return { shape, values: decoded };
  }
  if (element === "f32") return { shape, values };
  const through = element === "f16" ? (x: number) => f16ToF32(f32ToF16(x)) : (x: number) => bf16ToF32(f32ToBf16(x));
  return { shape, values: values.map(through) };
}

const ROUND: Readonly<Record<PlainElement, (x: number) => number>> = {
  f32: Math.fround,
  f16: (x) => f16ToF32(f32ToF16(x)),
  bf16: (x) => bf16ToF32(f32ToBf16(x)),
};

function quantizedRows(values: Float64Array, columns: number, quantization: Quantization): AffineRow[] {
  return Array.from({ length: values.length / columns }, (_, row) => {
    const own = Float32Array.from(values.subarray(row * columns, (row + 1) * columns));
    return quantizeRow(own, quantization, ROUND[quantization.scales]);
  });
}

/** Rows as the device stores them: codes, then scale and bias of each group. */
function encodeRows(rows: readonly AffineRow[], { scales: element }: Quantization): Uint8Array<ArrayBuffer> {
  const parts = rows.flatMap(({ words, scales, biases }) => {
    const pairs = Float64Array.from([...scales].flatMap((scale, g) => [scale, biases[g]!]));
    return [new Uint8Array(words.buffer as ArrayBuffer), encode(pairs, element)];
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function encode(values: Float64Array, element: PlainElement): Uint8Array<ArrayBuffer> {
  if (element === "f32") return new Uint8Array(Float32Array.from(values).buffer);
  const half = element === "f16" ? f32ToF16 : f32ToBf16;
  return new Uint8Array(Uint16Array.from(values, half).buffer);
}

/** Allocates on `device` (as many shards as its limits ask for) and uploads shard by shard. */
export function placeWeight(device: Device, { shape, values }: Host, element: WeightElement): Weight {
  const [rows = 0, columns = 0] = shape;
  const weight = allocateWeight(device, [rows, columns], element, "weight");
  const quantization = quantizationOf(element);
  const all = quantization && (coded.get(values) ?? quantizedRows(values, columns, quantization));
  for (const { tensor, begin, rows: count } of weight.shards) {
    const part = values.subarray(begin * columns, (begin + count) * columns);
    const bytes = all
      ? encodeRows(all.slice(begin, begin + count), quantization)
      : encode(part, element as PlainElement);
    device.upload(tensor, bytes);
  }
  return weight;
}

/** Runs `body` with a weight that is freed afterwards. */
export async function usingWeight<T>(
  device: Device,
  host: Host,
  element: WeightElement,
  body: (weight: Weight) => Promise<T>,
): Promise<T> {
  const weight = placeWeight(device, host, element);
  try {
    return await body(weight);
  } finally {
    freeWeight(device, weight);
  }
}
