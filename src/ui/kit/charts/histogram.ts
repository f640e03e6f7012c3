/** Counts of values in equal ranges, for bar charts. Pure. */

export interface Bar {
  readonly from: number;
  /** Not included, but for the last bar. */
  readonly to: number;
  readonly count: number;
}

/** At most `bins` ranges of a round width (1, 2 or 5 times a power of ten, at least 1) that cover the values. Empty for no values. */
export function histogram(values: ArrayLike<number>, bins: number): Bar[] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [];
  const width = roundWidth((high - low) / Math.max(1, bins - 1));
  const start = Math.floor(low / width) * width;
  const counts = new Array<number>(Math.floor((high - start) / width) + 1).fill(0);
  for (let i = 0; i < values.length; i++) counts[Math.floor((values[i]! - start) / width)]!++;
  return counts.map((count, i) => ({ from: start + i * width, to: start + (i + 1) * width, count }));
}

function roundWidth(width: number): number {
  if (width <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(width));
  return power * (([1, 2, 5] as const).find((digit) => digit * power >= width) ?? 10);
}
