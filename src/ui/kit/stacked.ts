/** The arithmetic of a stacked bar against a limit. Pure. */

export interface Span {
  /** Both in percent of the bar. */
  readonly start: number;
  readonly width: number;
}

export interface Stacked {
  readonly total: number;
  readonly spans: readonly Span[];
  /** Where the limit stands, in percent of the bar. */
  readonly limitAt: number;
  /** What lies beyond the limit, in the values' unit. */
  readonly over: number;
}

/**
 * Lays values end to end on a bar as long as the greater of their sum and the limit. What is there is seen: no part but
 * an empty one is narrower than `least` percent, at the cost of the widest.
 */
export function stack(values: readonly number[], limit: number, least = 0): Stacked {
  const total = sum(values);
  const length = Math.max(total, limit);
  const scale = length > 0 ? 100 / length : 0;
  const widths = values.map((value) => (value > 0 ? Math.max(value * scale, least) : 0));
  // Only a bar that is nearly full has no room for it.
  const excess = sum(widths) - 100;
  if (excess > 0) widths[widths.indexOf(Math.max(...widths))]! -= excess;
  let start = 0;
  const spans = widths.map((width) => {
    const span = { start, width };
    start += width;
    return span;
  });
  return { total, spans, limitAt: limit * scale, over: Math.max(0, total - limit) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
