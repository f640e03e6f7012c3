/** What an adapter is made of and how strong it is, for `inspect` and for the estimate before training. */

import type { Adapter, AdapterFactor, LinearShape } from "./adapter.ts";
import { firstNonFinite } from "./adapter.ts";

export interface FactorAudit extends LinearShape {
  readonly module: string;
  readonly rank: number;
  readonly parameters: number;
  /** Frobenius norms; NaN or infinite when the factor is not finite. */
  readonly norm_A: number;
  readonly norm_B: number;
  /** ‖scale · B·A‖, the size of the change to W. */
  readonly norm_delta: number;
  readonly finite: boolean;
  /** The scale or a whole factor is 0: the layer changes nothing. */
  readonly zero: boolean;
}

export interface AdapterAudit {
  readonly rank: number;
  readonly alpha: number;
  readonly scale: number;
  /** Adapted linears, tensors (two each) and trained numbers. */
  readonly layers: number;
  readonly tensors: number;
  readonly parameters: number;
  readonly finite: boolean;
  /** Every layer changes nothing: the adapter equals its base. */
  readonly zero: boolean;
  readonly factors: readonly FactorAudit[];
}

/** Counts and norms of every layer. */
export function auditAdapter(adapter: Adapter): AdapterAudit {
  const factors = adapter.factors.map((factor) => auditFactor(factor, adapter.scale));
  return {
    rank: adapter.rank,
    alpha: adapter.alpha,
    scale: adapter.scale,
    ...describeTrainable(adapter.factors, adapter.rank),
    finite: factors.every((factor) => factor.finite),
    zero: factors.every((factor) => factor.zero),
    factors,
  };
}

function auditFactor(factor: AdapterFactor, scale: number): FactorAudit {
  const { module, in_features, out_features, rank, A, B } = factor;
  const gramA = gram(A, rank, in_features, in_features, 1); // A·Aᵀ [r, r]
  const gramB = gram(B, rank, out_features, 1, rank); // Bᵀ·B [r, r]
  // ‖B·A‖² = tr(Aᵀ·Bᵀ·B·A) = Σ (Bᵀ·B) ⊙ (A·Aᵀ): r × r numbers, never the [out, in] product.
  const squared = gramA.reduce((sum, value, i) => sum + value * gramB[i]!, 0);
  const norm_A = Math.sqrt(trace(gramA, rank));
  const norm_B = Math.sqrt(trace(gramB, rank));
  const finite = firstNonFinite(A) < 0 && firstNonFinite(B) < 0;
  // Rounding may leave a zero sum slightly negative.
  const norm_delta = Math.abs(scale) * Math.sqrt(Math.max(squared, 0));
  return {
    ...{ module, in_features, out_features, rank },
    parameters: A.length + B.length,
    norm_A,
    norm_B,
    norm_delta,
    finite,
    zero: scale === 0 || norm_A === 0 || norm_B === 0,
  };
}

/** Inner products of `rank` vectors of `length` values that lie `stride` apart, each value `step` after the last. */
function gram(values: Float32Array, rank: number, length: number, stride: number, step: number): Float64Array {
  const out = new Float64Array(rank * rank);
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += values[i * stride + k * step]! * values[j * stride + k * step]!;
      out[i * rank + j] = sum;
      out[j * rank + i] = sum;
    }
  }
  return out;
}

function trace(matrix: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += matrix[i * size + i]!;
  return sum;
}

/** What LoRA of this rank on these linears trains: A [r, in] and B [out, r] each, r · (in + out) numbers. */
export function describeTrainable(
  linears: Iterable<LinearShape>,
  rank: number,
): { layers: number; tensors: number; parameters: number } {
  const shapes = [...linears];
  const width = shapes.reduce((sum, { in_features, out_features }) => sum + in_features + out_features, 0);
  return { layers: shapes.length, tensors: 2 * shapes.length, parameters: rank * width };
}
