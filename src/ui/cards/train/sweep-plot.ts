/** A sweep of learning rates as a curve in a box: rates on a logarithmic axis, losses up to a little above the start. Pure. */
import { formatNumber, formatSetting } from "../../../core/units.ts";
import type { SweepSoFar } from "../../state/trials.ts";

export interface SweepPlot {
  /** For an SVG path. */
  readonly path: string;
  /** Where the suggested rate stands, or null. */
  readonly at: number | null;
  readonly low: string;
  readonly high: string;
}

export const BOX = { width: 300, height: 90 };
/** Losses above this many times the start are drawn at the upper edge: the sweep has blown up there. */
const HIGHEST = 1.3;

/** null before there are two points. */
export function sweepPlot({ start, points, end }: SweepSoFar): SweepPlot | null {
  if (!start || points.length < 2) return null;
  const span = Math.log(start.to / start.from);
  const across = (rate: number) => Math.max(0, (BOX.width * Math.log(rate / start.from)) / span);
  const most = HIGHEST * start.startLoss;
  const losses = points.map(({ loss }) => (Number.isFinite(loss) ? Math.min(loss, most) : most));
  const [low, high] = [Math.min(...losses), Math.max(...losses, start.startLoss)];
  const down = (loss: number) => (BOX.height * (high - loss)) / (high - low || 1);
  const path = losses
    .map((loss, i) => `${i === 0 ? "M" : "L"}${across(points[i]!.rate).toFixed(1)} ${down(loss).toFixed(1)}`)
    .join("");
  const rate = end?.suggestion.rate ?? null;
  return { path, at: rate === null ? null : across(rate), low: rateText(start.from), high: rateText(start.to) };
}

export const rateText = (rate: number): string => formatSetting(Number(rate.toPrecision(2)));

/** What the curve says, in words. */
export function sweepSummary({ start, points, end }: SweepSoFar): string {
  if (!start) return "Measuring the loss before the first update.";
  const newest = points.at(-1);
  if (!end)
    return newest ? `Rate ${rateText(newest.rate)}, loss ${formatNumber(newest.loss, 3)}.` : "The first update.";
  const { suggestion, stopped } = end;
  return stopped ? `Stopped. ${suggestion.reason}` : suggestion.reason;
}
