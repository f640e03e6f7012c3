import { expect, it } from "vitest";
import { levelsOf } from "../../../../src/ui/kit/charts/levels.ts";

it("spreads levels from the least to the greatest, and knows constant and empty pictures", () => {
  const levels = levelsOf([1, null, 3, Number.NaN]);
  expect([1, 2, 3, 9].map((value) => levels?.level(value))).toEqual([0, 50, 100, 100]);
  expect(levelsOf([5, 5])?.level(5)).toBe(50);
  expect(levelsOf([null])).toBeNull();
  expect(levelsOf([0, 0.01, 1], true)?.level(0.1)).toBeCloseTo(50, 10);
});
