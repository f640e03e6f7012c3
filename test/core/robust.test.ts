/** Statistics that a few wild values cannot move, on values worked out by hand. */
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { largest, lnChoose, median, quantile, riseStatistic, robustDeviation } from "../../src/core/robust.ts";

describe("median and quantile", () => {
  it("sort by number, lie between the middle two of an even count, and leave their input alone", () => {
    const values = [10, 9, 100, 1];
    expect(median(values)).toBe(9.5);
    expect(median([3, 1, 2])).toBe(2);
    expect(quantile([0, 10, 20, 30, 40], 0.25)).toBe(10);
    expect(quantile([0, 10], 0.3)).toBeCloseTo(3, 12);
    expect([quantile([5, 7], 0), quantile([5, 7], 1)]).toEqual([5, 7]);
    expect(values).toEqual([10, 9, 100, 1]);
  });

  it("of nothing is no number", () => {
    expect(median([])).toBeNaN();
  });
});

it("the largest by rank, and less than anything where there are fewer", () => {
  expect([1, 2, 4].map((rank) => largest([4, 10, 9], rank))).toEqual([10, 9, Number.NEGATIVE_INFINITY]);
});

it("the deviation of normal values is theirs, and no wild value moves it far", () => {
  const random = new Random(1);
  const values = Array.from({ length: 4001 }, () => 5 + 2 * random.normal());
  expect(robustDeviation(values)).toBeCloseTo(2, 1);
  expect(robustDeviation([...values, 1e9, -1e9])).toBeCloseTo(2, 1);
  expect(robustDeviation([3, 3, 3])).toBe(0);
});

it("the ways to choose", () => {
  expect(Math.exp(lnChoose(10, 3))).toBeCloseTo(120, 9);
  expect(lnChoose(7, 0)).toBe(0);
});

it("a rise counts by order alone", () => {
  // Ten pairs, all ascending; their number scatters by √(5 · 4 · 15 / 18).
  expect(riseStatistic([1, 2, 3, 4, 1000])).toBeCloseTo(10 / Math.sqrt(300 / 18), 12);
  expect(riseStatistic([5, 4, 3, 2, 1])).toBeLessThan(-2);
  expect(riseStatistic([2, 2, 2])).toBe(0);
  expect(riseStatistic([1])).toBe(0);
});
