/**
 * What an adapter is made of, how strong it is and how many directions it uses, layer by layer: for `inspect`, for the
 * page, and for the estimate before training.
 */

import { type Adapter, type AdapterFactor, isDora, type LinearShape, scaleOf, transpose } from "./adapter.ts";
import { isOutlier, robustZ } from "./outliers.ts";
import { effectiveRank, gramOfColumns, singularValues } from "./singular-values.ts";

/** What a layer changes, in numbers that its r × r products give at once. */
export interface FactorSize extends LinearShape {
  readonly module: string;
  readonly rank: number;
  readonly parameters: number;
  /** Frobenius norms; NaN or infinite when the factor is not finite. */
  readonly norm_A: number;
  readonly norm_B: number;
  /** ‖scale · B·A‖, the size of the change to W; of DoRA before its rows get their lengths. */
  readonly norm_delta: number;
  readonly finite: boolean;
  /** The scale or a whole factor is 0: the layer changes nothing. Of DoRA only the base could tell: false. */
  readonly zero: boolean;
}

export interface FactorAudit extends FactorSize {
  /** Of scale · B·A, `rank` of them, largest first; empty when the factors are not finite. */
  readonly singular_values: readonly number[];
  /** The largest of them: how much the change can stretch an input. NaN when the factors are not finite. */
  readonly spectral_norm: number;
  /** Directions in use, 0 to `rank` (Roy and Vetterli 2007). NaN when the factors are not finite. */
  readonly effective_rank: number;
  /** How far ‖ΔW‖ is from its kind's (`robustZ`); null where nobody can say. */
  readonly robust_z: number | null;
  /** |robust_z| above 3.5. */
  readonly outlier: boolean;
}

export interface AdapterSizes {
  readonly rank: number;
  readonly alpha: number;
  readonly scale: number;
  /** Adapted linears, tensors (two each, with DoRA's magnitudes three) and trained numbers. */
  readonly layers: number;
  readonly tensors: number;
  readonly parameters: number;
  readonly finite: boolean;
  /** Every layer changes nothing: the adapter equals its base. */
  readonly zero: boolean;
  readonly factors: readonly FactorSize[];
}

export interface AdapterAudit extends AdapterSizes {
  readonly factors: readonly FactorAudit[];
}

/** Counts and norms of every layer, without what takes time: proof before hand-over asks for no more. */
export function measureAdapter(adapter: Adapter): AdapterSizes {
  return together(
    adapter,
    adapter.factors.map((factor) => measureFactor(factor, scaleOf(adapter, factor)).size),
  );
}

/** The same with singular values, and how each layer stands among its kind. */
export function auditAdapter(adapter: Adapter): AdapterAudit {
  const layers = adapter.factors.map((factor) => {
    const { size, spectrum } = measureFactor(factor, scaleOf(adapter, factor));
    const singular_values = spectrum();
    return {
      ...size,
      singular_values,
      spectral_norm: singular_values[0] ?? Number.NaN,
      effective_rank: size.finite ? effectiveRank(singular_values) : Number.NaN,
    };
  });
  const z = robustZ(layers);
  const factors = layers.map((layer, i) => ({ ...layer, robust_z: z[i]!, outlier: isOutlier(z[i]!) }));
  return together(adapter, factors);
}

function together<T extends FactorSize>(adapter: Adapter, factors: readonly T[]) {
  return {
    rank: adapter.rank,
    alpha: adapter.alpha,
    scale: adapter.scale,
    layers: factors.length,
    tensors: (isDora(adapter) ? 3 : 2) * factors.length,
    parameters: factors.reduce((sum, factor) => sum + factor.parameters, 0),
    finite: factors.every((factor) => factor.finite),
    zero: factors.every((factor) => factor.zero),
    factors,
  };
}

function measureFactor(factor: AdapterFactor, scale: number): { size: FactorSize; spectrum(): number[] } {
  const { module, in_features, out_features, rank, A, B, magnitude } = factor;
  const gramA = gramOfColumns(transpose(A, rank, in_features), rank); // A·Aᵀ [r, r]
  const gramB = gramOfColumns(B, rank); // Bᵀ·B [r, r]
  // ‖B·A‖² = tr(Aᵀ·Bᵀ·B·A) = Σ (Bᵀ·B) ⊙ (A·Aᵀ): r × r numbers, never the [out, in] product.
  const squared = gramA.reduce((sum, value, i) => sum + value * gramB[i]!, 0);
  const norm_A = Math.sqrt(trace(gramA, rank));
  const norm_B = Math.sqrt(trace(gramB, rank));
  // Sums of f32 squares do not overflow in float64: finite norms mean finite values.
  const finite = [norm_A, norm_B, ...(magnitude ?? [])].every(Number.isFinite);
  // Rounding may leave a zero sum slightly negative.
  const norm_delta = Math.abs(scale) * Math.sqrt(Math.max(squared, 0));
  const zero = !magnitude && (scale === 0 || norm_A === 0 || norm_B === 0);
  return {
    size: {
      ...{ module, in_features, out_features, rank },
      parameters: A.length + B.length + (magnitude?.length ?? 0),
      ...{ norm_A, norm_B, norm_delta, finite, zero },
    },
    spectrum: () => (finite ? singularValues(gramA, gramB, rank).map((value) => Math.abs(scale) * value) : []),
  };
}

function trace(matrix: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += matrix[i * size + i]!;
  return sum;
}

/** What LoRA on these linears trains: A [r, in] and B [out, r] each, r · (in + out) numbers; DoRA out more. */
export function describeTrainable(
  linears: readonly { readonly rank: number; readonly linear: { readonly shape: readonly [number, number] } }[],
  { dora = false } = {},
): { layers: number; tensors: number; parameters: number } {
  const sizes = linears.map(({ rank, linear: { shape } }) => rank * (shape[0] + shape[1]) + (dora ? shape[0] : 0));
  const parameters = sizes.reduce((sum, size) => sum + size, 0);
  return { layers: linears.length, tensors: (dora ? 3 : 2) * linears.length, parameters };
}
