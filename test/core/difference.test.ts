import { expect, it } from "vitest";
import { relativeDifference } from "../../src/core/difference.ts";

const f32 = (...values: number[]) => Float32Array.from(values);

it("the relative difference is that of norms, 0 for equals, and infinite where nothing is proved", () => {
  expect(relativeDifference(f32(3, 4), f32(3, 4))).toBe(0);
  expect(relativeDifference(f32(3, 5), f32(3, 4))).toBeCloseTo(0.2, 12);
  for (const [a, b] of [
    [f32(1, Number.NaN), f32(1, 1)],
    [f32(1, Number.POSITIVE_INFINITY), f32(1, 1)],
    [f32(1, 0), f32(0, 0)],
    [f32(0, 0), f32(0, 0)], // a GPU that computes nothing
  ] as const) {
    expect(relativeDifference(a, b)).toBe(Number.POSITIVE_INFINITY);
  }
});
