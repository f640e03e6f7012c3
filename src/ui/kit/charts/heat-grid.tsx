/** A value for every module of every layer, as lightness: where adapters grew, where gradients are large. */
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
}

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
}: HeatGridProps) {
  const levels = levelsOf(
    rows.flatMap((_, row) => columns.map((_, column) => value(row, column))),
    log,
  );
  const cell = (row: number, column: number): GridCell => {
    const here = value(row, column);
    if (here === null || !levels) return { text: "none", kind: "none" };
    return { text: format(here), level: levels.level(here) };
  };
  const legend = levels && (
    <span className="k-cells-scale">
      {format(levels.low)}
      {SAMPLES.map((level) => (
        <Cell key={level} cell={{ text: "", level }} />
      ))}
      {format(levels.high)}
    </span>
  );
  return <CellGrid {...{ title, rows, columns, cell, summary, columnWord }} legend={legend} />;
}
