/** Lengths of examples → bars of a histogram with edges that people like: 1, 2, 2.5 or 5 times a power of ten. */

export interface LengthBin {
  /** Shortest length in the bin. */
  readonly from: number;
  /** Longest length in the bin; null in the last one when it holds all that is over the limit. */
  readonly to: number | null;
  readonly count: number;
}

export interface HistogramOptions {
  /** Lengths above it share the last bin. */
  readonly limit?: number;
  /** At most so many bins, the one over the limit not counted. */
  readonly bins?: number;
}

/**
 * Counts `lengths` (whole numbers from 0) in bins of one width that lie side by side from 1 on; a length of 0 counts with
 * the first. With a limit, the last regular bin ends at it, and one more counts what is over it, also when that is none.
 */
export function lengthHistogram(lengths: ArrayLike<number>, { limit, bins = 24 }: HistogramOptions = {}): LengthBin[] {
  let longest = 0;
  for (let i = 0; i < lengths.length; i++)
    if (limit === undefined || lengths[i]! <= limit) longest = Math.max(longest, lengths[i]!);
  const width = niceWidth(longest / Math.max(1, bins));
  const edges = Array.from({ length: Math.ceil(longest / width) }, (_, i) => (i + 1) * width);
  const counts = new Array<number>(edges.length).fill(0);
  let over = 0;
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i]!;
    if (limit !== undefined && length > limit) over++;
    else if (counts.length > 0) counts[Math.max(0, Math.ceil(length / width) - 1)]!++;
  }
  const regular = edges.map((edge, i) => ({
    from: edge - width + 1,
    to: Math.min(edge, limit ?? edge),
    count: counts[i]!,
  }));
  return limit === undefined ? regular : [...regular, { from: limit + 1, to: null, count: over }];
}

/** The smallest whole number among 1, 2, 2.5 and 5 times powers of ten that is at least `width`. */
function niceWidth(width: number): number {
  for (let power = 1; ; power *= 10) {
    for (const factor of [1, 2, 2.5, 5]) {
      const nice = factor * power;
      if (Number.isInteger(nice) && nice >= width) return nice;
    }
  }
}
