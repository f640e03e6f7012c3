/**
 * A curve or several over steps. Points live in typed arrays outside React: the chart subscribes to their changes and draws
 * by itself, so a running curve costs no render. Left and right arrows move the cursor; the read-out shows exact values.
 */
import { type KeyboardEvent, type Ref, useEffect, useRef, useState } from "react";
import { formatCount, formatNumber, formatSetting } from "../../../core/units.ts";
import { type Aligned, valueAt } from "./align.ts";
import { ChartFrame } from "./chart-frame.tsx";
import { LineTable } from "./line-table.tsx";
import { MarkList } from "./mark-list.tsx";
import { type ChartMark, marksAt } from "./marks.ts";
import { createPlot, type Plot, type Series } from "./plot.ts";
import { createRedraw } from "./redraw.ts";
import "../hues.css";

export type { Series } from "./plot.ts";
export type { Points } from "./points.ts";

export interface LineChartProps {
  readonly title: string;
  /** Must be the same array from render to render; a new one makes a new plot. */
  readonly series: readonly Series[];
  /** Calls the listener whenever points have come; returns the way to stop. */
  readonly subscribe: (listener: () => void) => () => void;
  /** "step". */
  readonly xLabel: string;
  readonly unit?: string | undefined;
  /** A logarithmic y axis. */
  readonly log?: boolean;
  readonly height?: number;
  readonly syncKey?: string | undefined;
  /** What the curve shows, in words: "Loss fell from 2.31 to 1.42 in 200 steps." */
  readonly summary: string;
  readonly format?: ((y: number) => string) | undefined;
  /** One of a strip of small multiples. */
  readonly small?: boolean;
  /** Where something happened. */
  readonly marks?: readonly ChartMark[];
}

const NO_MARKS: readonly ChartMark[] = [];

const LARGE_STEP = 10;
const axisText = (y: number): string => formatSetting(Number(y.toPrecision(4)));

/** The chart with its legend, read-out, summary and table. */
export function LineChart(props: LineChartProps) {
  const { title, series, subscribe, xLabel, unit, summary, small = false, marks = NO_MARKS } = props;
  const { host, readout, moveBy, leave } = useLinePlot(props);
  const [heard, setHeard] = useState("");
  const onKeyDown = (event: KeyboardEvent) => {
    const words = moveBy(event.key);
    if (words === undefined) return;
    event.preventDefault();
    setHeard(words);
  };
  return (
    <ChartFrame
      title={unit ? `${title} (${unit})` : title}
      summary={summary}
      small={small}
      legend={<Legend series={series} list={readout} xLabel={xLabel} />}
      table={() => <LineTable series={series} subscribe={subscribe} xLabel={xLabel} title={title} />}
    >
      <div
        ref={host}
        className="k-plot"
        role="img"
        aria-label={`${title}. ${summary} Arrow keys read the points.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the cursor.
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={leave}
      />
      <span role="status" className="k-hidden">
        {heard}
      </span>
      <MarkList marks={marks} xLabel={xLabel} />
    </ChartFrame>
  );
}

interface Shown {
  readonly plot: Plot;
  readonly aligned: Aligned;
  readonly at: number | null;
}

/** Keeps a plot in the host element and its values in the read-out. */
function useLinePlot(props: LineChartProps) {
  const { series, subscribe, xLabel, log = false, syncKey, small = false, marks = NO_MARKS } = props;
  const height = props.height ?? (small ? 96 : 240);
  const host = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLDListElement>(null);
  const shown = useRef<Shown | null>(null);
  // Words and formats may be new at each render without a new plot.
  const words = useRef(props);
  const places = marks.map(({ glyph, at }) => `${glyph}${at}`).join();
  const drawn = useRef(places);
  useEffect(() => {
    words.current = props;
    if (places === drawn.current) return;
    // A last mark comes without a point after it.
    drawn.current = places;
    shown.current?.plot.refresh();
  });

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const show = (next: Partial<Shown> & { plot: Plot }) => {
      shown.current = { aligned: { x: [], ys: [] }, at: null, ...shown.current, ...next };
      showValues(readout.current, shown.current, words.current);
    };
    const formatTick = (y: number) => (words.current.format ?? axisText)(y);
    const onCursor = (at: number | null) => shown.current && show({ ...shown.current, at });
    const newestMarks = () => words.current.marks ?? NO_MARKS;
    const spec = { series, xLabel, log, height, small, syncKey, formatTick, onCursor, marks: newestMarks };
    const plot = createPlot(element, spec);
    const draw = () => {
      const aligned = plot.refresh();
      element.dataset.points = String(aligned.x.length);
      show({ plot, aligned });
    };
    draw();
    const redraw = createRedraw(draw);
    const stop = subscribe(redraw.ask);
    return () => {
      stop();
      redraw.stop();
      plot.destroy();
      shown.current = null;
    };
  }, [series, subscribe, xLabel, log, height, small, syncKey]);

  return {
    host,
    readout,
    /** Moves the cursor as the key asks; returns what to say, or undefined for other keys. */
    moveBy(key: string): string | undefined {
      const now = shown.current;
      const to = now ? nextIndex(key, now.at, now.aligned.x.length) : undefined;
      if (!now || to === undefined) return undefined;
      now.plot.moveTo(to);
      shown.current = { ...now, at: to };
      showValues(readout.current, shown.current, words.current);
      return to === null ? "" : wordsAt(now.aligned, to, words.current);
    },
    leave() {
      if (shown.current && shown.current.at !== null) shown.current.plot.moveTo(null);
    },
  };
}

/** Names and values of the curves; the values are written by `showValues`, without React. */
function Legend({
  series,
  list,
  xLabel,
}: {
  readonly series: readonly Series[];
  readonly list: Ref<HTMLDListElement>;
  readonly xLabel: string;
}) {
  return (
    <dl className="k-chart-legend" ref={list}>
      <div className="k-chart-x">
        <dt>{xLabel}</dt>
        <dd />
      </div>
      {series.map(({ label, hue, dashed, faint }) => (
        <div key={label}>
          <dt>
            <span className="k-chart-line" data-hue={hue} data-dashed={dashed} data-faint={faint} />
            {label}
          </dt>
          <dd />
        </div>
      ))}
    </dl>
  );
}

type Words = Pick<LineChartProps, "series" | "xLabel" | "unit" | "format" | "marks">;

/** The values at the cursor, or the newest. */
function showValues(list: HTMLElement | null, { aligned, at }: Shown, { format }: Words): void {
  const cells = list?.querySelectorAll("dd") ?? [];
  const index = at ?? aligned.x.length - 1;
  const [x, ...values] = cells;
  if (x) x.textContent = aligned.x[index] === undefined ? "–" : formatSetting(aligned.x[index]);
  for (const [i, cell] of values.entries()) cell.textContent = textOf(aligned, i, index, format);
}

function textOf({ ys }: Aligned, curve: number, index: number, format: (y: number) => string = formatNumber): string {
  const value = valueAt(ys[curve] ?? [], index);
  return value === undefined || value === null ? "–" : format(value);
}

function wordsAt(aligned: Aligned, index: number, { series, xLabel, unit, format, marks = NO_MARKS }: Words): string {
  const values = series.map(({ label }, i) => `${label} ${textOf(aligned, i, index, format)}${unit ? ` ${unit}` : ""}`);
  const x = aligned.x[index] ?? 0;
  return `${xLabel} ${formatCount(x)}${marksAt(marks, x)}: ${values.join(", ")}`;
}

/** Where a key leads from point `at` of `count`; null hides the cursor, undefined is another key. */
function nextIndex(key: string, at: number | null, count: number): number | null | undefined {
  if (key === "Escape") return at === null ? undefined : null;
  const last = count - 1;
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    PageUp: -LARGE_STEP,
    PageDown: LARGE_STEP,
  };
  const step = steps[key];
  if (last < 0 || (step === undefined && key !== "Home" && key !== "End")) return undefined;
  if (step === undefined) return key === "Home" ? 0 : last;
  // From nowhere, the cursor appears at the newest point.
  return at === null ? last : Math.min(last, Math.max(0, at + step));
}
