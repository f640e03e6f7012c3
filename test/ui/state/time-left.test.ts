import { describe, expect, it } from "vitest";
import { createTimeLeft } from "../../../src/ui/state/time-left.ts";

const steps = (from: number, seconds: readonly number[]) =>
  seconds.map((value, i) => ({ step: from + i, seconds: value }));

describe("time left", () => {
  it("is not said before some updates agree", () => {
    const left = createTimeLeft();
    left.add(steps(1, [9, 1, 1, 1]), 100);
    expect(left.seconds()).toBeNull();
    left.add(steps(5, [1, 1]), 100);
    // The first update, which compiles, does not count.
    expect(left.seconds()).toBeCloseTo(94);
  });

  it("is not said while the speed changes, and again when it is steady", () => {
    const left = createTimeLeft();
    left.add(steps(1, Array(12).fill(1)), 100);
    expect(left.seconds()).toBeCloseTo(88);
    left.add(steps(13, Array(8).fill(4)), 100);
    expect(left.seconds()).toBeNull();
    left.add(steps(21, Array(20).fill(4)), 100);
    expect(left.seconds()).toBeCloseTo(240);
  });

  it("starts anew with another run, and ends at nothing", () => {
    const left = createTimeLeft();
    left.add(steps(1, Array(20).fill(1)), 20);
    expect(left.seconds()).toBe(0);
    left.add(steps(1, [2]), 20);
    expect(left.seconds()).toBeNull();
  });
});
