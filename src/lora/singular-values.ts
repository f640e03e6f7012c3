/**
 * Singular values of a product B·A [out, in] of rank r, and its effective rank, from r × r matrices alone. The product
 * itself is never formed: for one layer of a 7B model it would be 270 MB.
 */
import { SingularValueDecomposition } from "ml-matrix";

/** One half of an f32's last digit: what storing a factor did to it. */
const ROUNDING = 2 ** -24;

/**
 * Singular values of B·A, r of them, largest first, in float64. B = Q·R and Aᵀ = Q'·R' with orthonormal Q, Q', so they are
 * those of R·R'ᵀ [r, r]. R comes from Bᵀ·B by Cholesky, which is the R of the QR decomposition and many times faster.
 * Values below what rounding the factors to f32 makes of a zero are zero. All values must be finite.
 * @param gramA A·Aᵀ, @param gramB Bᵀ·B, both [r, r] (`gramOfColumns`).
 */
export function singularValues(gramA: Float64Array, gramB: Float64Array, rank: number): number[] {
  const diagonal = (gram: Float64Array) => Array.from({ length: rank }, (_, i) => Math.sqrt(gram[i * rank + i]!));
  const [sizesA, sizesB] = [diagonal(gramA), diagonal(gramB)];
  // Unit vectors first: a small column of B beside a large row of A must not count as nothing.
  const A = cholesky(gramA, sizesA);
  const B = cholesky(gramB, sizesB);
  const sizes = sizesA.map((size, k) => size * sizesB[k]!);
  const core = B[0]!.map((_, i) =>
    A[0]!.map((__, j) => sizes.reduce((sum, size, k) => sum + B[k]![i]! * size * A[k]![j]!, 0)),
  );
  const options = { computeLeftSingularVectors: false, computeRightSingularVectors: false };
  const noise = ROUNDING * sizes.reduce((sum, size) => sum + size, 0);
  const values = new SingularValueDecomposition(core, options).diagonal;
  return values.map((value) => (value <= noise ? 0 : value)).sort((a, b) => b - a);
}

/**
 * How many directions a matrix really uses: exp of the entropy of its singular values as shares of their sum (Roy and
 * Vetterli, The effective rank, EUSIPCO 2007). k equal values give k, a single one 1, none 0.
 */
export function effectiveRank(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  if (sum === 0) return 0;
  const shares = values.filter((value) => value > 0).map((value) => value / sum);
  return Math.exp(-shares.reduce((total, share) => total + share * Math.log(share), 0));
}

/** Mᵀ·M [rank, rank] of M [length, rank], in float64. */
export function gramOfColumns(values: Float32Array, rank: number): Float64Array {
  const gram = new Float64Array(rank * rank);
  const whole = values.length - (values.length % (4 * rank));
  // Four rows at a time: a fourth of the reads and writes of the sums.
  for (let row = 0; row < whole; row += 4 * rank) {
    for (let i = 0; i < rank; i++) {
      const a = values[row + i]!;
      const b = values[row + rank + i]!;
      const c = values[row + 2 * rank + i]!;
      const d = values[row + 3 * rank + i]!;
      for (let j = 0, k = row; j <= i; j++, k++) {
        gram[i * rank + j]! +=
          a * values[k]! + b * values[k + rank]! + c * values[k + 2 * rank]! + d * values[k + 3 * rank]!;
      }
    }
  }
  for (let row = whole; row < values.length; row += rank) {
    for (let i = 0; i < rank; i++) {
      for (let j = 0; j <= i; j++) gram[i * rank + j]! += values[row + i]! * values[row + j]!;
    }
  }
  for (let i = 0; i < rank; i++) for (let j = 0; j < i; j++) gram[j * rank + i] = gram[i * rank + j]!;
  return gram;
}

/** L [r, r], lower, with L·Lᵀ = gram scaled to unit vectors; a vector in the span of those before it has no pivot. */
function cholesky(gram: Float64Array, sizes: readonly number[]): number[][] {
  const rank = sizes.length;
  const L = sizes.map(() => new Array<number>(rank).fill(0));
  for (let j = 0; j < rank; j++) {
    for (let i = j; i < rank; i++) {
      const scale = sizes[i]! * sizes[j]!;
      let rest = scale === 0 ? 0 : gram[i * rank + j]! / scale;
      for (let k = 0; k < j; k++) rest -= L[i]![k]! * L[j]![k]!;
      if (i === j) {
        if (rest <= ROUNDING ** 2) break;
        L[j]![j] = Math.sqrt(rest);
      } else L[i]![j] = rest / L[j]![j]!;
    }
  }
  return L;
}
