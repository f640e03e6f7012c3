/** Which rows a page of a long table shows. Pure. */

export interface PageSpan {
  /** The page, kept inside the table when rows went away. */
  readonly index: number;
  readonly count: number;
  /** Rows from `from` up to, not with, `to`. */
  readonly from: number;
  readonly to: number;
}

/** The span of page `wanted` (from 0) of `rows` rows, `size` on each. */
export function pageOf(rows: number, size: number, wanted: number): PageSpan {
  const count = Math.max(1, Math.ceil(rows / size));
  const index = Math.min(Math.max(0, wanted), count - 1);
  return { index, count, from: index * size, to: Math.min(rows, (index + 1) * size) };
}
