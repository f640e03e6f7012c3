/** The newest points of a chart in a table, newest first, and all of them to copy. */
import { useEffect, useState } from "react";
import { CopyButton } from "../copyable.tsx";
import { DataTable } from "../data-table.tsx";
import { createThrottle } from "../throttle.ts";
import { type Aligned, align, type Cell, toCsv } from "./align.ts";
import type { Series } from "./plot.ts";

const SHOWN = 50;
const EVERY_MS = 2000;

export interface LineTableProps {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  readonly subscribe: (listener: () => void) => () => void;
}

/** As exact as a 32-bit number is; the copied values are whole. */
const exact = (value: Cell): string =>
  value === null || value === undefined ? "–" : String(Number(value.toPrecision(7)));

const readAll = (series: readonly Series[]): Aligned => align(series.map(({ points }) => points()));

/** Follows the chart every two seconds. */
export function LineTable({ title, xLabel, series, subscribe }: LineTableProps) {
  const [aligned, setAligned] = useState(() => readAll(series));
  useEffect(() => {
    const read = () => setAligned(readAll(series));
    read(); // the curves may be others
    const throttle = createThrottle<null>(EVERY_MS, read);
    const stop = subscribe(() => throttle.push(null));
    return () => {
      stop();
      throttle.stop();
    };
  }, [series, subscribe]);
  const first = Math.max(0, aligned.x.length - SHOWN);
  const rows = aligned.x.slice(first).map((_, i) => aligned.x.length - 1 - i);
  const columns = [
    { key: "x", title: xLabel, numeric: true, render: (row: number) => aligned.x[row] },
    ...series.map(({ label }, i) => ({
      key: label,
      title: label,
      numeric: true,
      render: (row: number) => exact(aligned.ys[i]?.[row]),
    })),
  ];
  const csv = () => toCsv([xLabel, ...series.map(({ label }) => label)], aligned);
  return (
    <>
      <DataTable
        caption={`${title}: the last ${rows.length} of ${aligned.x.length} points`}
        columns={columns}
        rows={rows}
        rowKey={(row) => row}
        height={16}
      />
      <CopyButton text={csv} label="Copy all as CSV" />
    </>
  );
}
