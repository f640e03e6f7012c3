/** Places on a line chart where something happened, and their words. Pure. */
import { formatCount } from "../../../core/units.ts";

export interface ChartMark {
  /** One character. */
  readonly glyph: string;
  /** "skipped" */
  readonly label: string;
  /** Places on the x axis, ascending. */
  readonly at: readonly number[];
}

/** More places than these are counted. */
const NAMED = 6;

export function placesOf(at: readonly number[]): string {
  const named = at.slice(0, NAMED).map(formatCount).join(", ");
  return at.length > NAMED ? `${named} and ${formatCount(at.length - NAMED)} more` : named;
}

/** What is marked at `x`, as an addition to its values: ", skipped". */
export const marksAt = (marks: readonly ChartMark[], x: number): string =>
  marks.map(({ label, at }) => (at.includes(x) ? `, ${label}` : "")).join("");
