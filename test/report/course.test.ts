import { describe, expect, it } from "vitest";
import { lossSpan, smoothed, sortSteps } from "../../src/report/course.ts";
import type { HealthEvent } from "../../src/train/events.ts";
import { createEma } from "../../src/ui/kit/charts/smooth.ts";
import { stepsOf } from "./support.ts";

const rollback = (step: number, toStep: number): HealthEvent => ({
  ...({ type: "health", step, kind: "spike", level: "bad", text: "" } as const),
  rollback: { toStep, rateFactor: 0.5, skippedUpdate: step },
});
const numbers = (steps: readonly { readonly step: number }[]) => steps.map(({ step }) => step);

describe("the updates that count", () => {
  it("are all of them without a rollback", () => {
    const steps = stepsOf(1, 5);
    const skip: HealthEvent = { type: "health", step: 3, kind: "skipped", level: "warn", text: "" };
    expect(sortSteps(steps, [skip])).toEqual({ kept: steps, undone: [] });
  });

  it("leave out what rollbacks took back, the last of them with nothing after it", () => {
    const { kept, undone } = sortSteps(stepsOf(1, 12), [rollback(6, 3), rollback(12, 9)]);
    expect(numbers(kept)).toEqual([1, 2, 3, 7, 8, 9]);
    expect(undone.map(numbers)).toEqual([
      [4, 5, 6],
      [10, 11, 12],
    ]);
  });

  it("leave out everything after a rollback to the beginning", () => {
    expect(sortSteps(stepsOf(1, 4), [rollback(4, 0)]).kept).toEqual([]);
  });

  it("leave out what a resumed run did again", () => {
    const { kept, undone } = sortSteps([...stepsOf(1, 6), ...stepsOf(4, 8)], []);
    expect(numbers(kept)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(kept[3]).toEqual(stepsOf(4, 8)[0]);
    expect(undone.map(numbers)).toEqual([[4, 5, 6]]);
  });
});

describe("the loss", () => {
  it("is smoothed as on the page", () => {
    const losses = stepsOf(1, 50).map(({ loss }) => loss);
    expect(smoothed(losses)).toEqual(losses.map(createEma(0.6)));
    expect(smoothed([1, Number.NaN, 3])[1]).toBeNaN();
    expect(smoothed([1, Number.NaN, 3])[2]).toBeCloseTo(smoothed([1, 3])[1]!, 12);
  });

  it("goes from the first finite to the smoothed last", () => {
    const [first, ...rest] = stepsOf(1, 10, () => 2);
    const lost = { ...first!, loss: Number.NaN, finite: false };
    expect(lossSpan([lost, ...rest])?.from).toBe(rest[0]!.loss);
    expect(lossSpan([lost])).toBeNull();
    expect(lossSpan([])).toBeNull();
  });
});
