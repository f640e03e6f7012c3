import { expect, it } from "vitest";
import { stack } from "../../../src/ui/kit/stacked.ts";

it("fills the bar to the limit when the parts fit", () => {
  const { total, spans, limitAt, over } = stack([1, 2], 4);
  expect(spans).toEqual([
    { start: 0, width: 25 },
    { start: 25, width: 50 },
  ]);
  expect([total, limitAt, over]).toEqual([3, 100, 0]);
});

it("moves the limit inward when they do not", () => {
  const { spans, limitAt, over } = stack([3, 5], 4);
  expect(spans[1]).toEqual({ start: 37.5, width: 62.5 });
  expect([limitAt, over]).toEqual([50, 4]);
});

it("leaves no part too narrow to be seen, and nothing for an empty one", () => {
  const { spans, total } = stack([1, 0, 2], 1000, 2);
  expect(spans).toEqual([
    { start: 0, width: 2 },
    { start: 2, width: 0 },
    { start: 2, width: 2 },
  ]);
  expect(total).toBe(3);
  // Negative control: without a least width they are as narrow as they are.
  expect(stack([1, 0, 2], 1000).spans[0]).toEqual({ start: 0, width: 0.1 });
  // A full bar stays a full bar.
  expect(stack([1, 999], 1000, 2).spans).toEqual([
    { start: 0, width: 2 },
    { start: 2, width: 98 },
  ]);
});

it("has an answer for nothing", () => {
  expect(stack([], 0)).toEqual({ total: 0, spans: [], limitAt: 0, over: 0 });
});
