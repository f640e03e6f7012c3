/**
 * A small line plot for the terminal: the curve in braille (2 × 4 dots a character), a second series as marks.
 * Any number of points, gaps where a value is not finite, any width.
 */

import { formatNumber, formatSetting } from "../core/units.ts";
import { displayWidth, truncate } from "./format.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlotOptions {
  /** Columns and lines of the whole plot, axes and title included. */
  readonly width?: number;
  readonly height?: number;
  readonly title?: string;
  readonly xLabel?: string;
  /** Equal steps along x are equal factors; points at or below 0 are left out. */
  readonly logX?: boolean;
  /** A sparse second series, drawn as ◆ over the curve. */
  readonly marks?: readonly Point[];
}

interface Frame {
  readonly columns: number;
  readonly rows: number;
  readonly x: Span;
  readonly y: Span;
}

interface Span {
  readonly low: number;
  readonly high: number;
}

const MIN_WIDTH = 20;
const MIN_ROWS = 3;
const MARK = "◆";

/** The plot as lines joined by "\n"; a sentence instead when no point is finite. */
export function plotSeries(given: readonly Point[], options: PlotOptions = {}): string {
  const { width = 80, height = 16, title, xLabel = "", logX = false } = options;
  const points = logX ? given.map(logarithmic) : given;
  const marks = (logX ? options.marks?.map(logarithmic) : options.marks) ?? [];
  const finite = [...points, ...marks].filter(isFinitePoint);
  if (finite.length === 0) return title ? `${title}: nothing to plot yet` : "nothing to plot yet";

  const y = widen(span(finite.map((point) => point.y)));
  const inner = Math.max(MIN_ROWS, height - (title ? 3 : 2));
  const rows = inner - ((inner + 1) % 2); // odd, so that one row is the middle
  const labels = yLabels(y, rows);
  const gutter = Math.max(...labels.map(displayWidth));
  const columns = Math.max(MIN_WIDTH, width) - gutter - 2;
  const frame: Frame = { columns, rows, x: span(finite.map((point) => point.x)), y };

  const cells = drawCurve(points, frame);
  for (const mark of marks.filter(isFinitePoint)) cells[rowOf(mark, frame)]![columnOf(mark, frame)] = MARK;

  const lines = cells.map((row, i) =>
    `${labels[i]!.padStart(gutter)} ${labels[i] ? "┤" : "│"}${row.join("")}`.trimEnd(),
  );
  const indent = " ".repeat(gutter + 1);
  lines.push(
    `${indent}└${"─".repeat(columns)}`,
    `${indent} ${logX ? decadeAxis(frame, xLabel) : xAxis(frame, xLabel)}`,
  );
  return (title ? [truncate(title, width), ...lines] : lines).join("\n");
}

function isFinitePoint({ x, y }: Point): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}

const logarithmic = ({ x, y }: Point): Point => ({ x: Math.log10(x), y });

function span(values: readonly number[]): Span {
  return { low: values.reduce((a, b) => Math.min(a, b)), high: values.reduce((a, b) => Math.max(a, b)) };
}

/** A constant series needs some height to lie in the middle of. */
function widen({ low, high }: Span): Span {
  if (high > low) return { low, high };
  const margin = Math.abs(low) * 0.1 || 1;
  return { low: low - margin, high: high + margin };
}

/** Position in [0, 1]; in the middle where the span is a single value. */
function share(value: number, { low, high }: Span): number {
  return high > low ? (value - low) / (high - low) : 0.5;
}

const rowOf = ({ y }: Point, { y: range, rows }: Frame) => Math.round((1 - share(y, range)) * (rows - 1));
const columnOf = ({ x }: Point, { x: range, columns }: Frame) => Math.round(share(x, range) * (columns - 1));

/** Bits of the braille dots: [column][row], counted from the top left of a character. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** Four dots, for a point without neighbours. */
const BLOB = 0x36;

function drawCurve(points: readonly Point[], frame: Frame): string[][] {
  const bits = Array.from({ length: frame.rows }, () => new Uint8Array(frame.columns));
  let previous: [number, number] | undefined;
  for (const [i, point] of points.entries()) {
    if (!isFinitePoint(point)) {
      previous = undefined; // the curve is broken here
      continue;
    }
    const dot: [number, number] = [
      Math.round(share(point.x, frame.x) * (2 * frame.columns - 1)),
      Math.round((1 - share(point.y, frame.y)) * (4 * frame.rows - 1)),
    ];
    drawLine(bits, previous ?? dot, dot);
    const next = points[i + 1];
    const alone = !previous && !(next && isFinitePoint(next));
    if (alone) bits[dot[1] >> 2]![dot[0] >> 1]! |= BLOB;
    previous = dot;
  }
  return bits.map((row) => Array.from(row, (cell) => (cell === 0 ? " " : String.fromCodePoint(0x2800 + cell))));
}

function drawLine(bits: readonly Uint8Array[], [x0, y0]: [number, number], [x1, y1]: [number, number]): void {
  const count = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
  for (let i = 0; i <= count; i++) {
    const x = Math.round(x0 + ((x1 - x0) * i) / count);
    const y = Math.round(y0 + ((y1 - y0) * i) / count);
    bits[y >> 2]![x >> 1]! |= DOTS[x & 1]![y & 3]!;
  }
}

/** A label for the top, the middle and the bottom row, with as many digits as tell them apart; "" elsewhere. */
function yLabels({ low, high }: Span, rows: number): string[] {
  const labels = Array.from({ length: rows }, () => "");
  const middle = (rows - 1) / 2;
  const at = (row: number) => high - ((high - low) * row) / (rows - 1);
  for (const digits of [3, 4, 6, 9]) {
    for (const row of [0, middle, rows - 1]) labels[row] = formatNumber(at(row), digits);
    if (new Set([labels[0], labels[middle], labels[rows - 1]]).size === 3) break;
  }
  return labels;
}

/** First and last x at the ends, the label between them where it fits. */
function xAxis({ x, columns }: Pick<Frame, "x" | "columns">, label: string): string {
  const first = formatSetting(x.low);
  const last = x.high > x.low ? formatSetting(x.high) : "";
  if (last === "") return `${first}${label && ` ${label}`}`.padStart(Math.floor(columns / 2));
  const room = columns - displayWidth(first) - displayWidth(last);
  const text = displayWidth(label) + 2 <= room ? label : "";
  const before = Math.floor((room - displayWidth(text)) / 2);
  return `${first}${" ".repeat(Math.max(1, before))}${text}${" ".repeat(Math.max(0, room - before - displayWidth(text)))}${last}`;
}

/** Powers of ten under their columns, the label after the last where it fits; both ends where no power lies between. */
function decadeAxis({ x, columns }: Frame, label: string): string {
  let line = "";
  for (let power = Math.ceil(x.low - 1e-9); power <= x.high + 1e-9; power++) {
    const text = formatSetting(Number(`1e${power}`));
    const at = Math.min(Math.round(share(power, x) * (columns - 1)), columns - text.length);
    if (line === "" || at > line.length) line = line.padEnd(at) + text;
  }
  const rounded = (power: number) => Number((10 ** power).toPrecision(3));
  if (line === "") return xAxis({ x: { low: rounded(x.low), high: rounded(x.high) }, columns }, label);
  const room = columns - line.length;
  return displayWidth(label) + 2 <= room ? `${line}${label.padStart(room)}` : line;
}
