import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createCurves } from "../../../src/ui/state/curves.ts";
import type { StepEvent } from "../../../src/worker/protocol.ts";

const stepOf = (step: number, loss: number, changes: Partial<StepEvent> = {}): StepEvent => ({
  ...{ type: "step", step, epoch: 0, loss, gradNorm: 1, finite: true, learningRate: 1e-3, tokens: 100 },
  ...{ supervisedTokens: 50, seconds: 0.5, ...changes },
});
const ys = (curves: ReturnType<typeof createCurves>, name: Parameters<typeof curves.points>[0]) => {
  const { x, y, count } = curves.points(name);
  return [...x.subarray(0, count)].map((at, i) => [at, y[i]]);
};

describe("curves", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("keep every number of a run, and grow", () => {
    const curves = createCurves();
    const events = Array.from({ length: 1000 }, (_, i) => stepOf(i + 1, 1 / (i + 1)));
    curves.add(events);
    curves.add([{ type: "validation", step: 1000, loss: 0.5, tokens: 9, best: true }]);
    expect(curves.points("loss").count).toBe(1000);
    expect(ys(curves, "loss")[999]).toEqual([1000, 0.001]);
    expect(ys(curves, "validationLoss")).toEqual([[1000, 0.5]]);
    expect(curves.last("tokensPerSecond")).toBe(200);
    curves.clear();
    expect(curves.last("loss")).toBeNull();
  });

  it("smooth without a lag at the beginning", () => {
    const curves = createCurves();
    curves.add([stepOf(1, 4), stepOf(2, 4), stepOf(3, 1)]);
    const smooth = ys(curves, "smoothedLoss").map(([, y]) => y!);
    expect(smooth[0]).toBeCloseTo(4, 12);
    expect(smooth[1]).toBeCloseTo(4, 12);
    expect(smooth[2]).toBeGreaterThan(1);
    expect(smooth[2]).toBeLessThan(4);
  });

  it("leave out what is not finite, and take back what a resumed run makes again", () => {
    const curves = createCurves();
    curves.add([stepOf(1, 3), stepOf(2, Number.NaN, { finite: false }), stepOf(3, 2), stepOf(4, 9)]);
    expect(ys(curves, "loss")).toEqual([
      [1, 3],
      [3, 2],
      [4, 9],
    ]);
    curves.add([stepOf(3, 1.5)]);
    expect(ys(curves, "loss")).toEqual([
      [1, 3],
      [3, 1.5],
    ]);
  });

  it("tell their listeners at most four times a second, and the last for certain", () => {
    const curves = createCurves();
    const listener = vi.fn();
    const end = curves.subscribe(listener);
    for (let i = 1; i <= 100; i++) {
      curves.add([stepOf(i, 1)]);
      vi.advanceTimersByTime(10);
    }
    expect(listener.mock.calls.length).toBeLessThanOrEqual(5);
    const before = listener.mock.calls.length;
    vi.advanceTimersByTime(1000);
    expect(listener.mock.calls.length).toBeLessThanOrEqual(before + 1);
    end();
    curves.add([stepOf(101, 1)]);
    vi.advanceTimersByTime(1000);
    expect(listener.mock.calls.length).toBeLessThanOrEqual(before + 1);
  });
});
