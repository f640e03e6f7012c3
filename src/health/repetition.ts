/** How much a sequence repeats itself: runs, loops, n-grams, distinct items. Pure measures; what they mean is judged in answers.ts. */

/** A stretch of one item, or of a few in turn. */
export interface Loop {
  /** Items until it begins again. */
  readonly period: number;
  /** Items it covers, the first turn included; 0 when there is none. */
  readonly covered: number;
  /** The place after its last item. */
  readonly end: number;
}

/** The longest stretch of one and the same item, two at least; the first of equals. */
export const longestRun = (items: readonly unknown[]): Loop =>
  longestLoop(items, { least: 1, most: 1, turns: 2 }).longest;

/**
 * The longest stretch that repeats at least `turns` times with a period from `least` to `most` items, the shortest
 * period of equals; and the longest one that lasts until the end. Takes length × periods comparisons.
 */
export function longestLoop(
  items: readonly unknown[],
  { least, most, turns }: { least: number; most: number; turns: number },
): { longest: Loop; last: Loop } {
  let longest: Loop = { period: least, covered: 0, end: 0 };
  let last = longest;
  for (let period = least; period <= most && turns * period <= items.length; period++) {
    let covered = period;
    for (let i = period; i < items.length; i++) {
      covered = items[i] === items[i - period] ? covered + 1 : period;
      if (covered >= turns * period && covered > longest.covered) longest = { period, covered, end: i + 1 };
    }
    if (covered >= turns * period && covered > last.covered) last = { period, covered, end: items.length };
  }
  return { longest, last };
}

/** The share of n-grams that occurred before, 0 to 1; 0 when there are none. */
export function repeatedShare(items: readonly unknown[], n: number): number {
  const grams = gramsOf(items, n);
  return grams.length === 0 ? 0 : 1 - new Set(grams).size / grams.length;
}

/** How often the most frequent item occurs, and which it is. */
export function mostFrequent<T>(items: readonly T[]): { item: T | undefined; count: number } {
  const counts = new Map<T, number>();
  let item: T | undefined;
  let count = 0;
  for (const value of items) {
    const next = (counts.get(value) ?? 0) + 1;
    counts.set(value, next);
    if (next > count) [item, count] = [value, next];
  }
  return { item, count };
}

/**
 * Distinct n-grams over all n-grams (distinct-n, Li et al. 2016, arXiv:1510.03055), as the mean over every window of
 * `window` items, because the plain share falls with the length alone (moving-average type-token ratio, Covington and
 * McFall 2010). Sequences shorter than the window are one window. 1 when there are no n-grams.
 */
export function distinctShare(items: readonly unknown[], n: number, window: number): number {
  const grams = gramsOf(items, n);
  const width = Math.min(window - n + 1, grams.length);
  if (width < 1) return 1;
  const counts = new Map<string, number>();
  let sum = 0;
  for (const [i, gram] of grams.entries()) {
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
    const left = grams[i - width];
    if (left !== undefined) {
      const rest = counts.get(left)! - 1;
      if (rest === 0) counts.delete(left);
      else counts.set(left, rest);
    }
    if (i >= width - 1) sum += counts.size;
  }
  return sum / (grams.length - width + 1) / width;
}

/** Every n-gram in order, as a key. */
function gramsOf(items: readonly unknown[], n: number): string[] {
  const numbers = new Map<unknown, number>();
  const coded = items.map((item) => {
    const number = numbers.get(item) ?? numbers.size;
    numbers.set(item, number);
    return number;
  });
  return Array.from({ length: Math.max(0, items.length - n + 1) }, (_, i) => coded.slice(i, i + n).join(" "));
}
