/**
 * Numbers as stored tensors hold them: float64 rounded once, to nearest, ties to even; and whether stored bytes are all
 * finite, told by their exponent bits. Little-endian, as safetensors files are.
 */
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "./dtype.ts";

/** Stored types that a weight can be merged in. */
const FLOAT_DTYPES = ["F32", "F16", "BF16"] as const;
export type FloatDtype = (typeof FLOAT_DTYPES)[number];

export const isFloatDtype = (dtype: string): dtype is FloatDtype => (FLOAT_DTYPES as readonly string[]).includes(dtype);

/** The bytes of `values` in `dtype`. What is too large for it becomes infinite. */
export function roundToBytes(values: Float64Array, dtype: FloatDtype): Uint8Array<ArrayBuffer> {
  if (dtype === "F32") return new Uint8Array(Float32Array.from(values).buffer);
  // f32ToF16 works on the number it is given; only its sign goes through f32.
  const half = dtype === "F16" ? f32ToF16 : f64ToBf16;
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = half(values[i]!);
  return new Uint8Array(halves.buffer);
}

/** A number as it is in `dtype`. */
export function roundTo(value: number, dtype: FloatDtype): number {
  if (dtype === "F32") return Math.fround(value);
  return dtype === "F16" ? f16ToF32(f32ToF16(value)) : bf16ToF32(f64ToBf16(value));
}

const pair = new Float32Array(1);
const bits = new Uint32Array(pair.buffer);

/** Through f32, which may round onto a tie that the number itself is not on: then it is moved off, to its own side. */
function f64ToBf16(value: number): number {
  pair[0] = value;
  const single = pair[0]!;
  if (single === value || (bits[0]! & 0xffff) !== 0x8000) return f32ToBf16(single);
  bits[0]! += Math.abs(single) < Math.abs(value) ? 1 : -1;
  return f32ToBf16(pair[0]!);
}

/** Index of the first NaN or infinity, or −1. `bytes` must begin at a multiple of the element's size in its buffer. */
export function firstNonFiniteIn(bytes: Uint8Array, dtype: FloatDtype): number {
  if (dtype === "F32") {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    return firstFull(words, 0x7f800000);
  }
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return firstFull(halves, dtype === "F16" ? 0x7c00 : 0x7f80);
}

function firstFull(words: Uint32Array | Uint16Array, exponent: number): number {
  for (let i = 0; i < words.length; i++) if ((words[i]! & exponent) === exponent) return i;
  return -1;
}
