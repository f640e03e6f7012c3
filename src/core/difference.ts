/** How far two lists of numbers are apart. */

/**
 * ‖a − b‖ / ‖b‖ in f64; infinite when anything is not finite, or b is zero: two lists of nothing but zeros are what a
 * GPU that computes nothing gives, and no proof that they agree.
 */
export function relativeDifference(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  const ratio = Math.sqrt(difference / norm);
  return Number.isFinite(ratio) ? ratio : Number.POSITIVE_INFINITY;
}
