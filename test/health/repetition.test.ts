/** The measures of repetition against counting by hand and by the plainest way. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { distinctShare, longestLoop, longestRun, mostFrequent, repeatedShare } from "../../src/health/repetition.ts";

const letters = (text: string) => [...text];
const anyItems = fc.array(fc.nat(3), { maxLength: 40 });

it("finds the longest run", () => {
  expect(longestRun(letters("abbbacc"))).toEqual({ period: 1, covered: 3, end: 4 });
  expect(longestRun(letters("abc")).covered).toBe(0);
  expect(longestRun([]).covered).toBe(0);
  fc.assert(
    fc.property(anyItems, (items) => {
      const runs = items.join("").match(/(.)\1+/g) ?? [];
      expect(longestRun(items).covered).toBe(Math.max(0, ...runs.map((run) => run.length)));
    }),
  );
});

it("finds the longest loop, and the one that lasts until the end", () => {
  const limits = { least: 2, most: 5, turns: 3 };
  expect(longestLoop(letters("xyabcabcabcabz"), limits)).toEqual({
    longest: { period: 3, covered: 11, end: 13 },
    last: { period: 2, covered: 0, end: 0 },
  });
  expect(longestLoop(letters("ababababxcdcdcd"), limits)).toEqual({
    longest: { period: 2, covered: 8, end: 8 },
    last: { period: 2, covered: 6, end: 15 },
  });
  // Two turns are none.
  expect(longestLoop(letters("abcdabcd"), limits).longest.covered).toBe(0);
  fc.assert(
    fc.property(anyItems, (items) => {
      const { longest, last } = longestLoop(items, limits);
      for (const { period, covered, end } of [longest, last]) {
        const stretch = items.slice(end - covered, end);
        expect(stretch.slice(period)).toEqual(stretch.slice(0, Math.max(0, covered - period)));
        expect(covered === 0 || covered >= 3 * period).toBe(true);
      }
      expect(last.covered).toBeLessThanOrEqual(longest.covered);
    }),
  );
});

it("counts what occurred before, and what most often", () => {
  expect(repeatedShare(letters("abcdabcdabcd"), 4)).toBeCloseTo(5 / 9);
  expect(repeatedShare(letters("abc"), 4)).toBe(0);
  expect(mostFrequent(letters("abcbd"))).toEqual({ item: "b", count: 2 });
  expect(mostFrequent([])).toEqual({ item: undefined, count: 0 });
});

it("takes distinct n-grams as the mean over windows", () => {
  expect(distinctShare(letters("aab"), 1, 48)).toBeCloseTo(2 / 3);
  // aab, aba, baa, aaa: 2, 2, 2 and 1 of 3.
  expect(distinctShare(letters("aabaaa"), 1, 3)).toBeCloseTo(7 / 12);
  expect(distinctShare([], 1, 48)).toBe(1);
  fc.assert(
    fc.property(anyItems, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 3, max: 9 }), (items, n, window) => {
      const grams = items.slice(n - 1).map((_, i) => items.slice(i, i + n).join(" "));
      const width = Math.min(window - n + 1, grams.length);
      const shares = grams.slice(width - 1).map((_, i) => new Set(grams.slice(i, i + width)).size / width);
      const mean = grams.length === 0 ? 1 : shares.reduce((a, b) => a + b, 0) / shares.length;
      expect(distinctShare(items, n, window)).toBeCloseTo(mean);
    }),
  );
});

it("tells the same sequence by any names", () => {
  fc.assert(
    fc.property(anyItems, (items) => {
      const others = items.map((item) => `${item}, ${item}`);
      expect(repeatedShare(others, 4)).toBe(repeatedShare(items, 4));
      expect(longestRun(others)).toEqual(longestRun(items));
    }),
  );
});
