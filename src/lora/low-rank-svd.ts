/**
 * The singular value decomposition of a product B·A [out, in] of rank r, vectors included, by way of thin QR
 * decompositions of B and Aᵀ and an r × r core. The product itself is never formed. All in float64.
 */
import { SingularValueDecomposition } from "ml-matrix";
import type { AdapterFactor } from "./adapter.ts";

/** B·A = Σ values[k] · left[k] · right[k]ᵀ */
export interface LowRankSvd {
  /** Largest first, as many as the rank, 0 or more. */
  readonly values: readonly number[];
  /** Of the largest values, as many as were asked for: [out] each, of length 1; of a value of 0 perhaps all zeros. */
  readonly left: readonly Float64Array[];
  /** Of [in] each. */
  readonly right: readonly Float64Array[];
}

/** Of the factors alone, without any scale, with so many vectors. All values must be finite. */
export function lowRankSvd({ A, B, rank, in_features, out_features }: Factors, count = rank): LowRankSvd {
  // B = Q·R and Aᵀ = Q'·R', so B·A = Q·(R·R'ᵀ)·Q'ᵀ.
  const outer = thinQr(vectors(rank, out_features, (k, i) => B[i * rank + k]!));
  const inner = thinQr(vectors(rank, in_features, (k, i) => A[k * in_features + i]!));
  const core = outer.R.map((row) => inner.R.map((other) => dot(row, other))); // [r, r]
  const { leftSingularVectors: U, rightSingularVectors: V, diagonal } = new SingularValueDecomposition(core);
  const order = diagonal.map((_, k) => k).sort((a, b) => diagonal[b]! - diagonal[a]!);
  return {
    values: order.map((k) => diagonal[k]!),
    left: order.slice(0, count).map((k) => combined(outer.Q, (j) => U.get(j, k))),
    right: order.slice(0, count).map((k) => combined(inner.Q, (j) => V.get(j, k))),
  };
}

export type Factors = Pick<AdapterFactor, "A" | "B" | "rank" | "in_features" | "out_features">;

interface ThinQr {
  /** r columns, orthonormal; zeros for one that lay in the span of those before it. */
  readonly Q: readonly Float64Array[];
  /** [r, r], upper: column k = Σ R[j][k] · Q[j] */
  readonly R: readonly Float64Array[];
}

/** What is left of a column below this share of it is rounding. */
const DEPENDENT = 1e-13;

/** Gram and Schmidt's way, each column twice: then Q is orthogonal to rounding (Giraud et al. 2005). Columns are replaced. */
function thinQr(columns: readonly Float64Array[]): ThinQr {
  const rank = columns.length;
  const R = columns.map(() => new Float64Array(rank));
  for (const [k, column] of columns.entries()) {
    const length = norm(column);
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < k; j++) {
        const along = dot(columns[j]!, column);
        R[j]![k]! += along;
        addTimes(column, columns[j]!, -along);
      }
    }
    const rest = norm(column);
    const dependent = rest <= DEPENDENT * length;
    R[k]![k] = dependent ? 0 : rest;
    for (let i = 0; i < column.length; i++) column[i] = dependent ? 0 : column[i]! / rest;
  }
  return { Q: columns, R };
}

const vectors = (count: number, length: number, at: (k: number, i: number) => number) =>
  Array.from({ length: count }, (_, k) => Float64Array.from({ length }, (__, i) => at(k, i)));

/** Σ weight(j) · columns[j] */
function combined(columns: readonly Float64Array[], weight: (j: number) => number): Float64Array {
  const sum = new Float64Array(columns[0]!.length);
  for (const [j, column] of columns.entries()) addTimes(sum, column, weight(j));
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

function addTimes(target: Float64Array, other: Float64Array, weight: number): void {
  for (let i = 0; i < target.length; i++) target[i]! += weight * other[i]!;
}
