/** Numbers, sizes, times and tables as people read them in a terminal. Pure strings in, pure strings out. */

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

const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
const DOUBLE_WIDTH =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;

/** Columns that `text` takes in a terminal. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const symbol of text) width += symbolWidth(symbol);
  return width;
}

function symbolWidth(symbol: string): number {
  if (symbol >= " " && symbol <= "~") return 1;
  if (ZERO_WIDTH.test(symbol)) return 0;
  return DOUBLE_WIDTH.test(symbol) ? 2 : 1;
}

/**
 * Text from a file, safe to print on one line: line ends and tabs become spaces; other control characters, which could
 * steer the terminal, and bidirectional overrides become visible signs.
 */
export function oneLine(text: string): string {
  return text.replace(/\r\n|[\n\r\t\u2028\u2029]/g, " ").replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (symbol) => {
    const code = symbol.codePointAt(0)!;
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : "\ufffd"; // U+241B pictures ESC
  });
}

/** `text` cut to `width` columns, with an ellipsis where something was cut. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let room = width - 1;
  for (const symbol of text) {
    room -= symbolWidth(symbol);
    if (room < 0) break;
    kept += symbol;
  }
  return width < 1 ? "" : `${kept}…`;
}

/** Lines of at most `width` columns, broken at spaces; a longer word keeps a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== "" && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}

export interface TableOptions {
  readonly header?: readonly string[];
  /** One sign per column, "<" for left and ">" for right; left where it ends. */
  readonly align?: string;
  /** Columns of the terminal; the widest left-aligned column gives way. */
  readonly width?: number;
}

/** Rows of cells as aligned lines. Cells are made safe to print (`oneLine`). */
export function formatTable(rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const { header, align = "", width = Number.POSITIVE_INFINITY } = options;
  const cells = [...(header ? [header] : []), ...rows].map((row) => row.map(oneLine));
  const widths = fitColumns(columnWidths(cells), align, width);

  const lines = cells.map((row) => {
    const padded = row.map((cell, column) => pad(truncate(cell, widths[column]!), widths[column]!, align[column]));
    return padded.join("  ").trimEnd();
  });
  if (header) lines.splice(1, 0, widths.map((columns) => "─".repeat(columns)).join("  "));
  return lines.join("\n");
}

function columnWidths(cells: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of cells)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell));
    });
  return widths;
}

function fitColumns(widths: number[], align: string, width: number): number[] {
  const excess = widths.reduce((sum, columns) => sum + columns + 2, -2) - width;
  if (excess <= 0) return widths;
  const left = widths.map((columns, i) => (align[i] === ">" ? 0 : columns));
  const widest = left.indexOf(Math.max(...left));
  return widths.map((columns, i) => (i === widest && left[i]! > 0 ? Math.max(8, columns - excess) : columns));
}

function pad(cell: string, width: number, align: string | undefined): string {
  const space = " ".repeat(Math.max(0, width - displayWidth(cell)));
  return align === ">" ? space + cell : cell + space;
}
