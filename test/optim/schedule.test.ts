import { describe, expect, it } from "vitest";
import { LR_SCHEDULES, learningRate } from "../../src/optim/schedule.ts";

// transformers 5.18: get_cosine_schedule_with_warmup(5, 20) at a peak of 1e-3.
const COSINE = [
  0.0, 0.0002, 0.0004, 0.0006, 0.0008, 0.001, 0.0009890738003669028, 0.0009567727288213005, 0.0009045084971874737,
  0.0008345653031794292, 0.00075, 0.0006545084971874737, 0.0005522642316338268, 0.00044773576836617336,
  0.00034549150281252633, 0.0002500000000000001, 0.00016543469682057105, 9.549150281252633e-5, 4.322727117869951e-5,
  1.0926199633097156e-5,
];
// transformers 5.18 at a peak of 2e-4, by hand: linear (3, 10), then constant (4).
const LINEAR = [
  0.0, 6.666666666666667e-5, 0.00013333333333333334, 0.0002, 0.00017142857142857143, 0.00014285714285714287,
  0.00011428571428571428, 8.571428571428571e-5, 5.714285714285714e-5, 2.857142857142857e-5, 0.0, 0.0,
];
const CONSTANT = [
  0.0, 5e-5, 0.0001, 0.00015000000000000001, 0.0002, 0.0002, 0.0002, 0.0002, 0.0002, 0.0002, 0.0002, 0.0002,
];

function rates(
  schedule: (typeof LR_SCHEDULES)[number],
  warmup: number,
  totalSteps: number,
  peak: number,
  count: number,
) {
  const options = { schedule, warmup, totalSteps, learningRate: peak };
  return Array.from({ length: count }, (_, step) => learningRate(step, options));
}

function worstRelativeError(got: readonly number[], expected: readonly number[]): number {
  expect(got.length).toBe(expected.length);
  return Math.max(...got.map((rate, i) => (rate === expected[i] ? 0 : Math.abs(rate / expected[i]! - 1))));
}

describe("learningRate equals transformers", () => {
  it("cosine", () => {
    expect(worstRelativeError(rates("cosine", 5, 20, 1e-3, 20), COSINE)).toBeLessThan(1e-15);
  });

  it("linear", () => {
    expect(worstRelativeError(rates("linear", 3, 10, 2e-4, 12), LINEAR)).toBeLessThan(1e-15);
  });

  it("constant", () => {
    expect(worstRelativeError(rates("constant", 4, 10, 2e-4, 12), CONSTANT)).toBeLessThan(1e-15);
  });

  it("and the comparison would notice a warm-up off by one", () => {
    expect(worstRelativeError(rates("cosine", 4, 20, 1e-3, 20), COSINE)).toBeGreaterThan(0.1);
    expect(worstRelativeError(rates("linear", 5, 20, 1e-3, 20), COSINE)).toBeGreaterThan(0.1);
  });
});

describe("the edges of a run", () => {
  it("starts at the peak without warm-up", () => {
    for (const schedule of LR_SCHEDULES) expect(rates(schedule, 0, 10, 1e-4, 1)).toEqual([1e-4]);
  });

  it("never leaves [0, peak], whatever the counts, and stays at 0 past the end", () => {
    for (const schedule of LR_SCHEDULES)
      for (const [warmup, total] of [
        [0, 1],
        [1, 1],
        [7, 3],
        [5, 5],
        [2, 9],
      ] as const) {
        const all = rates(schedule, warmup, total, 0.5, 40);
        expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...all)).toBeLessThanOrEqual(0.5);
        if (schedule !== "constant") expect(all.slice(Math.max(warmup, total) + 1)).toSatisfy(allZero);
      }
  });
});

const allZero = (values: readonly number[]) => values.every((value) => value === 0);
