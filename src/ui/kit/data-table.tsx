/** A plain table that scrolls inside its own region, in pages when it is long. */
import { type ReactNode, useId, useState } from "react";
import { IconButton } from "./button.tsx";
import { pageOf } from "./pages.ts";
import "./data-table.css";

export interface Column<R> {
  readonly key: string;
  readonly title: string;
  /** Right-aligned. */
  readonly numeric?: boolean;
  /** Left out: the row's own property `key`, as text. */
  readonly render?: (row: R) => ReactNode;
}

export interface DataTableProps<R> {
  readonly caption: string;
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly rowKey: (row: R) => string | number;
  /** Rows on a page. */
  readonly page?: number;
  /** Greatest height in rem before it scrolls. */
  readonly height?: number;
  /** What stands there without rows. */
  readonly empty?: string;
}

/** Rows with a sticky head; the region takes the keyboard to scroll. */
export function DataTable<R>({
  caption,
  columns,
  rows,
  rowKey,
  page = 50,
  height = 24,
  empty = "Nothing yet.",
}: DataTableProps<R>) {
  const name = useId();
  const [wanted, setWanted] = useState(0);
  const { index, count, from, to } = pageOf(rows.length, page, wanted);
  return (
    <div className="k-table">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className="k-table-scroll" aria-labelledby={name} tabIndex={0} style={{ maxHeight: `${height}rem` }}>
        <table>
          <caption id={name}>{caption}</caption>
          <thead>
            <tr>
              {columns.map(({ key, title, numeric }) => (
                <th key={key} scope="col" data-numeric={numeric}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(from, to).map((row) => (
              <tr key={rowKey(row)}>
                {columns.map((column) => (
                  <td key={column.key} data-numeric={column.numeric}>
                    {cell(row, column)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {rows.length === 0 && <p className="k-table-empty">{empty}</p>}
      </section>
      {count > 1 && (
        <div className="k-table-pages">
          <span role="status">
            {from + 1}–{to} of {rows.length.toLocaleString("en-US")}
          </span>
          <IconButton
            label="Previous page"
            icon="chevron-left"
            disabled={index === 0}
            onPress={() => setWanted(index - 1)}
          />
          <IconButton
            label="Next page"
            icon="chevron-right"
            disabled={index === count - 1}
            onPress={() => setWanted(index + 1)}
          />
        </div>
      )}
    </div>
  );
}

function cell<R>(row: R, { key, render }: Column<R>): ReactNode {
  if (render) return render(row);
  const value = (row as Readonly<Record<string, unknown>>)[key];
  return value === undefined || value === null ? "" : String(value);
}
