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

/** Lays values end to end on a bar as long as the greater of their sum and the limit. */
export function stack(values: readonly number[], limit: number): Stacked {
  const total = values.reduce((sum, value) => sum + value, 0);
  const length = Math.max(total, limit);
  const scale = length > 0 ? 100 / length : 0;
  let start = 0;
  const spans = values.map((value) => {
    const span = { start: start * scale, width: value * scale };
    start += value;
    return span;
  });
  return { total, spans, limitAt: limit * scale, over: Math.max(0, total - limit) };
}
