/** A value for every module of every layer, as lightness: where adapters grew, where gradients are large. */
import type { ReactNode } from "react";
import { Cell, CellGrid, type GridCell } from "./cell-grid.tsx";
import { levelsOf } from "./levels.ts";

export interface HeatGridProps {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** null: there is no value here. */
  readonly value: (row: number, column: number) => number | null;
  readonly format: (value: number) => string;
  readonly summary: string;
  readonly log?: boolean;
  /** What a column is: "layer". */
  readonly columnWord?: string;
  /** What a cell is beside its value, with a sign of its own. */
  readonly marks?: readonly HeatMark[];
  readonly mark?: (row: number, column: number) => string | null;
  /** What a cell says when it is read; its value unless given. */
  readonly words?: (row: number, column: number) => string | null;
  readonly table?: () => ReactNode;
}

export interface HeatMark {
  readonly id: string;
  readonly glyph: string;
  readonly label: string;
}

const NO_MARKS: readonly HeatMark[] = [];

const SAMPLES = [0, 25, 50, 75, 100];

/** The grid with its scale. */
export function HeatGrid({
  title,
  rows,
  columns,
  value,
  format,
  summary,
  log = false,
  columnWord = "layer",
  marks = NO_MARKS,
  mark,
  words,
  table,
}: HeatGridProps) {
  const levels = levelsOf(
    rows.flatMap((_, row) => columns.map((_, column) => value(row, column))),
    log,
  );
  const cell = (row: number, column: number): GridCell => {
    const here = value(row, column);
    const glyph = marks.find(({ id }) => id === mark?.(row, column))?.glyph;
    const said = words?.(row, column);
    if (here === null || !levels) return { text: said ?? "none", kind: "none", ...(glyph && { glyph }) };
    return { text: said ?? format(here), level: levels.level(here), ...(glyph && { glyph }) };
  };
  const used = marks.filter(({ id }) => rows.some((_, row) => columns.some((_, column) => mark?.(row, column) === id)));
  const legend = levels && (
    <span className="k-cells-scale">
      {format(levels.low)}
      {SAMPLES.map((level) => (
        <Cell key={level} cell={{ text: "", level }} />
      ))}
      {format(levels.high)}
      {used.map(({ id, glyph, label }) => (
        <span key={id}>
          {glyph} {label}
        </span>
      ))}
    </span>
  );
  return (
    <CellGrid {...{ title, rows, columns, cell, summary, columnWord }} {...(table && { table })} legend={legend} />
  );
}
