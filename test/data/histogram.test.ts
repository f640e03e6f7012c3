import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lengthHistogram } from "../../src/data/histogram.ts";

describe("lengthHistogram", () => {
  it("has bins of one nice width, side by side", () => {
    expect(lengthHistogram([1, 7, 10, 11, 95], { bins: 10 })).toEqual([
      { from: 1, to: 10, count: 3 },
      { from: 11, to: 20, count: 1 },
      ...[21, 31, 41, 51, 61, 71, 81].map((from) => ({ from, to: from + 9, count: 0 })),
      { from: 91, to: 100, count: 1 },
    ]);
  });

  it("ends at the limit and counts what is over it", () => {
    const bins = lengthHistogram([100, 512, 513, 9000], { limit: 512, bins: 12 });
    expect(bins.slice(-2)).toEqual([
      { from: 501, to: 512, count: 1 },
      { from: 513, to: null, count: 2 },
    ]);
    expect(lengthHistogram([3], { limit: 512 }).at(-1)).toEqual({ from: 513, to: null, count: 0 });
  });

  it("is empty without lengths, and takes typed arrays", () => {
    expect(lengthHistogram([])).toEqual([]);
    expect(lengthHistogram([], { limit: 8 })).toEqual([{ from: 9, to: null, count: 0 }]);
    expect(lengthHistogram(Uint32Array.of(2, 2))).toEqual(lengthHistogram([2, 2]));
    expect(lengthHistogram([0])).toEqual([]);
  });

  it("counts every length once, in its bin, for any lengths", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100_000 })),
        fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined }),
        fc.integer({ min: 1, max: 40 }),
        (lengths, limit, most) => {
          const bins = lengthHistogram(lengths, limit === undefined ? { bins: most } : { limit, bins: most });
          for (const { from, to, count } of bins) {
            expect(count).toBe(lengths.filter((length) => length >= from && length <= (to ?? Infinity)).length);
          }
          expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(lengths.length);
          expect(bins.length).toBeLessThanOrEqual(most + 1);
        },
      ),
    );
  });
});
