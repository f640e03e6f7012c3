/** Ranks changed: against the whole product in float64, whose SVD says what the best of each rank can be. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { type Adapter, type AdapterFactor, scaleOf } from "../../src/lora/adapter.ts";
import { lowRankSvd } from "../../src/lora/low-rank-svd.ts";
import { resizeAdapter } from "../../src/lora/resize.ts";
import { randomAdapter, randomFactor } from "./support.ts";

const SHAPES = [
  [12, 7],
  [5, 33],
  [40, 40],
] as const;
const linears = SHAPES.map(
  ([in_features, out_features], i): [string, { in_features: number; out_features: number }] => [
    `model.layers.${i}.mlp.up_proj`,
    { in_features, out_features },
  ],
);

/** scale·B·A [out, in] by the definition. */
function product({ A, B, rank, in_features, out_features }: AdapterFactor, scale = 1): Float64Array {
  return Float64Array.from({ length: out_features * in_features }, (_, at) => {
    const [o, i] = [Math.floor(at / in_features), at % in_features];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += B[o * rank + k]! * A[k * in_features + i]!;
    return scale * sum;
  });
}

const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, value) => sum + value ** 2, 0));
const apart = (a: Float64Array, b: Float64Array) => norm(a.map((value, i) => value - b[i]!)) / norm(b);

/** Singular values of a whole matrix, largest first, from the eigenvalues of M·Mᵀ: another way to the same numbers. */
function singularValuesOf(values: Float64Array, columns: number): number[] {
  const M = Matrix.from1DArray(values.length / columns, columns, values);
  const { realEigenvalues } = new EigenvalueDecomposition(M.mmul(M.transpose()), { assumeSymmetric: true });
  return realEigenvalues.map((value) => Math.sqrt(Math.max(0, value))).sort((a, b) => b - a);
}

describe("the SVD of a product", () => {
  it.each(linears)(
    "%s: singular values of the whole product, orthonormal vectors, the product again",
    (module, shape) => {
      const factor = randomFactor(module, shape, 5, new Random(1));
      const { values, left, right } = lowRankSvd(factor);
      const whole = product(factor);
      const expected = singularValuesOf(whole, shape.in_features);
      for (const [k, value] of values.entries()) expect(value / expected[k]!).toBeCloseTo(1, 8);
      for (const own of [left, right]) {
        for (const [j, a] of own.entries()) {
          for (const [k, b] of own.entries()) {
            const dot = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
            expect(dot).toBeCloseTo(j === k ? 1 : 0, 12);
          }
        }
      }
      const again = whole.map((_, at) => {
        const [o, i] = [Math.floor(at / shape.in_features), at % shape.in_features];
        return values.reduce((sum, value, k) => sum + value * left[k]![o]! * right[k]![i]!, 0);
      });
      expect(apart(again, whole)).toBeLessThan(1e-13);
    },
  );

  it("of factors with rows in each other's span, of a rank above the sides, and of zeros", () => {
    const factor = randomFactor("m", { in_features: 9, out_features: 4 }, 6, new Random(2));
    factor.A.set(factor.A.subarray(0, 9), 9); // the second row is the first
    const { values } = lowRankSvd(factor);
    const expected = singularValuesOf(product(factor), 9);
    for (const [k, value] of values.entries()) expect(value).toBeCloseTo(expected[k] ?? 0, 8);
    expect(values.filter((value) => value > 1e-10)).toHaveLength(4);
    const zero = lowRankSvd({ ...factor, B: new Float32Array(24) });
    expect(zero.values).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe("a smaller rank", () => {
  const adapter = randomAdapter(linears, 5);

  it.each([1, 2, 4])("of %i is the best there is, and the error is what is missing", (rank) => {
    const { adapter: small, layers, error } = resizeAdapter(adapter, rank);
    expect([small.rank, small.alpha, small.scale]).toEqual([rank, 2 * rank, 2]);
    let [missing, all] = [0, 0];
    for (const [n, factor] of small.factors.entries()) {
      expect([factor.A.length, factor.B.length]).toEqual([rank * factor.in_features, rank * factor.out_features]);
      const [own, whole] = [product(factor), product(adapter.factors[n]!)];
      const values = singularValuesOf(whole, factor.in_features);
      const best = norm(values.slice(rank)) / norm(values);
      expect(apart(own, whole) / best).toBeCloseTo(1, 5);
      expect(layers[n]!.error / best).toBeCloseTo(1, 6);
      missing += norm(own.map((value, i) => value - whole[i]!)) ** 2;
      all += norm(whole) ** 2;
    }
    expect(error).toBeCloseTo(Math.sqrt(missing / all), 6);
    // The control: the first directions as they stand in the file are not the best ones.
    const cut = product({ ...adapter.factors[0]!, ...firstOf(adapter.factors[0]!, rank) });
    expect(apart(cut, product(adapter.factors[0]!))).toBeGreaterThan(1.05 * layers[0]!.error);
  });

  it("counts each layer by its own scale in the error of all", () => {
    const scaled: Adapter = {
      ...adapter,
      factors: adapter.factors.map((f, i) => (i === 0 ? { ...f, scale: 1000 } : f)),
    };
    const { layers, error, adapter: small } = resizeAdapter(scaled, 2);
    expect(error).toBeCloseTo(layers[0]!.error, 4);
    expect(Math.abs(resizeAdapter(adapter, 2).error - error)).toBeGreaterThan(1e-3);
    expect(small.factors.map((factor) => scaleOf(small, factor))).toEqual([1000, 2, 2]);
  });

  it("of an adapter in rank-stabilised scale keeps the scale, in the plain way", () => {
    const stabilised: Adapter = { ...adapter, use_rslora: true, alpha: 2 * Math.sqrt(5) };
    const { adapter: small } = resizeAdapter(stabilised, 3);
    expect([small.scale, small.alpha, small.use_rslora]).toEqual([2, 6, false]);
    expect(resizeAdapter(stabilised, 5).adapter).toEqual(stabilised);
  });

  it("of a product that has no more directions loses nothing, and what is nothing can be learnt again", () => {
    const factor = randomFactor("m", { in_features: 20, out_features: 9 }, 2, new Random(7));
    const wide = resizeAdapter({ ...adapter, rank: 2, factors: [factor] }, 6).adapter;
    const back = resizeAdapter(wide, 3);
    expect(back.error).toBeLessThan(1e-12);
    const [own] = back.adapter.factors;
    expect(apart(product(own!), product(factor))).toBeLessThan(1e-6);
    // The third direction: a row of A that lets gradients through to a B of zeros.
    expect(norm(own!.A.subarray(40))).toBeGreaterThan(0.1);
    expect([0, 1, 2].map((k) => norm(own!.B.filter((_, i) => i % 3 === k)) > 0)).toEqual([true, true, false]);
    const zero = { ...factor, B: new Float32Array(18) };
    const none = resizeAdapter({ ...adapter, rank: 2, factors: [zero] }, 1);
    expect(none.error).toBe(0);
    expect(norm(none.adapter.factors[0]!.A)).toBeGreaterThan(0.1);
  });
});

describe("a larger rank", () => {
  const adapter = randomAdapter(linears, 3);

  it("is exact: old rows as they were, fresh ones of A within 1/√in, zeros in B", () => {
    const { adapter: large, layers, error } = resizeAdapter(adapter, 8, 5);
    expect([error, ...layers.map((layer) => layer.error)]).toEqual([0, 0, 0, 0]);
    expect([large.rank, large.alpha, large.scale]).toEqual([8, 16, 2]);
    for (const [n, factor] of large.factors.entries()) {
      const before = adapter.factors[n]!;
      expect(product(factor)).toEqual(product(before));
      const fresh = factor.A.subarray(before.A.length);
      const bound = 1 / Math.sqrt(factor.in_features);
      expect(fresh.every((value) => value !== 0 && Math.abs(value) <= bound)).toBe(true);
      expect(Math.max(...fresh.map(Math.abs))).toBeGreaterThan(0.8 * bound);
    }
    expect(resizeAdapter(adapter, 8, 5).adapter).toEqual(large);
    expect(resizeAdapter(adapter, 8, 6).adapter).not.toEqual(large);
  });

  it("of the same rank is the same adapter; values that are not finite are refused", () => {
    expect(resizeAdapter(adapter, 3).adapter).toEqual(adapter);
    const broken = {
      ...adapter,
      factors: [{ ...adapter.factors[0]!, B: adapter.factors[0]!.B.map(() => Number.NaN) }],
    };
    expect(() => resizeAdapter(broken, 2)).toThrow("expected a number, got NaN");
  });
});

/** A [rank, in], B [out, rank]: the first directions as they stand. */
function firstOf({ A, B, rank, in_features }: AdapterFactor, kept: number) {
  return { rank: kept, A: A.slice(0, kept * in_features), B: B.filter((_, i) => i % rank < kept) };
}
