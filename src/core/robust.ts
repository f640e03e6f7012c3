/** Statistics that a few wild values cannot move: middle, scatter, order. Pure numbers. */

const ascending = (a: number, b: number): number => a - b;

/** The value below which `share` of the values lie, between neighbours in proportion; NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort(ascending);
  const place = share * (sorted.length - 1);
  const [low, high] = [Math.floor(place), Math.ceil(place)];
  if (sorted.length === 0) return Number.NaN;
  return sorted[low]! + (place - low) * (sorted[high]! - sorted[low]!);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The `rank`-th largest value, from 1; −Infinity where there are fewer. */
export function largest(values: readonly number[], rank: number): number {
  return [...values].sort(ascending)[values.length - rank] ?? Number.NEGATIVE_INFINITY;
}

/** Standard deviation from the median of the absolute deviations, exact for normal noise. */
export function robustDeviation(values: readonly number[]): number {
  const middle = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)));
}

/** ln of the number of ways to choose `k` of `n`. */
export function lnChoose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i);
  return sum;
}

/**
 * Mann and Kendall's test of a rise (Mann 1945, Nonparametric Tests Against Trend): pairs in ascending order less pairs
 * in descending order, over the standard deviation of that number when the order is chance.
 */
export function riseStatistic(values: readonly number[]): number {
  let sum = 0;
  for (const [i, later] of values.entries()) for (let j = 0; j < i; j++) sum += Math.sign(later - values[j]!);
  const n = values.length;
  return n < 2 ? 0 : sum / Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
}
