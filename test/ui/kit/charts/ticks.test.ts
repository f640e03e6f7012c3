import { expect, it } from "vitest";
import { logTicks } from "../../../../src/ui/kit/charts/ticks.ts";

it("has about four to eight log ticks, whatever the range", () => {
  expect(logTicks(1, 10)).toEqual([1, 2, 5, 10]);
  expect(logTicks(1.2, 2.4)).toEqual([1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.4]);
  expect(logTicks(1e-6, 1)).toEqual([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1]);
  for (const [low, high] of [
    [0.003, 700],
    [1.31, 1.33],
    [1e-9, 1e9],
  ] as const) {
    const ticks = logTicks(low, high);
    expect(ticks.length).toBeGreaterThan(1);
    expect(ticks.length).toBeLessThan(12);
    expect(ticks.every((tick) => tick >= low && tick <= high)).toBe(true);
  }
});
