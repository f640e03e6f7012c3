import { expect, it } from "vitest";
import { pageOf } from "../../../src/ui/kit/pages.ts";

it("cuts a table into pages, and stays inside when rows go away", () => {
  expect(pageOf(120, 50, 0)).toEqual({ index: 0, count: 3, from: 0, to: 50 });
  expect(pageOf(120, 50, 2)).toEqual({ index: 2, count: 3, from: 100, to: 120 });
  expect(pageOf(60, 50, 2)).toEqual({ index: 1, count: 2, from: 50, to: 60 });
  expect(pageOf(0, 50, 0)).toEqual({ index: 0, count: 1, from: 0, to: 0 });
  expect(pageOf(10, 50, -1).index).toBe(0);
});
