import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createRedraw } from "../../../../src/ui/kit/charts/redraw.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => setTimeout(draw, 16));
  vi.stubGlobal("cancelAnimationFrame", (frame: ReturnType<typeof setTimeout>) => clearTimeout(frame));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("draws a thousand changes in ten seconds at most four times a second, the last one too", () => {
  let changes = 0;
  const drawn: number[] = [];
  const redraw = createRedraw(() => drawn.push(changes));
  for (; changes < 1000; changes++) {
    redraw.ask();
    vi.advanceTimersByTime(10);
  }
  vi.advanceTimersByTime(1000);
  expect(drawn.length).toBeGreaterThan(30);
  expect(drawn.length).toBeLessThanOrEqual(41);
  expect(drawn.at(-1)).toBe(1000);
  expect(drawn[0]).toBeLessThan(5);
});

it("draws nothing unasked, and nothing once stopped", () => {
  let drawn = 0;
  const redraw = createRedraw(() => drawn++);
  vi.advanceTimersByTime(1000);
  redraw.ask();
  vi.advanceTimersByTime(1);
  redraw.stop();
  vi.advanceTimersByTime(1000);
  expect(drawn).toBe(0);
});
