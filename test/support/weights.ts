/** Frozen weights from host values, in any element type and split by rows where a device's limits are small. */
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "../../src/core/dtype.ts";
import type { Device } from "../../src/gpu/device.ts";
import { allocateWeight, freeWeight, type Weight, type WeightElement } from "../../src/gpu/weight.ts";
import type { Host } from "./values.ts";

export const WEIGHT_ELEMENTS: readonly WeightElement[] = ["f32", "f16", "bf16"];

/** The same device with another limit on the size of a binding. */
export function withBinding(device: Device, maxBinding: number): Device {
  return Object.create(device, { limits: { value: { ...device.limits, maxBinding } } });
}

/** The values as this element type holds them. */
export function rounded({ shape, values }: Host, element: WeightElement): Host {
  if (element === "f32") return { shape, values };
  const through = element === "f16" ? (x: number) => f16ToF32(f32ToF16(x)) : (x: number) => bf16ToF32(f32ToBf16(x));
  return { shape, values: values.map(through) };
}

export function encode(values: Float64Array, element: WeightElement): Uint8Array<ArrayBuffer> {
  if (element === "f32") return new Uint8Array(Float32Array.from(values).buffer);
  const half = element === "f16" ? f32ToF16 : f32ToBf16;
  return new Uint8Array(Uint16Array.from(values, half).buffer);
}

/** Allocates on `device` (as many shards as its limits ask for) and uploads shard by shard. */
export function placeWeight(device: Device, { shape, values }: Host, element: WeightElement): Weight {
  const [rows = 0, columns = 0] = shape;
  const weight = allocateWeight(device, [rows, columns], element, "weight");
  for (const shard of weight.shards) {
    const part = values.subarray(shard.begin * columns, (shard.begin + shard.rows) * columns);
    device.upload(shard.tensor, encode(part, element));
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
