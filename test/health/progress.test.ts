/** Advice on runs that go on, each beside the same run without its reason. */
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { adviseOn, type StepPoint, shouldStopEarly, type ValidationPoint } from "../../src/health/progress.ts";

/** Updates from 1 with a little noise; `rate` as a share of the peak. */
function run(
  count: number,
  loss: (i: number) => number,
  rate: (i: number) => number = () => 1,
  scatter = 0.03,
): StepPoint[] {
  const random = new Random(7);
  return Array.from({ length: count }, (_, i) => ({
    step: i + 1,
    loss: loss(i) * Math.exp(scatter * random.normal()),
    learningRate: 2e-4 * rate(i),
  }));
}
const validated = (losses: readonly number[], every = 16): ValidationPoint[] =>
  losses.map((loss, i) => ({ step: i * every, loss }));
const none = new Set<never>();
const level = () => 1.2;
const falling = (i: number) => 0.3 + 2 * Math.exp(-i / 60);

describe("plateau", () => {
  it("is a loss that stays level at a high rate", () => {
    const advice = adviseOn(run(64, level), [], none);
    expect(advice).toMatchObject({ kind: "plateau", level: "note" });
    expect(advice!.text).toMatch(
      /^the loss has been level at 1\.\d\d since update 17, with the rate still at 100 % of its peak$/,
    );
  });

  it.each<[string, StepPoint[]]>([
    ["it falls", run(64, falling)],
    ["it rises", run(64, (i) => 1 + i / 100)],
    ["there are few updates", run(47, level)],
    ["the rate is small", run(64, level, (i) => (i < 20 ? 1 : 0.2))],
    ["the rate has only begun to rise", run(64, level, (i) => i / 64)],
    ["everything is learned", run(64, () => 0.05)],
    ["scatter hides what it does", run(64, level, () => 1, 0.4)],
    ["it was not finite", run(64, (i) => (i > 30 ? Number.NaN : 1.2))],
  ])("is none where %s", (_, steps) => {
    expect(adviseOn(steps, [], none)).toBeNull();
  });

  it("is told once", () => {
    expect(adviseOn(run(80, level), [], new Set(["plateau"] as const))).toBeNull();
  });
});

describe("overfitting", () => {
  const steps = run(96, falling);

  it("is a validation loss that rises while the training loss falls", () => {
    const advice = adviseOn(steps, validated([2, 1.4, 1.2, 1.3, 1.35, 1.4, 1.5]), none);
    expect(advice).toMatchObject({ kind: "overfitting", level: "warn" });
    expect(advice!.text).toContain("the validation loss is at 1.50, up from 1.20 after update 32");
  });

  it("counts from the base, where nothing was ever better", () => {
    const advice = adviseOn(steps, validated([1, 1.1, 1.2]), none);
    expect(advice!.text).toContain("up from 1.00 after update 0");
  });

  it.each<[string, StepPoint[], number[]]>([
    ["it falls on", steps, [2, 1.4, 1.2, 1.1, 1.05, 1.04, 1.03]],
    ["only the newest measurement is up", steps, [2, 1.4, 1.2, 1.1, 1.05, 1.04, 1.2]],
    ["it is back", steps, [2, 1.4, 1.2, 1.3, 1.3, 1.21, 1.21]],
    ["it is up by a hair", steps, [2, 1.4, 1.2, 1.21, 1.21, 1.22, 1.22]],
    ["the training loss rises too", run(96, (i) => 1 + i / 100), [2, 1.4, 1.2, 1.3, 1.35, 1.4, 1.5]],
    ["there are two measurements", steps, [1, 1.5]],
    ["there is none", steps, []],
  ])("is none where %s", (_, updates, losses) => {
    expect(adviseOn(updates, validated(losses), none)).toBeNull();
  });

  it("is told once", () => {
    const losses = validated([2, 1.4, 1.2, 1.3, 1.35, 1.4, 1.5]);
    expect(adviseOn(steps, losses, new Set(["overfitting"] as const))).toBeNull();
  });
});

describe("early stopping", () => {
  it.each<[string, number[], number, boolean]>([
    ["still getting better", [2, 1.5, 1.2, 1.1], 2, false],
    ["one without progress", [2, 1.5, 1.2, 1.3], 2, false],
    ["two without progress", [2, 1.5, 1.2, 1.3, 1.25], 2, true],
    ["the same again is no progress", [2, 1.2, 1.2, 1.2], 2, true],
    ["a new lowest starts anew", [2, 1.2, 1.3, 1.1, 1.2], 2, false],
    ["never better than the base", [1, 1.1, 1.2], 2, true],
    ["not finite is never the lowest", [2, Number.NaN, Number.NaN], 2, true],
    ["nothing but what is not finite", [Number.NaN, Number.NaN], 2, true],
    ["nothing measured", [], 1, false],
    ["no patience asked for", [1, 2, 3, 4, 5], 0, false],
  ])("%s", (_, losses, patience, stop) => {
    expect(shouldStopEarly(validated(losses), patience)).toBe(stop);
  });
});
