/** Text and tables for a terminal. Pure strings in, pure strings out. */

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
