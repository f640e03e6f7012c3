/** Known matrices: what their singular values and effective rank must be, through the factors alone. */
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { transpose } from "../../src/lora/adapter.ts";
import { effectiveRank, gramOfColumns, singularValues } from "../../src/lora/singular-values.ts";

interface Factors {
  /** [rank, inputs] */
  readonly A: Float32Array;
  /** [outputs, rank] */
  readonly B: Float32Array;
  readonly rank: number;
}

function valuesOf({ A, B, rank }: Factors): number[] {
  return singularValues(gramOfColumns(transpose(A, rank, A.length / rank), rank), gramOfColumns(B, rank), rank);
}

/** B [outputs, rank] with the unit vectors scaled by `sizes` as columns; A [rank, inputs] with unit vectors as rows. */
function diagonal(sizes: readonly number[], inputs: number, outputs: number): Factors {
  const rank = sizes.length;
  const A = new Float32Array(rank * inputs);
  const B = new Float32Array(outputs * rank);
  for (const [k, size] of sizes.entries()) {
    A[k * inputs + ((k + 1) % inputs)] = 1;
    B[k * rank + k] = size;
  }
  return { A, B, rank };
}

const random = new Random(3);
const normal = (count: number) => Float32Array.from({ length: count }, () => random.normal());

/** Largest singular value of B·A by power iteration on vectors, in float64: another way to the same number. */
function powerIteration({ A, B, rank }: Factors): number {
  const [inputs, outputs] = [A.length / rank, B.length / rank];
  const times = (M: Float32Array, rows: number, columns: number, x: number[]) =>
    Array.from({ length: rows }, (_, i) => x.reduce((sum, value, j) => sum + M[i * columns + j]! * value, 0));
  const turned = { A: transpose(A, rank, inputs), B: transpose(B, outputs, rank) };
  let x = Array.from({ length: inputs }, () => random.normal());
  let size = 0;
  for (let i = 0; i < 500; i++) {
    const y = times(B, outputs, rank, times(A, rank, inputs, x));
    const back = times(turned.A, inputs, rank, times(turned.B, rank, outputs, y));
    size = Math.sqrt(Math.hypot(...back));
    x = back.map((value) => value / size ** 2);
  }
  return size;
}

describe("singular values of B·A", () => {
  it("of scaled unit vectors are the scales, in order", () => {
    const got = valuesOf(diagonal([2, 7, 0.5, 3], 9, 6));
    for (const [i, value] of [7, 3, 2, 0.5].entries()) expect(got[i]).toBeCloseTo(value, 12);
    expect(got).toHaveLength(4);
  });

  it("of random factors: their squares sum to ‖B·A‖², the largest is what power iteration finds", () => {
    for (const [inputs, outputs, rank] of [
      [12, 7, 3],
      [5, 40, 4],
      [33, 33, 1],
      [3, 8, 6], // more vectors than there are dimensions: three of the values are zero
    ] as const) {
      const factors = { A: normal(rank * inputs), B: normal(outputs * rank), rank };
      const got = valuesOf(factors);
      let squares = 0;
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < inputs; i++) {
          let sum = 0;
          for (let k = 0; k < rank; k++) sum += factors.B[o * rank + k]! * factors.A[k * inputs + i]!;
          squares += sum * sum;
        }
      }
      expect(got.reduce((sum, value) => sum + value * value, 0) / squares).toBeCloseTo(1, 9);
      expect(got[0]! / powerIteration(factors)).toBeCloseTo(1, 9);
      expect(got).toHaveLength(rank);
      expect(got.filter((value) => value > 0)).toHaveLength(Math.min(rank, inputs, outputs));
    }
  });

  it("one direction used by every rank, however unlike the factors' sizes, is one value", () => {
    const [a, b] = [normal(20), normal(15)];
    const sizes = [1, 1e-6, 300, 0.01];
    const A = Float32Array.from({ length: 80 }, (_, at) => a[at % 20]! / sizes[Math.floor(at / 20)]!);
    const B = Float32Array.from({ length: 60 }, (_, at) => b[at >> 2]! * sizes[at & 3]!);
    const [first, ...rest] = valuesOf({ A, B, rank: 4 });
    expect(first! / (4 * Math.hypot(...a) * Math.hypot(...b))).toBeCloseTo(1, 6);
    expect(Math.max(...rest) / first!).toBeLessThan(1e-6);
  });

  it("a small column of B beside a large row of A counts by their product", () => {
    const factors = diagonal([1, 1e-9], 6, 6);
    factors.A.set(
      factors.A.subarray(6).map((value) => 1e9 * value),
      6,
    );
    for (const value of valuesOf(factors)) expect(value).toBeCloseTo(1, 6);
  });

  it("zero factors have none", () => {
    expect(valuesOf({ A: new Float32Array(12), B: normal(8), rank: 2 })).toEqual([0, 0]);
    expect(valuesOf({ A: normal(12), B: new Float32Array(8), rank: 2 })).toEqual([0, 0]);
  });
});

describe("effective rank", () => {
  it("k equal values give k, one gives 1, none 0", () => {
    expect(effectiveRank([3, 3, 3, 3])).toBeCloseTo(4, 12);
    expect(effectiveRank([0.2, 0.2, 0, 0])).toBeCloseTo(2, 12);
    expect(effectiveRank([5, 0, 0])).toBe(1);
    expect(effectiveRank([0, 0])).toBe(0);
  });

  it("of two unequal values is between, by the formula", () => {
    const entropy = -(0.9 * Math.log(0.9) + 0.1 * Math.log(0.1));
    expect(effectiveRank([9, 1])).toBeCloseTo(Math.exp(entropy), 12);
    expect(effectiveRank([9, 1])).toBeLessThan(effectiveRank([9, 8]));
  });

  it("of a rank-1 product at rank 4 is 1, of an orthogonal one with equal values 4", () => {
    const [a, b] = [normal(20), normal(15)];
    const A = Float32Array.from({ length: 80 }, (_, at) => a[at % 20]!);
    const B = Float32Array.from({ length: 60 }, (_, at) => b[at >> 2]!);
    expect(effectiveRank(valuesOf({ A, B, rank: 4 }))).toBeCloseTo(1, 6);
    expect(effectiveRank(valuesOf(diagonal([2, 2, 2, 2], 9, 9)))).toBeCloseTo(4, 9);
  });
});
