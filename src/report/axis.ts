/** Axes of the report's charts: where a value lies between two ends, and round numbers to write beside. Pure. */
import { formatCount, formatSetting } from "../core/units.ts";

export interface Axis {
  readonly log: boolean;
  /** 0 to 1 along the axis; NaN for what it cannot show. */
  place(value: number): number;
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
}

/** Beyond this ratio small values would lie flat on the ground. */
const WIDE = 50;

/** An axis that holds all finite values, with round ends; logarithmic where they span more than a ratio of 50. */
export function valueAxis(values: Iterable<number>, { fromZero = false } = {}): Axis {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) [low, high] = [0, 1];
  if (!fromZero && low > 0 && high / low > WIDE) return logAxis(low, high);
  if (fromZero) low = Math.min(0, low);
  if (high === low) [low, high] = [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)];
  const step = roundStep((high - low) / 4);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  return linear(ticks[0]!, ticks.at(-1)!, ticks, labelsFor(step));
}

/** Numbers of updates: whole ticks only, without air at the ends. */
export function updateAxis(first: number, last: number): Axis {
  const step = Math.max(1, roundStep((last - first) / 4));
  const from = Math.ceil(first / step);
  const count = Math.floor(last / step) - from + 1;
  const ticks = Array.from({ length: count }, (_, i) => (from + i) * step);
  const ends = last > first ? ticks : [first];
  return linear(first, last, ends, formatCount);
}

/** As many decimals as tell the ticks apart, the same for all of them. */
function labelsFor(step: number): (value: number) => string {
  if (step < 1e-3) return formatSetting;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return (value) => (decimals > 0 ? value.toFixed(decimals) : formatCount(value));
}

function linear(low: number, high: number, ticks: readonly number[], format: (value: number) => string): Axis {
  const place = (value: number) => (high > low ? (value - low) / (high - low) : 0.5);
  return { log: false, place, ticks: ticks.map((value) => ({ at: place(value), label: format(value) })) };
}

function logAxis(low: number, high: number): Axis {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const place = (value: number) => (value > 0 ? (Math.log10(value) - first) / (last - first) : Number.NaN);
  const every = Math.ceil((last - first) / 5);
  const powers = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((_, i) => i % every === 0);
  const ticks = powers.map((power) => ({
    at: place(Number(`1e${power}`)),
    label: formatSetting(Number(`1e${power}`)),
  }));
  return { log: true, place, ticks };
}

/** The next of 1, 2, 5 times a power of ten. */
function roundStep(rough: number): number {
  if (!(rough > 0)) return 1;
  const power = Math.floor(Math.log10(rough));
  const digit = [1, 2, 5, 10].find((one) => one * 10 ** power >= rough * (1 - 1e-9)) ?? 10;
  return Number(`${digit}e${power}`);
}
