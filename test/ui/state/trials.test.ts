/** A sweep and a diagnosis as they come, and what the page makes of them. */
import { describe, expect, it } from "vitest";
import { sweepPlot, sweepSummary } from "../../../src/ui/cards/train/sweep-plot.ts";
import { NO_SWEEP, NO_TRIALS, takeTrial } from "../../../src/ui/state/trials.ts";
import type { SweepEvent, TrialEvent } from "../../../src/worker/protocol.ts";

const gathered = (events: readonly TrialEvent[]) => events.reduce(takeTrial, NO_TRIALS);
const START: SweepEvent = {
  ...{ type: "sweep-start", from: 1e-5, to: 1e-1, updates: 5, startLoss: 3 },
  measured: { examples: 8, tokens: 100 },
};
const point = (update: number, loss: number): SweepEvent => ({
  ...{ type: "sweep-point", update, rate: 10 ** (update - 6), loss, batchLoss: loss, gradNorm: 1 },
});
const end = (rate: number | null, stopped = false): SweepEvent => ({
  ...{ type: "sweep-end", updates: 5, stopped },
  suggestion: {
    ...{ rate, reason: "The loss falls fastest there.", fallsAt: null, steepestAt: null },
    ...{ bestAt: null, bestLoss: null, turned: true, divergedAt: null },
  },
});
const POINTS = [point(1, 3), point(2, 2.9), point(3, 2), point(4, 1.5), point(5, Number.NaN)];

describe("a sweep", () => {
  it("is gathered, and begins anew with the next", () => {
    const sweep = gathered([START, ...POINTS, end(1e-3)]).sweep!;
    expect(sweep.points).toHaveLength(5);
    expect(sweep.end?.suggestion.rate).toBe(1e-3);
    expect(gathered([START, ...POINTS, end(1e-3), START]).sweep).toEqual({ ...NO_SWEEP, start: START });
  });

  it("is a curve over the logarithm of the rate, with what blew up at the upper edge", () => {
    const plot = sweepPlot(gathered([START, ...POINTS, end(1e-3)]).sweep!)!;
    const places = plot.path
      .split(/[ML]/)
      .slice(1)
      .map((pair) => pair.split(" ").map(Number));
    expect(places.map(([x]) => x)).toEqual([0, 75, 150, 225, 300]);
    expect(places[3]![1]).toBe(90);
    expect(places[4]![1]).toBe(0);
    expect([plot.at, plot.low, plot.high]).toEqual([150, "1e-5", "0.1"]);
    expect(sweepPlot(gathered([START, POINTS[0]!]).sweep!)).toBeNull();
    expect(sweepPlot(gathered([START, ...POINTS, end(null)]).sweep!)!.at).toBeNull();
  });

  it("is said in words at every stage", () => {
    const words = (events: readonly TrialEvent[]) => sweepSummary(gathered(events).sweep ?? NO_SWEEP);
    expect(words([])).toContain("before the first update");
    expect(words([START])).toBe("The first update.");
    expect(words([START, POINTS[0]!])).toBe("Rate 1e-5, loss 3.00.");
    expect(words([START, ...POINTS, end(1e-3)])).toBe("The loss falls fastest there.");
    expect(words([START, ...POINTS, end(null, true)])).toBe("Stopped. The loss falls fastest there.");
  });
});

describe("a diagnosis", () => {
  it("shows each phase as it comes, and the outcome at its end", () => {
    const begun: TrialEvent[] = [
      { type: "phase-begin", phase: 1, title: "Baseline" },
      { type: "phase-end", phase: 1, lines: [{ passed: true, text: "fine" }] },
      { type: "phase-begin", phase: 2, title: "A minimal training" },
      { type: "trial-update", update: 3, updates: 10, loss: 2 },
    ];
    expect(gathered(begun).diagnosis).toEqual({
      phases: [
        { phase: 1, title: "Baseline", lines: [{ passed: true, text: "fine" }] },
        { phase: 2, title: "A minimal training", lines: null },
      ],
      update: { update: 3, updates: 10 },
      end: null,
    });
    const diagnosis = { outcome: "healthy", reasons: ["all moved"], advice: "Train." } as const;
    const ended: TrialEvent = { type: "diagnosis", diagnosis, facts: {} as never };
    expect(gathered([...begun, ended]).diagnosis?.end).toEqual(diagnosis);
  });
});
