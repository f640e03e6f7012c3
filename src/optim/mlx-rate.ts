/**
 * Learning rates as mlx-lm makes them of its `lr_schedule` (mlx.optimizers.schedulers): the named scheduler over
 * `arguments`, after a linear warm-up that hands over one update later than ours. Counts are optimizer updates.
 */
import type { LrSchedule } from "./schedule.ts";

export interface MlxCurve {
  readonly schedule: LrSchedule;
  readonly peak: number;
  readonly end: number;
  /** Updates from peak to end. */
  readonly steps: number;
  readonly warmup: number;
  readonly warmupInit: number;
}

/** mlx-lm's rate of update `step`, from 0. */
export function mlxRate(curve: MlxCurve, step: number): number {
  const { peak, end, steps, warmup, warmupInit } = curve;
  if (warmup > 0 && step <= warmup) return warmupInit + ((peak - warmupInit) * step) / warmup;
  const progress = Math.min(warmup > 0 ? step - warmup - 1 : step, steps) / steps;
  const left = curve.schedule === "cosine" ? 0.5 * (1 + Math.cos(Math.PI * progress)) : 1 - progress;
  return end + (peak - end) * left;
}
