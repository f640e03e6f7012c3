/** One uPlot in a host element: its options in the page's colours, its data, its cursor. React does not reach in here. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatSetting } from "../../../core/units.ts";
import type { Hue } from "../tone.ts";
import { type Aligned, align, type Cell } from "./align.ts";
import { decimate } from "./decimate.ts";
import { drawMarks } from "./mark-drawing.ts";
import type { ChartMark } from "./marks.ts";
import type { Points } from "./points.ts";
import { onThemeChange, readColours } from "./theme.ts";
import { logTicks } from "./ticks.ts";

export interface Series {
  readonly label: string;
  readonly hue: Hue;
  readonly dashed?: boolean;
  /** Drawn thin and pale: the raw curve behind a smoothed one. */
  readonly faint?: boolean;
  /** The newest points; called at each drawing. */
  readonly points: () => Points;
}

export interface PlotSpec {
  readonly series: readonly Series[];
  readonly xLabel: string;
  readonly log: boolean;
  readonly height: number;
  /** Without labels under the x axis, for a strip of small plots. */
  readonly small: boolean;
  /** Plots with the same key share a cursor. */
  readonly syncKey: string | undefined;
  readonly formatTick: (y: number) => string;
  /** The newest marks; called at each drawing. */
  readonly marks: () => readonly ChartMark[];
  /** The cursor's place among the aligned points, or null. */
  readonly onCursor: (index: number | null) => void;
}

export interface Plot {
  /** Takes the newest points and draws them. */
  refresh(): Aligned;
  /** Moves the cursor to a point, here and in plots of the same key. */
  moveTo(index: number | null): void;
  destroy(): void;
}

/** More points than this are thinned … */
const LONG = 10_000;
/** … to this many, some for every pixel. */
const KEPT = 4_000;
const HUES = ["accent", "blue", "violet", "amber", "rose", "grey"] as const;
const NAMES = [
  ...HUES.map((hue) => `hue-${hue}` as const),
  "ink",
  "ink-soft",
  "line",
  "line-strong",
  "surface",
] as const;
type Colours = Record<(typeof NAMES)[number], string>;

/** Puts a plot into `host`, which it fills in width and keeps to as the host changes. */
export function createPlot(host: HTMLElement, spec: PlotSpec): Plot {
  let colours: Colours = readColours(host, NAMES);
  let aligned: Aligned = { x: [], ys: spec.series.map(() => []) };
  const size = () => ({ width: Math.max(40, host.clientWidth), height: spec.height });
  const plot = new uPlot({ ...options(spec, () => colours), ...size() }, dataOf(aligned), host);

  const observer = new ResizeObserver(() => plot.setSize(size()));
  observer.observe(host);
  const stopTheme = onThemeChange(() => {
    colours = readColours(host, NAMES);
    plot.redraw();
  });
  return {
    refresh() {
      aligned = align(spec.series.map(newest), spec.log);
      plot.setData(dataOf(aligned));
      return aligned;
    },
    moveTo(index) {
      const x = index === null ? undefined : aligned.x[index];
      const left = x === undefined ? -10 : plot.valToPos(x, "x");
      // uPlot takes a third argument that its types leave out: whether plots of the same key follow.
      const setCursor: (at: { left: number; top: number }, fire: boolean, publish: boolean) => void = plot.setCursor;
      setCursor({ left, top: x === undefined ? -10 : spec.height / 3 }, true, true);
    },
    destroy() {
      observer.disconnect();
      stopTheme();
      plot.destroy();
    },
  };
}

function newest({ points }: Series): Points {
  const all = points();
  return all.count > LONG ? decimate(all, KEPT) : all;
}

const dataOf = ({ x, ys }: Aligned): uPlot.AlignedData => [x as number[], ...ys.map((y) => y as Cell[])];

/** A little air above and below; uPlot itself would go to whole decades. */
const LOG: uPlot.Scale = { distr: 3, range: (_, low, high) => (low === null ? [1, 10] : [low / 1.1, high * 1.1]) };

type PlotOptions = Omit<uPlot.Options, "width" | "height">;

function options(spec: PlotSpec, colours: () => Colours): PlotOptions {
  const { series, syncKey, log, onCursor } = spec;
  return {
    padding: [8, spec.small ? 8 : 20, spec.small ? 8 : 0, 0],
    legend: { show: false },
    scales: { x: { time: false }, y: log ? LOG : {} },
    axes: axes(spec, colours),
    series: [{}, ...series.map((one) => line(one, spec.small, colours))],
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      points: { size: 7 },
      ...(syncKey !== undefined && { sync: { key: syncKey, setSeries: false, scales: ["x", null] } }),
    },
    hooks: {
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      draw: [(plot) => mark(plot, spec.marks(), colours())],
    },
  };
}

function mark(plot: uPlot, marks: readonly ChartMark[], colours: Colours): void {
  const { left, top, width, height } = plot.bbox;
  const place = (x: number) => {
    const at = plot.valToPos(x, "x", true);
    return at >= left && at <= left + width ? at : null;
  };
  const ink = { line: colours["line-strong"], ground: colours.surface, sign: colours.ink };
  drawMarks(plot.ctx, marks, { top, height, ratio: uPlot.pxRatio }, place, ink);
}

function line({ label, hue, dashed, faint }: Series, small: boolean, colours: () => Colours): uPlot.Series {
  const stroke = () => colours()[`hue-${hue}`];
  return {
    label,
    stroke,
    width: faint ? 1 : small ? 1.25 : 1.75,
    alpha: faint ? 0.4 : 1,
    ...(dashed && { dash: [6, 4] }),
    points: { show: (plot, index) => !faint && few(plot.data[index]), size: 5, width: 1, stroke, fill: stroke },
  };
}

/** A curve of few points shows each; a single point would be invisible otherwise. */
function few(ys: ArrayLike<Cell> | undefined): boolean {
  let count = 0;
  for (let i = 0; ys && i < ys.length; i++) if (ys[i] !== undefined && ++count > 24) return false;
  return true;
}

const LOG_AXIS: uPlot.Axis = {
  splits: (_, __, low, high) => logTicks(low, high),
  filter: (_, splits) => splits,
};

const WHOLE = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((first) => first * 10 ** power)).flat();

function axes({ xLabel, small, log, formatTick }: PlotSpec, colours: () => Colours): uPlot.Axis[] {
  const font = `11px system-ui, sans-serif`;
  const common: uPlot.Axis = {
    font,
    stroke: () => colours()["ink-soft"],
    grid: { stroke: () => colours().line, width: 1 },
    ticks: { show: false },
  };
  const tick = (_: uPlot, splits: number[]) => splits.map((value) => (value == null ? "" : formatTick(value)));
  const x: uPlot.Axis = small
    ? { ...common, show: false }
    : {
        ...common,
        grid: { show: false },
        space: 72,
        // There is no half an update.
        incrs: WHOLE,
        size: 24,
        gap: 4,
        label: xLabel,
        labelFont: font,
        labelSize: 18,
        labelGap: 0,
        values: (_, splits) => splits.map((value) => formatSetting(value)),
      };
  const widest = (_: uPlot, values: readonly string[] | null) =>
    16 + 6.5 * Math.max(2, ...(values ?? []).map((value) => value?.length ?? 0));
  return [x, { ...common, space: small ? 28 : 36, gap: 6, size: widest, values: tick, ...(log && LOG_AXIS) }];
}
