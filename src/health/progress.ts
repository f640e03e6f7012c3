/**
 * Advice on a run that goes on: a loss that got stuck, an adapter that learns by heart, and when to stop for want of
 * progress. Nothing here justifies a rollback; that is trend.ts. Pure functions of what was measured so far.
 */

import { median, robustDeviation } from "../core/robust.ts";
import { formatCount, formatNumber } from "../core/units.ts";
import type { Level } from "./finding.ts";

export interface StepPoint {
  readonly step: number;
  /** NaN where it was not finite. */
  readonly loss: number;
  readonly learningRate: number;
}

export interface ValidationPoint {
  /** Updates done before it; 0 is the untouched base. */
  readonly step: number;
  readonly loss: number;
}

export interface Advice {
  readonly kind: "plateau" | "overfitting";
  readonly level: Level;
  readonly text: string;
  readonly fix: string;
}

/** Updates whose median is one point of comparison. */
const STRETCH = 16;
/** Three stretches in a row must be level: two are, by chance, now and then. */
const STRETCHES = 3;
/** A fall of the loss below this share from one stretch to the next is none. */
const LEAST_FALL = 0.02;
/** Below this share of its peak a rate is small: a loss that levels out then does as the schedule wants. */
const SMALL_RATE = 0.3;
/** Nats: what is this low has been learned, and is level for that reason. */
const LEARNED = 0.25;
/** The validation loss has turned when it stands this share above its lowest … */
const TURNED = 0.02;
/** … for so many measurements: one may be noise of the adapter's own. */
const MEASUREMENTS = 2;

/** The first advice that was not yet `told`, from all updates and validations so far, in order. */
export function adviseOn(
  steps: readonly StepPoint[],
  validations: readonly ValidationPoint[],
  told: ReadonlySet<Advice["kind"]>,
): Advice | null {
  const overfitting = told.has("overfitting") ? null : overfits(steps, validations);
  return overfitting ?? (told.has("plateau") ? null : isStuck(steps));
}

function isStuck(steps: readonly StepPoint[]): Advice | null {
  const finite = steps.filter(({ loss }) => Number.isFinite(loss));
  const newest = finite.slice(-STRETCHES * STRETCH);
  if (newest.length < STRETCHES * STRETCH) return null;
  const peak = steps.reduce((most, { learningRate }) => Math.max(most, learningRate), 0);
  // Rising or small rates explain a level loss.
  if (newest.some(({ learningRate }) => learningRate < SMALL_RATE * peak)) return null;
  const losses = newest.map(({ loss }) => loss);
  const levels = Array.from({ length: STRETCHES }, (_, i) => median(losses.slice(i * STRETCH, (i + 1) * STRETCH)));
  const [first, last] = [levels[0]!, levels[STRETCHES - 1]!];
  if (last < LEARNED) return null;
  // What scatter hides is not known to be level: a median of 16 scatters by 1.25 / √16 of one, a difference √2 of that.
  const hidden = 1.25 * Math.sqrt(2 / STRETCH) * robustDeviation(losses);
  if (hidden > LEAST_FALL * last || Math.max(...levels) - Math.min(...levels) > LEAST_FALL * first + hidden)
    return null;
  const share = Math.round((100 * newest[newest.length - 1]!.learningRate) / peak);
  return {
    kind: "plateau",
    level: "note",
    text: `the loss has been level at ${formatNumber(last, 3)} since update ${formatCount(newest[0]!.step)}, with the rate still at ${share} % of its peak`,
    fix: "More updates of this kind will hardly help: stop here, or begin again with a higher learning rate or rank.",
  };
}

function overfits(steps: readonly StepPoint[], validations: readonly ValidationPoint[]): Advice | null {
  const best = lowest(validations);
  if (!best) return null;
  const after = validations.slice(validations.indexOf(best) + 1);
  const newest = after.slice(-MEASUREMENTS);
  if (newest.length < MEASUREMENTS || newest.some(({ loss }) => !(loss > best.loss * (1 + TURNED)))) return null;
  const medianOf = (points: readonly StepPoint[]) => median(points.map(({ loss }) => loss).filter(Number.isFinite));
  const since = steps.filter(({ step }) => step > best.step).slice(-STRETCH);
  // Where the base itself was best, the first updates are what there is to compare with.
  const until =
    best.step === 0 ? steps.slice(0, STRETCH) : steps.filter(({ step }) => step <= best.step).slice(-STRETCH);
  const [then, now] = [medianOf(until), medianOf(since)];
  if (!(now < then * (1 - LEAST_FALL))) return null;
  const [low, high] = [best.loss, newest[newest.length - 1]!.loss].map((loss) => formatNumber(loss, 3));
  return {
    kind: "overfitting",
    level: "warn",
    text: `the validation loss is at ${high}, up from ${low} after update ${formatCount(best.step)}, while the training loss went on falling (${formatNumber(then, 3)} to ${formatNumber(now, 3)}): the adapter learns the records by heart`,
    fix: "Stop here, the best adapter is kept; next time make fewer passes over the data, or bring more records.",
  };
}

/** Whether `patience` validations in a row, the newest included, brought no new lowest loss; 0 = never. */
export function shouldStopEarly(validations: readonly ValidationPoint[], patience: number): boolean {
  if (patience === 0) return false;
  const best = lowest(validations);
  const since = best ? validations.length - 1 - validations.indexOf(best) : validations.length;
  return since >= patience;
}

/** The first of the lowest; a loss that is not finite is never it. */
function lowest(validations: readonly ValidationPoint[]): ValidationPoint | null {
  const finite = validations.filter(({ loss }) => Number.isFinite(loss));
  return finite.reduce<ValidationPoint | null>((best, one) => (best && best.loss <= one.loss ? best : one), null);
}
