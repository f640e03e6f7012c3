import { expect, it } from "vitest";
import { align, toCsv, valueAt } from "../../../../src/ui/kit/charts/align.ts";

const points = (x: readonly number[], y: readonly number[], count = x.length) => ({
  x: Float64Array.from(x),
  y: Float64Array.from(y),
  count,
});
const loss = points([1, 2, 3, 4], [2.3, 2.1, Number.NaN, 1.9]);
const validation = points([2, 4, 6, 0], [2.2, 2, 1.8, 0], 3);

it("merges curves of different steps; a value that is no number is a gap, a missing one is not", () => {
  expect(align([loss, validation])).toEqual({
    x: [1, 2, 3, 4, 6],
    ys: [
      [2.3, 2.1, null, 1.9, undefined],
      [undefined, 2.2, undefined, 2, 1.8],
    ],
  });
});

it("leaves out of a log axis what has no logarithm", () => {
  const zero = points([1, 2], [0, 1]);
  expect(align([zero], true).ys).toEqual([[null, 1]]);
  expect(align([zero]).ys).toEqual([[0, 1]]);
});

it("takes the last value of a step that occurs twice, as after a resumed run", () => {
  expect(align([points([1, 2, 2, 3], [5, 6, 7, 8])])).toEqual({ x: [1, 2, 3], ys: [[5, 7, 8]] });
});

it("ends even with steps that are no numbers", () => {
  expect(align([points([1, Number.NaN], [5, 6])]).x).toEqual([1]);
  expect(align([])).toEqual({ x: [], ys: [] });
});

it("reads a curve between its points from the last one", () => {
  const [, sparse = []] = align([loss, validation]).ys;
  expect([0, 1, 2, 4, 9].map((index) => valueAt(sparse, index))).toEqual([undefined, 2.2, 2.2, 1.8, 1.8]);
});

it("writes CSV with empty cells, and quotes names that need it", () => {
  expect(toCsv(["step", "loss, raw", "validation"], align([loss, validation]))).toBe(
    'step,"loss, raw",validation\n1,2.3,\n2,2.1,2.2\n3,,\n4,1.9,2\n6,,1.8\n',
  );
});
