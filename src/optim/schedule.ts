/**
 * Learning-rate schedules, equal to transformers' `get_{constant,linear,cosine}_schedule_with_warmup`
 * (transformers/optimization.py): a linear rise from 0 over the warm-up, then the named shape down to 0.
 * Pure numbers; counts are optimizer updates.
 */

export const LR_SCHEDULES = ["constant", "linear", "cosine"] as const;

export type LrSchedule = (typeof LR_SCHEDULES)[number];

export interface ScheduleOptions {
  readonly schedule: LrSchedule;
  /** Updates over which the rate rises; the first of them has rate 0. */
  readonly warmup: number;
  readonly totalSteps: number;
  /** The peak rate. */
  readonly learningRate: number;
}

/** The rate of update `step`, counted from 0. Past `totalSteps` a falling schedule stays at 0. */
export function learningRate(step: number, options: ScheduleOptions): number {
  return options.learningRate * factor(step, options);
}

/** The share of the peak rate, in [0, 1]. */
function factor(step: number, { schedule, warmup, totalSteps }: ScheduleOptions): number {
  if (step < warmup) return step / Math.max(1, warmup);
  if (schedule === "constant") return 1;

  const falling = Math.max(1, totalSteps - warmup);
  if (schedule === "linear") return Math.max(0, (totalSteps - step) / falling);
  // transformers' cosine would rise again past the end; a rate must not.
  return 0.5 * (1 + Math.cos(Math.PI * Math.min(1, (step - warmup) / falling)));
}
