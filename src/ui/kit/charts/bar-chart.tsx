/** Counts in ranges, with a line where a limit stands: the lengths of a dataset's examples. */
import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { formatCount, formatSetting } from "../../../core/units.ts";
import { DataTable } from "../data-table.tsx";
import { ChartFrame } from "./chart-frame.tsx";
import type { Bar } from "./histogram.ts";

export interface BarChartProps {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** A line at `value` on the x axis; bars that begin beyond it stand out. */
  readonly limit?: { readonly value: number; readonly label: string } | undefined;
  /** "tokens". */
  readonly xLabel: string;
  readonly format?: (x: number) => string;
  readonly summary: string;
  readonly height?: number;
}

const GAP = 0.12;

/** Bars of SVG. Hovering or the arrow keys read one. */
export function BarChart({ title, bars, limit, xLabel, format = formatSetting, summary, height = 140 }: BarChartProps) {
  const [at, setAt] = useState<number | null>(null);
  const range = ({ from, to }: Bar) => `${format(from)}–${format(to)} ${xLabel}`;
  const onKeyDown = (event: KeyboardEvent) => {
    const now = at ?? -1;
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: bars.length - 1 }[event.key];
    if (event.key === "Escape") setAt(null);
    if (to === undefined) return;
    event.preventDefault();
    setAt(Math.min(bars.length - 1, Math.max(0, to)));
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const index = Math.floor(((event.clientX - left) / width) * bars.length);
    setAt(bars[index] ? index : null);
  };
  const bar = at === null ? undefined : bars[at];
  return (
    <ChartFrame
      title={title}
      summary={summary}
      legend={
        <span className="k-soft k-small" role="status">
          {bar ? `${range(bar)}: ${formatCount(bar.count)}` : limit ? `┆ ${limit.label}` : ""}
        </span>
      }
      table={() => <BarTable title={title} bars={bars} range={range} />}
    >
      <div
        className="k-bars-box"
        role="img"
        aria-label={`${title}. ${summary} Arrow keys read the bars.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys read the bars.
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerMove={onPointerMove}
        onPointerLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
      >
        <Bars bars={bars} limit={limit?.value} at={at} height={height} />
      </div>
      <div className="k-bars-axis" aria-hidden="true">
        <span>{format(bars[0]?.from ?? 0)}</span>
        <span>{xLabel}</span>
        <span>{format(bars.at(-1)?.to ?? 0)}</span>
      </div>
    </ChartFrame>
  );
}

interface BarsProps {
  readonly bars: readonly Bar[];
  readonly limit: number | undefined;
  readonly at: number | null;
  readonly height: number;
}

function Bars({ bars, limit, at, height }: BarsProps) {
  const from = bars[0]?.from ?? 0;
  const span = (bars.at(-1)?.to ?? 1) - from || 1;
  const most = Math.max(1, ...bars.map(({ count }) => count));
  const place = (x: number) => (100 * (x - from)) / span;
  const limitAt = limit === undefined ? -1 : place(limit);
  return (
    <svg className="k-bars" height={height} aria-hidden="true">
      {bars.map((bar, i) => {
        const wide = place(bar.to) - place(bar.from);
        const high = (100 * bar.count) / most;
        return (
          <rect
            key={bar.from}
            data-over={limit !== undefined && bar.from >= limit}
            data-at={i === at}
            x={`${place(bar.from) + (wide * GAP) / 2}%`}
            width={`${wide * (1 - GAP)}%`}
            y={`${100 - high}%`}
            height={`${high}%`}
          />
        );
      })}
      <line className="k-bars-ground" x1="0" x2="100%" y1="100%" y2="100%" />
      {limitAt >= 0 && limitAt <= 100 && <line x1={`${limitAt}%`} x2={`${limitAt}%`} y1="0" y2="100%" />}
    </svg>
  );
}

function BarTable({
  title,
  bars,
  range,
}: {
  readonly title: string;
  readonly bars: readonly Bar[];
  readonly range: (bar: Bar) => string;
}) {
  return (
    <DataTable
      caption={title}
      columns={[
        { key: "range", title: "Range", render: range },
        { key: "count", title: "Count", numeric: true, render: ({ count }: Bar) => formatCount(count) },
      ]}
      rows={bars}
      rowKey={({ from }) => from}
      height={16}
    />
  );
}
