/** Counts, sizes, times and measured values as people read them. */

/** 1234567 → "1,234,567". */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/**
 * A measured value with about `digits` significant digits: 1.842, 0.0213, 2.00e-5, NaN.
 * Whole digits are never rounded away: 12345.6 is "12346".
 */
export function formatNumber(value: number, digits = 4): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return value.toExponential(digits - 2);
  const whole = size < 1 ? 1 : Math.floor(Math.log10(size)) + 1;
  return value.toFixed(Math.max(0, digits - whole));
}

/** A value that somebody chose, without padding: 2e-4, 0.5, 1. */
export function formatSetting(value: number): string {
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-3 && size < 1e6)) return String(value);
  return value.toExponential().replace("e+", "e");
}

/** A part of a whole in percent, with two digits: 0.029 → "2.9 %". */
export const formatShare = (share: number): string =>
  share > 0 && share < 1e-4 ? "less than 0.01 %" : `${Number((100 * share).toPrecision(2))} %`;

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** Decimal units, as the Hub and disks count: 988097824 → "988 MB". */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let amount = bytes;
  // 999.5 would round to 1000 of its unit.
  while (Math.abs(amount) >= (unit === 0 ? 1000 : 999.5) && unit < BYTE_UNITS.length - 1) {
    amount /= 1000;
    unit++;
  }
  return `${amount.toFixed(unit === 0 || Math.abs(amount) >= 99.95 ? 0 : 1)} ${BYTE_UNITS[unit]}`;
}

/** Seconds → "85 ms", "4.2 s", "1 min 05 s", "2 h 03 min", "3 d 04 h". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return twoUnits(whole, "min", 60, "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return twoUnits(minutes, "h", 60, "min");
  return twoUnits(Math.round(seconds / 3600), "d", 24, "h");
}

/** `amount` small units, `size` of which make a large one. */
function twoUnits(amount: number, large: string, size: number, small: string): string {
  return `${Math.floor(amount / size)} ${large} ${String(amount % size).padStart(2, "0")} ${small}`;
}

/** The first few of many names, and how many more there are: "a, b and 12 more". */
export function listed(names: readonly string[], shown = 6): string {
  const more = names.length > shown ? ` and ${formatCount(names.length - shown)} more` : "";
  return `${names.slice(0, shown).join(", ")}${more}`;
}
