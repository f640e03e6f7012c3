/** Which examples make which update, and how long a run is. */
import { describe, expect, it } from "vitest";
import { planUpdates, type UpdatePlan, updatesInEpoch } from "../../src/train/schedule-plan.ts";
import { configOf } from "./support.ts";

const lengths = (count: number): number[] => Array.from({ length: count }, (_, i) => 5 + ((7 * i) % 11));
const epochOf = (plan: UpdatePlan, epoch: number) =>
  Array.from({ length: plan.updatesPerEpoch }, (_, i) => plan.at(epoch * plan.updatesPerEpoch + i));
const examplesOf = (plan: UpdatePlan, epoch: number): number[] =>
  epochOf(plan, epoch).flatMap(({ microBatches }) => microBatches.flat());

describe("the plan of a run", () => {
  it.each([
    [1, 1, 1],
    [10, 1, 1],
    [10, 3, 1],
    [10, 3, 2],
    [11, 2, 4],
    [7, 8, 3],
    [120, 2, 3],
  ])(
    "takes every one of %i examples once per epoch, by %i, %i micro-batches to an update",
    (count, batchSize, gradAccumulationSteps) => {
      for (const shuffle of [false, true]) {
        const config = configOf({ batchSize, gradAccumulationSteps, shuffle, seed: 3 });
        const plan = planUpdates(lengths(count), config);
        expect(plan.updatesPerEpoch).toBe(updatesInEpoch(count, config));
        for (const epoch of [0, 1]) {
          expect(examplesOf(plan, epoch).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
          for (const update of epochOf(plan, epoch)) {
            expect(update.epoch).toBe(epoch);
            expect(update.microBatches.length).toBeGreaterThan(0);
            expect(update.microBatches.length).toBeLessThanOrEqual(gradAccumulationSteps);
            expect(update.microBatches.every((batch) => batch.length > 0 && batch.length <= batchSize)).toBe(true);
          }
        }
      }
    },
  );

  it("gives the last update of an epoch what is left, and the next epoch begins anew", () => {
    const plan = planUpdates(lengths(10), configOf({ batchSize: 2, gradAccumulationSteps: 3 }));
    expect(plan.updatesPerEpoch).toBe(2);
    expect(plan.at(0).microBatches).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(plan.at(1).microBatches).toEqual([
      [6, 7],
      [8, 9],
    ]);
    expect(plan.at(2)).toEqual({ epoch: 1, microBatches: plan.at(0).microBatches });
  });

  it("shuffles by seed and epoch alone, whatever was asked before", () => {
    const plan = (seed: number) => planUpdates(lengths(20), configOf({ shuffle: true, seed }));
    const forwards = plan(0);
    const inOrder = Array.from({ length: 30 }, (_, step) => forwards.at(step));
    const backwards = plan(0);
    const reversed = Array.from({ length: 30 }, (_, i) => backwards.at(29 - i)).toReversed();
    expect(reversed).toEqual(inOrder);
    expect(examplesOf(plan(0), 1)).not.toEqual(examplesOf(plan(0), 0));
    expect(examplesOf(plan(1), 0)).not.toEqual(examplesOf(plan(0), 0));
  });

  it.each([
    [{ steps: 7 }, 7],
    [{ epochs: 1 }, 5],
    [{ epochs: 3 }, 15],
    [{ epochs: 0.5 }, 3],
    [{ epochs: 0.01 }, 1],
    [{ epochs: 1, gradAccumulationSteps: 2 }, 3],
    [{ epochs: 2, gradAccumulationSteps: 2 }, 6],
  ])("%o over ten examples in pairs makes %i updates", (knobs, expected) => {
    expect(planUpdates(lengths(10), configOf(knobs)).totalSteps).toBe(expected);
  });
});
