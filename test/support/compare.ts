/** How far a kernel's result is from the float64 reference, and how far it may be. */

export type Values = ArrayLike<number>;

/** √(Σ(actual − expected)² / Σ expected²) */
export function relativeL2(actual: Values, expected: Values): number {
  return Math.sqrt(nmse(actual, expected));
}

/** Σ(actual − expected)² / Σ expected²; 0 for equal values, also when all are zero. Throws on unequal lengths. */
export function nmse(actual: Values, expected: Values): number {
  if (actual.length !== expected.length) throw new RangeError(`${actual.length} values against ${expected.length}`);
  const error = sumSquares(expected.length, (i) => actual[i]! - expected[i]!);
  return error === 0 ? 0 : error / sumSquares(expected.length, (i) => expected[i]!);
}

export function maxError(actual: Values, expected: Values): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

function sumSquares(count: number, at: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += at(i) ** 2;
  return sum;
}

export interface Tolerance {
  /** Largest L2 norm of the error, relative to the norm of the expected values. */
  readonly relative: number;
  /**
   * Where the exact result is a small difference of large terms, the size of those terms: the error is then judged
   * against it (root mean square), since no f32 sum can do better.
   */
  readonly terms?: number;
}

/** f32 has 24 bits: one rounding errs by at most 2^-24 = 6e-8, n roundings in a sum by about √n of that. */
const ROUNDING = 2 ** -24;

/** The table of tolerances by class of op. */
export const TOLERANCE = {
  /** Moves bits. */
  copy: { relative: 0 },
  /** A few roundings per element; exp, division and the like err by 2 to 3 units in WGSL. */
  pointwise: { relative: 1e-6 },
  /** Sums of `n` products. */
  reduction: (n: number): Tolerance => ({ relative: ROUNDING * (8 + Math.sqrt(n)) }),
} as const;

/** null when `actual` is within the tolerance, else a report: NMSE, largest error, first ten mismatches by index. */
export function difference(actual: Values, expected: Values, tolerance: Tolerance): string | null {
  if (actual.length !== expected.length) return `${actual.length} values, expected ${expected.length}`;
  const n = expected.length;
  const error = Math.sqrt(sumSquares(n, (i) => actual[i]! - expected[i]!));
  const size = Math.max(Math.sqrt(sumSquares(n, (i) => expected[i]!)), (tolerance.terms ?? 0) * Math.sqrt(n));
  // Written so that NaN fails.
  if (error <= tolerance.relative * size) return null;
  const elementwise = (tolerance.relative * size) / Math.sqrt(n);
  const mismatches: string[] = [];
  for (let i = 0; i < n && mismatches.length < 10; i++) {
    if (Math.abs(actual[i]! - expected[i]!) <= elementwise) continue;
    mismatches.push(`  [${i}] got ${actual[i]}, expected ${expected[i]}`);
  }
  const summary = `relative L2 ${error / size} above ${tolerance.relative}; NMSE ${nmse(actual, expected)}, max error ${maxError(actual, expected)}`;
  return [summary, ...mismatches].join("\n");
}

/** Throws the report of `difference` under the name of what was compared. */
export function expectClose(actual: Values, expected: Values, tolerance: Tolerance, what: string): void {
  const report = difference(actual, expected, tolerance);
  if (report !== null) throw new Error(`${what}: ${report}`);
}
