/**
 * What a sweep of learning rates says: where the loss begins to fall, falls fastest, turns and blows up, and which rate
 * to train at. Names none where the curve says nothing. Pure.
 *
 * The sweep is the range test of Smith 2017 (https://arxiv.org/abs/1506.01186) with rates that grow geometrically. Smith's
 * own bound, the turn, is too high for a run that stays there: every update leaves its mark on the losses after it, so
 * the curve turns only when the damage outweighs all that was learned before. The suggestion is a quarter of the rate at
 * which the loss is lowest (fastai's `minimum` takes a tenth, for SGD without warm-up or clipping), and not above three
 * times the rate at which it fell fastest (fastai's `steep`, Lightning's `suggestion`), since the bottom of a curve may be
 * long and level. Where it never turned, it is the rate of the fastest fall: nobody knows how near the turn is. Some
 * curves rise and recover half-way: Adam's momentum carries a fresh adapter too far, which is no damage.
 */
import { median } from "../core/robust.ts";
import { formatNumber, formatSetting } from "../core/units.ts";

export interface RatePoint {
  readonly rate: number;
  /** After an update at this rate; natural log. Not finite where it blew up. */
  readonly loss: number;
}

export interface RateSuggestion {
  /** Two digits; null when the curve says nothing. */
  readonly rate: number | null;
  /** A sentence with the numbers it rests on. */
  readonly reason: string;
  /** Where a tenth of the fall was made. */
  readonly fallsAt: number | null;
  readonly steepestAt: number | null;
  /** Where the smoothed loss was lowest, and what it was there. */
  readonly bestAt: number | null;
  readonly bestLoss: number | null;
  /** False when the loss still fell at the end of the sweep. */
  readonly turned: boolean;
  /** The first rate after which the loss was not finite, or far above where it had been. */
  readonly divergedAt: number | null;
}

/** As in Lightning's finder: a loss this many times the lowest ends the sweep. */
const BLOWN_UP = 4;
/** Where the loss begins near ln(vocabulary), four times the lowest is out of reach; this much above the start is not. */
const BLOWN_UP_OVER_START = 1.5;
/** Of the last value in the running mean, both ways. */
const SMOOTHING = 0.5;
const FEWEST = 6;
/** Points from which noise can be told. */
const ENOUGH = 8;
/** The fall must be this share of the first loss, and this many times the noise. */
const LEAST_FALL = 0.02;
const LEAST_FALL_IN_NOISE = 5;
/** A rise counts from this share of the fall on. */
const RISE = 0.15;
const RISE_IN_NOISE = 5;
/** How far below the rate of the lowest loss the suggestion stays. */
const BELOW_LOWEST = 4;
const ABOVE_STEEPEST = 3;

/** Whether the last of these losses ends the sweep. `start`: the loss before the first update. */
export function hasBlownUp(losses: readonly number[], start: number): boolean {
  const last = losses.at(-1);
  if (last === undefined) return false;
  const lowest = losses.reduce((low, loss) => (loss < low ? loss : low), start);
  return !Number.isFinite(last) || last > BLOWN_UP * lowest || last > BLOWN_UP_OVER_START * start;
}

/** Reads the curve. Rates must ascend; `start` is the loss before the first update. */
export function suggestRate(points: readonly RatePoint[], start: number): RateSuggestion {
  const losses = points.map(({ loss }) => loss);
  const end = losses.findIndex((_, i) => hasBlownUp(losses.slice(0, i + 1), start));
  const divergedAt = end < 0 ? null : points[end]!.rate;
  const read = end < 0 ? points : points.slice(0, end);
  const nothing = { rate: null, fallsAt: null, steepestAt: null, bestAt: null, bestLoss: null, turned: end >= 0 };
  if (read.length < FEWEST) return { ...nothing, divergedAt, reason: tooFew(read.length, points, divergedAt) };

  const curve = smooth([start, ...read.map(({ loss }) => loss)]).slice(1);
  const best = lowestOf(curve);
  const bestLoss = curve[best]!;
  const noise = noiseOf(read.slice(0, Math.max(best + 1, ENOUGH)));
  const fall = start - bestLoss;
  const turned = end >= 0 || rises(read.slice(best + 1), { fall, start, noise });
  const found = { bestAt: read[best]!.rate, bestLoss, turned, divergedAt };
  const problem = whyNot({ fall, start, noise, first: read.slice(0, 3), turned });
  if (problem) return { ...nothing, ...found, reason: problem };

  const steepestAt = read[steepestOf(curve.slice(0, best + 1), read, start)]!.rate;
  const fallsAt = read[curve.findIndex((loss) => start - loss >= 0.1 * fall)]!.rate;
  const bound = Math.min(found.bestAt / BELOW_LOWEST, ABOVE_STEEPEST * steepestAt);
  const rate = Number((turned ? bound : steepestAt).toPrecision(2));
  return { rate, fallsAt, steepestAt, ...found, reason: reasonFor(start, { steepestAt, ...found }) };
}

/** Running means from both ends, each corrected for its short beginning, averaged: smooth without lagging behind. */
function smooth(values: readonly number[]): number[] {
  const forward = runningMean(values);
  const backward = runningMean(values.toReversed()).toReversed();
  return forward.map((value, i) => (value + backward[i]!) / 2);
}

/** An exponential mean with bias correction: m̂ₜ = mₜ / (1 − βᵗ), Kingma and Ba 2015, section 3. */
function runningMean(values: readonly number[]): number[] {
  let mean = 0;
  return values.map((value, i) => {
    mean = SMOOTHING * mean + (1 - SMOOTHING) * value;
    return mean / (1 - SMOOTHING ** (i + 1));
  });
}

/** Standard deviation of what the losses do from point to point beside their course, from second differences (robust). */
function noiseOf(points: readonly RatePoint[]): number {
  const losses = points.map(({ loss }) => loss);
  const bends = losses.slice(2).map((loss, i) => Math.abs(loss - 2 * losses[i + 1]! + losses[i]!));
  return median(bends) / (0.6745 * Math.sqrt(6)); // a second difference of white noise has six times its variance
}

/** Whether losses after the lowest point rise above it by more than a share of the whole fall, and more than noise. */
function rises(after: readonly RatePoint[], { fall, start, noise }: Omit<Curve, "first" | "turned">): boolean {
  const counts = Math.max(RISE * fall, LEAST_FALL * start, RISE_IN_NOISE * noise);
  return after.some(({ loss }) => loss - (start - fall) > counts);
}

/** Where it is. */
const lowestOf = (curve: readonly number[]): number =>
  curve.reduce((best, loss, i) => (loss < curve[best]! ? i : best), 0);

/** Largest fall per unit of ln(rate), between neighbours on both sides. */
function steepestOf(curve: readonly number[], points: readonly RatePoint[], start: number): number {
  let steepest = 0;
  let slope = Number.POSITIVE_INFINITY;
  const step = Math.log(points[1]!.rate / points[0]!.rate);
  for (let i = 0; i < curve.length; i++) {
    const next = Math.min(i + 1, curve.length - 1);
    const own = (curve[next]! - (curve[i - 1] ?? start)) / (step * (next - i + 1));
    if (own < slope) [steepest, slope] = [i, own];
  }
  return steepest;
}

interface Curve {
  readonly fall: number;
  readonly start: number;
  readonly noise: number;
  /** Where nothing much may happen yet: a curve whose beginning is not seen cannot be read. */
  readonly first: readonly RatePoint[];
  readonly turned: boolean;
}

function whyNot({ fall, start, noise, first, turned }: Curve): string | null {
  const least = LEAST_FALL * start;
  if (fall < least && turned) return "the loss rises before it has fallen: begin the sweep at a lower rate";
  if (fall < LEAST_FALL_IN_NOISE * noise) {
    return `too noisy: the loss fell by ${formatNumber(fall)} and jumps by ${formatNumber(noise)} from point to point`;
  }
  if (fall < least) {
    return `flat: over the whole sweep the loss moved by ${formatNumber(fall)} from ${formatNumber(start)}; end it at a higher rate`;
  }
  if (first.some(({ loss }) => Math.abs(start - loss) > fall / 4)) {
    return "the loss moves from the very first rates on: begin the sweep at a lower one";
  }
  return null;
}

function tooFew(count: number, points: readonly RatePoint[], divergedAt: number | null): string {
  if (divergedAt === null) return `${count} points are too few to read a curve; it takes ${FEWEST}`;
  const first = formatSetting(Number(points[0]!.rate.toPrecision(2)));
  return `the loss blew up within ${count + 1} updates, from a rate of ${first} on: begin the sweep far lower`;
}

type Marks = Pick<RateSuggestion, "steepestAt" | "bestAt" | "bestLoss" | "turned">;

function reasonFor(start: number, { steepestAt, bestAt, bestLoss, turned }: Marks): string {
  const show = (value: number | null) => formatSetting(Number((value ?? 0).toPrecision(2)));
  const fastest = `the loss fell fastest at ${show(steepestAt)}`;
  const course = `from ${formatNumber(start)} to ${formatNumber(bestLoss ?? 0)}`;
  if (!turned) return `${fastest}, and still fell at the end of the sweep (${course}): a higher rate may do as well`;
  return `${fastest} and was lowest at ${show(bestAt)} (${course}): well below that a run is safe`;
}
