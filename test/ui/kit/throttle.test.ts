import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createThrottle } from "../../../src/ui/kit/throttle.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("lets the first through at once, then only the newest of each period", () => {
  const said: number[] = [];
  const throttle = createThrottle<number>(5000, (value) => said.push(value), Date.now);
  throttle.push(1);
  expect(said).toEqual([1]);
  for (let i = 2; i <= 60; i++) {
    vi.advanceTimersByTime(100);
    throttle.push(i);
  }
  expect(said).toEqual([1, 50]);
  vi.advanceTimersByTime(5000);
  expect(said).toEqual([1, 50, 60]);
});

it("forgets what waits when stopped", () => {
  const said: string[] = [];
  const throttle = createThrottle<string>(1000, (value) => said.push(value), Date.now);
  throttle.push("a");
  throttle.push("b");
  throttle.stop();
  vi.advanceTimersByTime(5000);
  expect(said).toEqual(["a"]);
});
