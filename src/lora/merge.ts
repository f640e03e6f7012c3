/**
 * An adapter folded into its weights: W + scale·B·A, of DoRA each row brought to the length of its magnitude, computed in
 * float64 and rounded once to what it is stored in. By rows, so that no more of a model than a slice need be in memory.
 */
import { toFloat32 } from "../core/dtype.ts";
import { type FloatDtype, roundToBytes } from "../core/float-bytes.ts";
import type { AdapterFactor } from "./adapter.ts";

export interface MergedRows {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sums: MergeSums;
}

/** Sums of squares over the numbers of one layer: what was added, what came of it, what rounding did. */
export interface MergeSums {
  /** Σ Δ² of Δ = scale·B·A, of DoRA of all that is added to W */
  readonly change: number;
  /** Σ (W + Δ)² */
  readonly merged: number;
  /** Σ (round(W + Δ) − (W + Δ))² */
  readonly error: number;
}

export const NO_SUMS: MergeSums = { change: 0, merged: 0, error: 0 };

export const addSums = (a: MergeSums, b: MergeSums): MergeSums => ({
  change: a.change + b.change,
  merged: a.merged + b.merged,
  error: a.error + b.error,
});

/**
 * ‖round(W + Δ) − (W + Δ)‖ / ‖Δ‖: the share of the change that rounding has blotted out. 1 where nothing of it is left;
 * null where there is no change.
 */
export const lostShare = ({ error, change }: MergeSums): number | null =>
  change > 0 ? Math.sqrt(error / change) : null;

/** ‖round(W + Δ) − (W + Δ)‖ / ‖W + Δ‖ */
export const roundingError = ({ error, merged }: MergeSums): number => (merged > 0 ? Math.sqrt(error / merged) : 0);

/**
 * Rows of W [rows, in], stored as `dtype` and beginning with `firstRow` of the layer, with the factor merged in.
 * @param factor A [r, in], B [out, r]
 */
export function mergeRows(
  bytes: Uint8Array,
  dtype: FloatDtype,
  factor: AdapterFactor,
  scale: number,
  firstRow: number,
): MergedRows {
  const merged = mergedValues(toFloat32(bytes, dtype), factor, scale, firstRow);
  const rounded = roundToBytes(merged.values, dtype);
  return { bytes: rounded, sums: sumsOf(merged, toFloat32(rounded, dtype)) };
}

/** Rows of W + Δ before they are stored. */
export interface MergedValues {
  /** [rows, in] */
  readonly values: Float64Array;
  /** Σ Δ² */
  readonly change: number;
}

/** The same of plain numbers [rows, in]; without a factor they stay what they are. */
export function mergedValues(
  weights: Float32Array,
  factor: AdapterFactor | null,
  scale: number,
  firstRow: number,
): MergedValues {
  const values = new Float64Array(weights);
  if (!factor) return { values, change: 0 };
  const width = factor.in_features;
  let change = 0;
  for (let begin = 0, row = firstRow; begin < weights.length; begin += width, row++) {
    const own = weights.subarray(begin, begin + width);
    const delta = lengthened(own, deltaRow(factor, scale, row), factor.magnitude?.[row]);
    for (let i = 0; i < width; i++) {
      values[begin + i]! += delta[i]!;
      change += delta[i]! ** 2;
    }
  }
  return { values, change };
}

/** @param stored what the values were stored as, read back */
export function sumsOf({ values, change }: MergedValues, stored: Float32Array): MergeSums {
  let [merged, error] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    merged += values[i]! ** 2;
    error += (stored[i]! - values[i]!) ** 2;
  }
  return { change, merged, error };
}

/** What is added to a row w so that w + delta becomes as long as `magnitude`; delta itself without one. */
function lengthened(w: Float32Array, delta: Float64Array, magnitude: number | undefined): Float64Array {
  if (magnitude === undefined) return delta;
  const norm = Math.sqrt(delta.reduce((sum, value, i) => sum + (w[i]! + value) ** 2, 0));
  // A row of zeros has no direction and stays as it is.
  return norm === 0 ? delta : delta.map((value, i) => ((w[i]! + value) * magnitude) / norm - w[i]!);
}

/** Row `row` of scale·B·A [out, in] */
function deltaRow({ A, B, rank, in_features }: AdapterFactor, scale: number, row: number): Float64Array {
  const delta = new Float64Array(in_features);
  for (let k = 0; k < rank; k++) {
    const weight = scale * B[row * rank + k]!;
    const from = k * in_features;
    for (let i = 0; i < in_features; i++) delta[i]! += weight * A[from + i]!;
  }
  return delta;
}
