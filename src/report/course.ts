/** The course of a run, read from its updates: which were undone by a rollback, where the loss came from and went. Pure. */
import type { HealthEvent, StepEvent } from "../train/events.ts";

export interface SortedSteps {
  /** Those that led to the adapter: ascending numbers. */
  readonly kept: readonly StepEvent[];
  /** Stretches that a rollback took back, each ascending. */
  readonly undone: readonly (readonly StepEvent[])[];
}

/**
 * Parts the updates that count from those that were taken back: by a rollback, which says from where to where, or because
 * a run went on from a checkpoint before them, so that their numbers come again.
 */
export function sortSteps(steps: readonly StepEvent[], health: readonly HealthEvent[]): SortedSteps {
  const rollbacks = health.filter(({ rollback }) => rollback);
  const taken = new Uint8Array(steps.length);
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = steps.length - 1; i >= 0; i--) {
    const { step } = steps[i]!;
    const undone = rollbacks.some((event) => step > event.rollback!.toStep && step <= event.step);
    if (step >= lowest || undone) taken[i] = 1;
    lowest = Math.min(lowest, step);
  }
  return { kept: steps.filter((_, i) => taken[i] === 0), undone: stretches(steps, taken) };
}

function stretches(steps: readonly StepEvent[], taken: Uint8Array): StepEvent[][] {
  const found: StepEvent[][] = [];
  for (const [i, step] of steps.entries()) {
    if (taken[i] === 0) continue;
    const goesOn = i > 0 && taken[i - 1] === 1 && steps[i - 1]!.step < step.step;
    if (goesOn) found.at(-1)!.push(step);
    else found.push([step]);
  }
  return found;
}

/** An update whose loss counts: applied, and measured as a number. */
export const isApplied = ({ finite, loss }: StepEvent): boolean => finite && Number.isFinite(loss);

/** First loss and smoothed last loss of the updates that count; null without any. */
export function lossSpan(kept: readonly StepEvent[]): { readonly from: number; readonly to: number } | null {
  const losses = kept.filter(isApplied).map(({ loss }) => loss);
  if (losses.length === 0) return null;
  return { from: losses[0]!, to: smoothed(losses).at(-1)! };
}

/** Below this many points a long memory would only show the beginning. */
const FEW = 100;

/**
 * An exponential moving average as TensorBoard makes it, mₜ = w·mₜ₋₁ + (1 − w)·yₜ shown as mₜ / (1 − wᵗ). What is not
 * finite stays, and is not averaged.
 */
export function smoothed(values: readonly number[]): number[] {
  const weight = values.length < FEW ? 0.6 : values.length < 10 * FEW ? 0.9 : 0.98;
  let mean = 0;
  let left = 1;
  return values.map((value) => {
    if (!Number.isFinite(value)) return Number.NaN;
    mean = weight * mean + (1 - weight) * value;
    left *= weight;
    return mean / (1 - left);
  });
}
