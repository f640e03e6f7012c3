/** Numbers and dates of the report as people read them. Values that are no numbers are said to be so. */
import { formatCount, formatNumber } from "../core/units.ts";

/** Three significant digits; "not finite" for what is no number. From a file of metrics such a value comes as null. */
export function measured(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "not finite";
  return formatNumber(value, digits);
}

/** "1 update", "1,200 updates". */
export const counted = (count: number, word: string): string =>
  `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "26 Jul 2026, 14:03 UTC": the same wherever the report is made. What is no date comes back as it is. */
export function dateText(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const [day, time] = date.toISOString().split("T");
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${day!.split("-")[0]}, ${time!.slice(0, 5)} UTC`;
}

/** Evenly spaced places among `count`, the first and the last among them; all where they are few. */
export function spread(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));
}

/** The first line numbers, and how many more there are. */
export function lineList(lines: readonly number[], most = 12): string {
  const rest = lines.length - most;
  return `${lines.slice(0, most).join(", ")}${rest > 0 ? ` and ${formatCount(rest)} more` : ""}`;
}
