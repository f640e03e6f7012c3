import { describe, expect, it } from "vitest";
import { bf16ToF32, f16ToF32, toFloat32 } from "../../src/core/dtype.ts";
import { firstNonFiniteIn, isFloatDtype, roundToBytes } from "../../src/core/float-bytes.ts";
import { Random } from "../../src/core/random.ts";

const FLOAT_DTYPES = ["F32", "F16", "BF16"] as const;

const rounded = (value: number, dtype: "F32" | "F16" | "BF16") =>
  toFloat32(roundToBytes(Float64Array.of(value), dtype), dtype)[0]!;

/** All finite values of a 16-bit type, ascending, with their bits. */
function grid(widen: (bits: number) => number) {
  const all = Array.from({ length: 65_536 }, (_, bits) => ({ bits, value: widen(bits) }));
  return all.filter(({ value, bits }) => Number.isFinite(value) && bits !== 0x8000).sort((a, b) => a.value - b.value);
}

describe("roundToBytes", () => {
  it.each([
    ["F16", f16ToF32],
    ["BF16", bf16ToF32],
  ] as const)("%s: between any two neighbours the nearer, on a tie the even one, judged in float64", (dtype, widen) => {
    const values = grid(widen);
    const random = new Random(1);
    const wrong: string[] = [];
    for (let i = 0; i < 20_000; i++) {
      const at = random.below(values.length - 1);
      const [low, high] = [values[at]!, values[at + 1]!];
      const middle = (low.value + high.value) / 2;
      const even = low.bits % 2 === 0 ? low : high;
      // A hair beside the middle: less than f32 can tell, so that rounding twice would get it wrong.
      const hair = (high.value - low.value) * 2 ** -40;
      for (const [value, expected] of [
        [middle, even],
        [middle - hair, low],
        [middle + hair, high],
        [low.value, low],
      ] as const) {
        const got = rounded(value, dtype);
        if (got !== expected.value) wrong.push(`${value}: got ${got}, expected ${expected.value}`);
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it("F32 is what Math.fround gives", () => {
    for (const value of [1 + 2 ** -24, 1 + 2 ** -23 + 2 ** -24, -1e-45, 0.1]) {
      expect(rounded(value, "F32")).toBe(Math.fround(value));
    }
  });

  it("makes what is too large infinite, and keeps the sign of zero and NaN", () => {
    expect(rounded(65_519, "F16")).toBe(65_504);
    expect(rounded(65_520, "F16")).toBe(Number.POSITIVE_INFINITY);
    expect(rounded(-1e39, "BF16")).toBe(Number.NEGATIVE_INFINITY);
    expect(rounded(-0, "BF16")).toBe(-0);
    for (const dtype of FLOAT_DTYPES) expect(rounded(Number.NaN, dtype)).toBeNaN();
  });
});

describe("firstNonFiniteIn", () => {
  it.each(FLOAT_DTYPES)("%s: finds what is not finite, and nothing among finite ones", (dtype) => {
    const values = Float64Array.from({ length: 9 }, (_, i) => (i - 4) * (dtype === "F16" ? 10_000 : 1e38) * 0.8);
    expect(firstNonFiniteIn(roundToBytes(values, dtype), dtype)).toBe(-1);
    for (const broken of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      values[6] = broken;
      expect(firstNonFiniteIn(roundToBytes(values, dtype), dtype)).toBe(6);
    }
  });

  it("names the types that weights are merged in", () => {
    expect(["F32", "F16", "BF16", "F64", "U32", "toString"].filter(isFloatDtype)).toEqual(["F32", "F16", "BF16"]);
  });
});
