import { describe, expect, it } from "vitest";
import {
  bf16ToF32,
  DTYPE_BYTES,
  type Dtype,
  elementCount,
  f16ToF32,
  f32ToBf16,
  f32ToF16,
  toFloat32,
} from "../../src/core/dtype.ts";

const view = new DataView(new ArrayBuffer(4));
const f32OfBits = (bits: number): number => {
  view.setUint32(0, bits);
  return view.getFloat32(0);
};

/** The value of IEEE-like bits, from the definition. */
function decode(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >> 15 === 1 ? -1 : 1;
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction > 0 ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const FORMATS = [
  { name: "f16", widen: f16ToF32, narrow: f32ToF16, exponentBits: 5, fractionBits: 10 },
  { name: "bf16", widen: bf16ToF32, narrow: f32ToBf16, exponentBits: 8, fractionBits: 7 },
] as const;

describe.each(FORMATS)("$name", ({ widen, narrow, exponentBits, fractionBits }) => {
  const infinity = (2 ** exponentBits - 1) << fractionBits;

  it("widens all 65,536 bit patterns to the value they mean", () => {
    const wrong = [...Array(65_536).keys()].filter(
      (bits) => !Object.is(widen(bits), decode(bits, exponentBits, fractionBits)),
    );
    expect(wrong).toEqual([]);
  });

  it("narrows every one of them back to its bits, and NaN to a NaN of its sign", () => {
    const wrong = [...Array(65_536).keys()].filter((bits) =>
      Number.isNaN(widen(bits)) ? !Number.isNaN(widen(narrow(widen(bits)))) : narrow(widen(bits)) !== bits,
    );
    expect(wrong).toEqual([]);
  });

  it("rounds to nearest, ties to even, between all neighbours", () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < infinity - 1; bits++) {
      const [low, high] = [widen(bits), widen(bits + 1)];
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      const nudge = (high - low) / 64;
      // Where f32 itself is too coarse to stand between them, there is nothing to round.
      if (Math.fround(middle) !== middle || Math.fround(middle - nudge) !== middle - nudge) continue;
      for (const [value, expected] of [
        [middle, even],
        [middle - nudge, bits],
        [middle + nudge, bits + 1],
      ] as const) {
        if (narrow(value) !== expected || narrow(-value) !== (expected | 0x8000)) wrong.push(bits);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("overflows to infinity from half a step past the greatest value on", () => {
    const greatest = widen(infinity - 1);
    const step = greatest - widen(infinity - 2);
    expect(narrow(greatest + step / 2)).toBe(infinity);
    expect(narrow(greatest + step / 4)).toBe(infinity - 1);
    expect(narrow(-3.4e38)).toBe(infinity | 0x8000);
    expect(narrow(Number.POSITIVE_INFINITY)).toBe(infinity);
    expect(narrow(-0)).toBe(0x8000);
  });
});

describe("toFloat32", () => {
  const bytesOf = (values: ArrayBufferView<ArrayBuffer>): Uint8Array =>
    // At an odd offset, as MLX writes them.
    new Uint8Array([0, ...new Uint8Array(values.buffer)]).subarray(1);

  it.each<[Dtype, Uint8Array, number[]]>([
    ["F32", bytesOf(Float32Array.from([1.5, -0.25])), [1.5, -0.25]],
    ["F64", bytesOf(Float64Array.from([1.5, 1e300])), [1.5, Number.POSITIVE_INFINITY]],
    ["F16", bytesOf(Uint16Array.from([0x3e00, 0x8001])), [1.5, -(2 ** -24)]],
    ["BF16", bytesOf(Uint16Array.from([0x3fc0, 0xc000])), [1.5, -2]],
    ["I32", bytesOf(Int32Array.from([7, -7])), [7, -7]],
  ])("reads little-endian %s at any offset", (dtype, bytes, values) => {
    expect([...toFloat32(bytes, dtype)]).toEqual(values);
    expect(toFloat32(bytes.subarray(0, 0), dtype)).toHaveLength(0);
  });

  it("refuses what holds no real numbers", () => {
    expect(() => toFloat32(new Uint8Array(8), "C64")).toThrow("toFloat32 does not read C64");
  });
});

it("counts elements: of a scalar one, of an empty axis none", () => {
  expect([elementCount([]), elementCount([3, 4]), elementCount([3, 0])]).toEqual([1, 12, 0]);
});

it("knows sizes by the name's own digits", () => {
  for (const [name, bytes] of Object.entries(DTYPE_BYTES)) {
    if (name !== "BOOL") expect([name, 8 * bytes]).toEqual([name, Number(/\d+/.exec(name)![0])]);
  }
  expect(f32OfBits(0x3fc00000)).toBe(1.5);
});
