/** Against vectors that MLX's compiled CPU code and an independent program computed alike, bit for bit. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AffineGrid,
  BITS,
  type Bits,
  codeAt,
  dequantizeRow,
  GROUPS,
  packCodes,
  quantizeRow,
} from "../../src/core/affine.ts";
import { relativeDifference } from "../../src/core/difference.ts";
import { Random } from "../../src/core/random.ts";

const VECTOR = Float32Array.from({ length: 64 }, (_, k) => (((37 * k) % 64) - 20) / 16);

/** Scale, and the packed words in hexadecimal. */
const EXPECTED: Readonly<Record<Bits, readonly [number, string]>> = {
  2: [-1.34375, "7499e267 26789d22 9e27499d 89d26749"],
  3: [-0.537500024, "b3f0d59f 310d5d8a 1567e1ab 56621cbc f86acfc3 86aec539"],
  4: [-0.268750012, "e81a4c6f 5d7193c5 a4d6092b 1a3c6e82 7093b5d7 c6e82a4d 3b5e71a3 82b4d709"],
  5: [-0.127976194, "075469bf 1a1b0bec 48b7571e 23aa34d0 150f967a 265bab8f 12593b70 0aa7cb3d 333617d8 912c9db8"],
  6: [
    -0.0625,
    "ab4356bf dc97f211 539783a0 9b0252af d887b11d 1293b363 8bc15e9f d4b77019 d19fa322 bb805a8f d0a73315 909b93e1",
  ],
  8: [
    -0.0154454019,
    "41d669ff f38618ae a235ca5d 51e7790c 009628be b245db6d 61f78a1c 10a639ce c255eb7d 71049a2d 20b649df d265fb8e " +
      "8114aa3d 31c659ef e375089e 9224ba4d",
  ],
};

const hex = (words: Uint32Array) => [...words].map((word) => word.toString(16).padStart(8, "0")).join(" ");

describe.each(BITS)("%i bits", (bits) => {
  const affine = { bits, group: 64 } as const;

  it("encode the vector to the same scale, bias and words", () => {
    const row = quantizeRow(VECTOR, affine);
    const [scale, words] = EXPECTED[bits];
    expect(row.scales[0]).toBe(Math.fround(scale));
    expect(row.biases[0]).toBe(2.6875);
    expect(hex(row.words)).toBe(words);
  });

  it("encode its negative to the same words with the scale's other sign", () => {
    const row = quantizeRow(
      VECTOR.map((value) => -value),
      affine,
    );
    const [scale, words] = EXPECTED[bits];
    expect(row.scales[0]).toBe(-Math.fround(scale));
    expect(row.biases[0]).toBe(-2.6875);
    expect(hex(row.words)).toBe(words);
  });

  it("decode within half a step of every value", () => {
    const row = quantizeRow(VECTOR, affine);
    const step = Math.abs(row.scales[0]!);
    const back = dequantizeRow(row, affine);
    for (const [i, value] of VECTOR.entries()) expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(0.51 * step);
    // The control: a step is not small.
    expect(step).toBeGreaterThan(0.01);
  });

  it("pack and give back any codes", () => {
    const codes = fc.uint8Array({ minLength: 32, maxLength: 32, max: 2 ** bits - 1 });
    fc.assert(
      fc.property(codes, (some) => {
        const words = packCodes(some, bits);
        expect(words).toHaveLength(bits);
        expect(Uint8Array.from(some, (_, i) => codeAt(words, i, bits))).toEqual(some);
      }),
    );
  });
});

describe("groups", () => {
  it.each(GROUPS)("of %i have a scale each", (group) => {
    const values = Float32Array.from({ length: 2 * group }, (_, i) => (i < group ? 1 : 100) * Math.sin(i));
    const row = quantizeRow(values, { bits: 8, group });
    expect(row.scales).toHaveLength(2);
    expect(Math.abs(row.scales[1]! / row.scales[0]!)).toBeGreaterThan(50);
    const back = dequantizeRow(row, { bits: 8, group });
    for (const [i, value] of values.entries()) expect(Math.abs(back[i]! - value)).toBeLessThan(i < group ? 0.01 : 1);
  });

  it("of equal values, of zeros and of one sign decode to what they were, nearly", () => {
    for (const values of [new Float32Array(64), new Float32Array(64).fill(0.3), VECTOR.map((value) => value - 5)]) {
      const affine = { bits: 4, group: 64 } as const;
      const row = quantizeRow(values, affine);
      const back = dequantizeRow(row, affine);
      for (const [i, value] of values.entries()) expect(Math.abs(back[i]! - value)).toBeLessThan(0.27);
    }
  });
});

describe("a grid to stay on", () => {
  const affine = { bits: 4, group: 32 } as const;
  const random = new Random(3);
  const before = quantizeRow(
    Float32Array.from({ length: 512 }, () => random.normal()),
    affine,
  );
  const values = dequantizeRow(before, affine);
  const missed = (changed: Float32Array, grid?: AffineGrid) =>
    relativeDifference(dequantizeRow(quantizeRow(changed, affine, Math.fround, grid), affine), changed);
  const moved = (by: number) => values.map((value, i) => value + by * Math.sin(i));

  it("gives back what lies on it, and of a small change no more is lost than all of it", () => {
    expect(quantizeRow(values, affine, Math.fround, before)).toEqual(before);
    const changed = moved(1e-3);
    expect(missed(changed, before)).toBeLessThanOrEqual(relativeDifference(values, changed) * (1 + 1e-6));
    // The control: a grid that fits the changed values best moves the others by far more.
    expect(missed(changed)).toBeGreaterThan(3 * relativeDifference(values, changed));
  });

  it("is left where another fits better", () => {
    const changed = moved(3);
    expect(missed(changed, before)).toBeLessThanOrEqual(missed(changed));
    expect(quantizeRow(changed, affine, Math.fround, before).scales).not.toEqual(before.scales);
  });
});
