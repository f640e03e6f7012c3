/** W + scale·B·A: against the definition, against peft's merge_and_unload, and how much rounding leaves of it. */
import { describe, expect, it } from "vitest";
import { toFloat32 } from "../../src/core/dtype.ts";
import { roundToBytes } from "../../src/core/float-bytes.ts";
import { Random } from "../../src/core/random.ts";
import { transpose } from "../../src/lora/adapter.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { addSums, lostShare, mergeRows, NO_SUMS, roundingError } from "../../src/lora/merge.ts";
import { nmse } from "../support/compare.ts";
import { fixtureTensors } from "../support/golden.ts";
import { fixture, randomFactor } from "./support.ts";

const random = new Random(5);
const [inputs, outputs, rank] = [12, 7, 3];
const factor = randomFactor("model.layers.0.mlp.up_proj", { in_features: inputs, out_features: outputs }, rank, random);
const weights = Float64Array.from({ length: outputs * inputs }, () => random.normal());

/** W + scale·B·A by the definition. */
function defined(W: ArrayLike<number>, scale: number): Float64Array {
  return Float64Array.from({ length: outputs * inputs }, (_, at) => {
    const [o, i] = [Math.floor(at / inputs), at % inputs];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += factor.B[o * rank + k]! * factor.A[k * inputs + i]!;
    return W[at]! + scale * sum;
  });
}

describe("mergeRows", () => {
  it.each(["F32", "F16", "BF16"] as const)("%s: the definition, rounded once", (dtype) => {
    const stored = roundToBytes(weights, dtype);
    const { bytes } = mergeRows(stored, dtype, factor, 0.5, 0);
    const expected = defined(toFloat32(stored, dtype), 0.5);
    const got = toFloat32(bytes, dtype);
    const unit = { F32: 2 ** -24, F16: 2 ** -11, BF16: 2 ** -8 }[dtype];
    for (const [i, value] of expected.entries())
      expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(unit * Math.abs(value));
  });

  it("gives DoRA's rows the length of their magnitudes, whole or by rows, and leaves a row of zeros", () => {
    const W = weights.map((value, at) => (at < inputs ? 0 : value));
    const stored = roundToBytes(W, "F32");
    const magnitude = Float32Array.from({ length: outputs }, (_, j) => 0.5 + j);
    const B = factor.B.map((value, at) => (at < rank ? 0 : value));
    const dora = { ...factor, B, magnitude };
    const { bytes, sums } = mergeRows(stored, "F32", dora, 0.5, 0);
    const got = toFloat32(bytes, "F32");
    const turned = toFloat32(mergeRows(stored, "F32", { ...factor, B }, 0.5, 0).bytes, "F32");
    for (let j = 0; j < outputs; j++) {
      const [row, direction] = [got, turned].map((all) => all.subarray(j * inputs, (j + 1) * inputs));
      const norm = Math.hypot(...direction!);
      const expected = direction!.map((value) => (j === 0 ? 0 : (value * magnitude[j]!) / norm));
      expect(nmse(row!, expected)).toBeLessThan(1e-12);
    }
    const original = toFloat32(stored, "F32");
    expect(sums.change).toBeCloseTo(
      got.reduce((sum, value, i) => sum + (value - original[i]!) ** 2, 0),
      4,
    );
    const second = mergeRows(stored.slice(3 * inputs * 4), "F32", dora, 0.5, 3);
    expect([...second.bytes]).toEqual([...bytes.slice(3 * inputs * 4)]);
  });

  it("is the same whole or by rows", () => {
    const stored = roundToBytes(weights, "BF16");
    const whole = mergeRows(stored, "BF16", factor, 2, 0);
    const parts = [0, 2, 5].map((row, i) => {
      const end = [2, 5, outputs][i]!;
      return mergeRows(stored.slice(row * inputs * 2, end * inputs * 2), "BF16", factor, 2, row);
    });
    expect(parts.flatMap(({ bytes }) => [...bytes])).toEqual([...whole.bytes]);
    const sums = parts.map((part) => part.sums).reduce(addSums, NO_SUMS);
    for (const name of ["change", "merged", "error"] as const) {
      expect(sums[name] / whole.sums[name]).toBeCloseTo(1, 12);
    }
  });

  it("gives the weights of peft's merge_and_unload, to float32's rounding; transposed factors do not", async () => {
    const adapter = await importAdapter(fixture("llama/adapters/random"));
    const base = await fixtureTensors("llama/model.safetensors");
    const golden = await fixtureTensors("llama/merged/model.safetensors");
    for (const [name, { values }] of golden) {
      const own = adapter.factors.find(({ module }) => `${module}.weight` === name);
      const stored = new Uint8Array(base.get(name)!.values.buffer as ArrayBuffer);
      const merged = own
        ? toFloat32(mergeRows(stored, "F32", own, adapter.scale, 0).bytes, "F32")
        : base.get(name)!.values;
      expect(Math.sqrt(nmse(merged, values)), name).toBeLessThan(own ? 1e-7 : 1e-30);
    }
    const square = adapter.factors.find(({ in_features, out_features }) => in_features === out_features)!;
    const name = `${square.module}.weight`;
    const turned = { ...square, A: transpose(square.B, 64, 4), B: transpose(square.A, 4, 64) }; // Δᵀ
    const stored = new Uint8Array(base.get(name)!.values.buffer as ArrayBuffer);
    const wrong = toFloat32(mergeRows(stored, "F32", turned, adapter.scale, 0).bytes, "F32");
    expect(Math.sqrt(nmse(wrong, golden.get(name)!.values))).toBeGreaterThan(0.1);
  });
});

describe("what rounding leaves of a change", () => {
  const lostAt = (dtype: "F32" | "F16" | "BF16", scale: number) =>
    lostShare(mergeRows(roundToBytes(weights, dtype), dtype, factor, scale, 0).sums)!;

  it("is all but a little of a large one, nothing of one far below the last digit", () => {
    expect(lostAt("BF16", 1)).toBeLessThan(2 ** -8);
    expect(lostAt("F32", 1)).toBeLessThan(2 ** -23);
    expect(lostAt("BF16", 1e-6)).toBeCloseTo(1, 3);
    expect(lostAt("F32", 1e-6)).toBeLessThan(0.1);
  });

  it("never grows past the change itself, and is not a number of a layer that does not change", () => {
    for (const scale of [1e-4, 1e-3, 3e-3, 0.01, 0.1]) expect(lostAt("BF16", scale)).toBeLessThanOrEqual(1);
    const { sums } = mergeRows(roundToBytes(weights, "BF16"), "BF16", factor, 0, 0);
    expect(lostShare(sums)).toBeNull();
    expect(roundingError(sums)).toBe(0);
    expect(roundingError(NO_SUMS)).toBe(0);
  });
});
