import fc from "fast-check";
import { expect, it } from "vitest";
import { histogram } from "../../../../src/ui/kit/charts/histogram.ts";

it("counts every value once, in ranges of a round width", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 40 }),
      (values, bins) => {
        const bars = histogram(values, bins);
        expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
        expect(bars.length).toBeLessThanOrEqual(bins + 1);
        for (const { from, to, count } of bars) {
          expect(values.filter((value) => value >= from && value < to)).toHaveLength(count);
          expect(String((to - from) / 10 ** Math.floor(Math.log10(to - from)))).toMatch(/^[125]$/);
        }
      },
    ),
  );
});

it("has no bars for no values, and one for one", () => {
  expect(histogram([], 10)).toEqual([]);
  expect(histogram([7], 10)).toEqual([{ from: 7, to: 8, count: 1 }]);
});
