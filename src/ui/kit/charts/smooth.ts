/**
 * Smoothing of a curve as TensorBoard does it: an exponential moving average whose bias towards its zero start is taken out,
 * mₜ = w·mₜ₋₁ + (1 − w)·yₜ, shown as mₜ / (1 − wᵗ). Non-finite values are passed on and not averaged.
 */
import type { Points } from "./points.ts";

/** Takes a curve's values one after the other and gives each smoothed. `weight` in [0, 1): 0 changes nothing. */
export function createEma(weight: number): (value: number) => number {
  let mean = 0;
  let left = 1;
  return (value) => {
    if (!Number.isFinite(value)) return value;
    mean = weight * mean + (1 - weight) * value;
    left *= weight;
    return mean / (1 - left);
  };
}

/** The whole curve smoothed, at the same x. */
export function ema({ x, y, count }: Points, weight: number): Points {
  const next = createEma(weight);
  return { x, y: y.slice(0, count).map(next), count };
}
