/** A picture of rows and columns: one cell each, read by hovering or the arrow keys. What cells mean is the caller's. */
import { type CSSProperties, type KeyboardEvent, type PointerEvent, type ReactNode, useState } from "react";
import { DataTable } from "../data-table.tsx";
import { ChartFrame } from "./chart-frame.tsx";

export interface GridCell {
  /** What the cell says in words: "0.42", "trained". */
  readonly text: string;
  readonly kind?: "trained" | "frozen" | "absent" | "none";
  /** 0 to 100, the share of colour. */
  readonly level?: number;
  /** One character on the cell, for what colour alone must not say. */
  readonly glyph?: string;
}

export interface CellGridProps {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly cell: (row: number, column: number) => GridCell;
  readonly summary: string;
  /** What the cells' looks mean. */
  readonly legend: ReactNode;
  /** What a column is: "layer". */
  readonly columnWord?: string;
  /** Instead of the cells' own words in rows and columns. */
  readonly table?: () => ReactNode;
}

type Place = readonly [row: number, column: number];

/** The grid with names of rows at the left, and of the first and last column below. */
export function CellGrid({ title, rows, columns, cell, summary, legend, columnWord = "", table }: CellGridProps) {
  const [at, setAt] = useState<Place | null>(null);
  const word = (column: number) => `${columnWord} ${columns[column] ?? ""}`.trim();
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") return setAt(null);
    const moves: Readonly<Record<string, Place>> = {
      ArrowRight: [0, 1],
      ArrowLeft: [0, -1],
      ArrowDown: [1, 0],
      ArrowUp: [-1, 0],
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    setAt(at === null ? [0, 0] : [inside(at[0] + move[0], rows), inside(at[1] + move[1], columns)]);
  };
  const onPointerOver = (event: PointerEvent<HTMLElement>) => {
    const [row, column] = ((event.target as HTMLElement).dataset.place ?? "").split(",").map(Number);
    setAt(row !== undefined && column !== undefined ? [row, column] : null);
  };
  const read = at && `${rows[at[0]]}, ${word(at[1])}: ${cell(...at).text}`;
  return (
    <ChartFrame
      title={title}
      summary={summary}
      legend={
        <span className="k-small k-soft" role="status">
          {read ?? legend}
        </span>
      }
      table={table ?? (() => <CellTable {...{ title, rows, columns, cell }} />)}
    >
      <div
        className="k-cells"
        role="img"
        aria-label={`${title}. ${summary} Arrow keys read the cells.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys read the cells.
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerOver={onPointerOver}
        onPointerLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
      >
        {rows.map((name, row) => (
          <Line key={name} name={name}>
            {columns.map((column, c) => (
              <Cell key={column} cell={cell(row, c)} place={`${row},${c}`} at={at?.[0] === row && at[1] === c} />
            ))}
          </Line>
        ))}
        <div className="k-cells-columns k-cells-name">
          <span>{word(0)}</span>
          {columns.length > 1 && <span>{columns.at(-1)}</span>}
        </div>
      </div>
    </ChartFrame>
  );
}

const inside = (index: number, list: readonly unknown[]): number => Math.min(list.length - 1, Math.max(0, index));

function Line({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <span className="k-cells-name">{name}</span>
      <div className="k-cells-line">{children}</div>
    </>
  );
}

/** One cell, also for legends. */
export function Cell({
  cell,
  place,
  at = false,
}: {
  readonly cell: GridCell;
  readonly place?: string;
  readonly at?: boolean;
}) {
  return (
    <span
      className="k-cell"
      data-kind={cell.kind}
      data-place={place}
      data-at={at}
      style={cell.level === undefined ? undefined : ({ "--level": cell.level } as CSSProperties)}
    >
      {cell.glyph && <span>{cell.glyph}</span>}
    </span>
  );
}

function CellTable({ title, rows, columns, cell }: Pick<CellGridProps, "title" | "rows" | "columns" | "cell">) {
  return (
    <DataTable
      caption={title}
      columns={[
        { key: "name", title: "", render: (row: number) => rows[row] },
        ...columns.map((name, column) => ({
          key: name,
          title: name,
          numeric: true,
          render: (row: number) => cell(row, column).text,
        })),
      ]}
      rows={rows.map((_, row) => row)}
      rowKey={(row) => row}
      height={20}
    />
  );
}
