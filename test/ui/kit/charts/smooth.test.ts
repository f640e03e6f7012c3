import { expect, it } from "vitest";
import { createEma, ema } from "../../../../src/ui/kit/charts/smooth.ts";

/** The weighted mean written out: Σ wⁱ y₍ₜ₋ᵢ₎ / Σ wⁱ. */
function written(values: readonly number[], weight: number): number[] {
  return values.map((_, t) => {
    let sum = 0;
    let weights = 0;
    for (let i = 0; i <= t; i++) {
      sum += weight ** i * values[t - i]!;
      weights += weight ** i;
    }
    return sum / weights;
  });
}

it.each([0, 0.5, 0.9, 0.99])("is the mean with weights falling by %s", (weight) => {
  const values = [2.3, 2.1, 2.6, 1.9, 1.7, 1.8];
  const smooth = values.map(createEma(weight));
  for (const [i, value] of written(values, weight).entries()) expect(smooth[i]).toBeCloseTo(value, 12);
});

it("begins at the first value: without the correction it would begin near zero", () => {
  expect(createEma(0.99)(2.3)).toBeCloseTo(2.3, 12);
  expect(0.01 * 2.3).toBeLessThan(0.1);
});

it("passes a gap on and goes on as if it had not been", () => {
  const next = createEma(0.5);
  const smooth = [2, Number.NaN, 4].map(next);
  expect(smooth[1]).toBeNaN();
  expect(smooth[2]).toBeCloseTo(written([2, 4], 0.5)[1]!, 12);
});

it("smooths only what is filled, and leaves the raw curve alone", () => {
  const y = new Float64Array([1, 3, 99]);
  const smooth = ema({ x: new Float64Array([1, 2, 3]), y, count: 2 }, 0.5);
  expect([...smooth.y]).toHaveLength(2);
  expect(smooth.y[1]).toBeCloseTo((3 + 0.5) / 1.5, 12);
  expect([...y]).toEqual([1, 3, 99]);
});
