/**
 * Whether a run diverges, told from its losses and gradient norms one update at a time. It answers only what justifies
 * a rollback: a loss that went up and stays up. One hard batch is none, nor is a plateau; those matters are told by
 * progress.ts.
 *
 * How: what a loss exceeds the usual by, in units of the run's own scatter, adds to a score; a usual loss takes off (a
 * one-sided cumulative sum: Page 1954, Continuous Inspection Schemes). While the score is above zero its updates are
 * suspects, kept out of what later losses are compared with. Slow rises are found by comparing whole stretches.
 */
import { formatError } from "../core/errors.ts";
import { describeJson, isJsonObject, type JsonValue } from "../core/json.ts";
import { median } from "../core/robust.ts";
import { formatCount, formatNumber } from "../core/units.ts";
import {
  areProof,
  BREAK,
  EARLY,
  gradientSign,
  heightOf,
  isCleanBreak,
  isHigher,
  isUp,
  levelOf,
  lossAt,
  risesFromTheStart,
  type Seen,
  STRETCH,
  type Stretch,
  stretchOf,
  WINDOW,
  weigh,
} from "./trend-evidence.ts";

/** One update as its report tells it; the loss is that before the update. */
export interface UpdateFacts {
  readonly step: number;
  /** Mean over supervised tokens, natural log. */
  readonly loss: number;
  /** Global norm before clipping. */
  readonly gradNorm: number;
  /** False when loss or gradient were not finite. */
  readonly finite: boolean;
}

export interface Alarm {
  readonly kind: "spike" | "rise" | "non-finite";
  /** The update at which it was sure. */
  readonly step: number;
  /** The first that looked wrong. Its loss was measured before it: the harm was done by an update before. */
  readonly onset: number;
  /** A sentence with the numbers it rests on. */
  readonly text: string;
}

/** Updates in a row that were not finite: one or two are skipped, and the run goes on. */
const NOT_FINITE = 3;
/** Suspects held back at most: what went on so long without an alarm is how this run is. */
const mostSuspects = (good: number): number => Math.min(24, 8 + 2 * good);
/** The score goes no higher, so that a loss that is back is believed after a few updates. */
const MOST_SCORE = 8;
/** Updates in a row whose stretch must be up. */
const UP_FOR = 4;
/** Good updates remembered over a rollback: the level, with little certainty about it. */
const KEPT = 8;
/** Updates after a rollback in which a divergence is likelier than not to come again. */
const WARY_FOR = 48;

export class TrendWatch {
  /** Newest last, at most WINDOW. */
  private good: Seen[] = [];
  private suspects: Seen[] = [];
  private score = 0;
  private onset = 0;
  /** Heights of the newest updates, good or not, at most EARLY of them, and how many there were since the start. */
  private course: number[] = [];
  private seen = 0;
  /** Update of the newest height. */
  private newest = 0;
  private best: Stretch | null = null;
  /** The last update whose stretch was no higher than the best but for its scatter, and whether the newest is higher. */
  private levelAt = 0;
  private climbing = false;
  private upFor = 0;
  private notFinite = 0;
  private told = false;
  /** Updates in which a little proof is enough: who diverged a moment ago is likely to again. */
  private wary = 0;

  /** Takes the next update, in order. An alarm is told once, until the loss is back or `afterRollback`. */
  add({ step, loss, gradNorm, finite }: UpdateFacts): Alarm | null {
    if (!finite || !Number.isFinite(loss) || !Number.isFinite(gradNorm)) return this.addNotFinite(step);
    this.notFinite = 0;
    this.wary = Math.max(0, this.wary - 1);
    const height = heightOf(loss);
    this.follow(height, step);
    const excess = this.good.length === 0 ? 0 : height - levelOf(this.good);
    const update: Seen = [height, excess, Math.log(Math.max(gradNorm, 1e-12)), step];
    if (excess > 0 || this.score > 0) this.score = clamp(this.score + weigh(update, this.good), 0, MOST_SCORE);
    if (this.suspects.length === 0) this.onset = step;
    this.suspects.push(update);
    const most = mostSuspects(this.good.length);
    if (this.score === 0 || (this.suspects.length > most && !this.told)) this.acquit();
    this.suspects = this.suspects.slice(-most);
    const alarm = this.spikeOrRise(step) ?? this.earlyRise(step) ?? this.slowRise(step) ?? this.cleanBreak(step);
    const news = alarm !== null && !this.told;
    this.told = alarm !== null || (this.told && this.score > 0);
    return news ? alarm : null;
  }

  /** Nothing is suspicious: the weights that the newest update's loss was measured with are worth keeping. */
  get calm(): boolean {
    return this.score === 0 && !this.climbing && this.notFinite === 0 && !this.told;
  }

  /**
   * After weights were put back to those behind update `toStep`, for an alarm that began at `onset`: what was seen since
   * is forgotten, and the level is less certain than it was. Reports of updates that were made before must not be added
   * any more.
   */
  afterRollback(toStep: number, onset: number): void {
    this.good = this.good.filter(([, , , step]) => step < onset).slice(-KEPT);
    this.suspects = [];
    this.score = 0;
    // The loss of the update after it was measured with those very weights.
    const kept = this.course.length - Math.max(0, this.newest - (toStep + 1));
    this.course = this.course.slice(0, Math.max(0, kept)).slice(-BREAK);
    this.seen = 0;
    this.best = null;
    this.climbing = false;
    this.upFor = 0;
    this.notFinite = 0;
    this.told = false;
    this.wary = WARY_FOR;
  }

  private addNotFinite(step: number): Alarm | null {
    this.notFinite += 1;
    if (this.notFinite < NOT_FINITE || this.told) return null;
    this.told = true;
    const onset = step - this.notFinite + 1;
    const text = `${this.notFinite} updates in a row had a loss or a gradient that is not finite, from update ${formatCount(onset)} on`;
    return { kind: "non-finite", step, onset, text };
  }

  private follow(height: number, step: number): void {
    this.course = [...this.course, height].slice(-EARLY);
    this.seen += 1;
    this.newest = step;
    if (this.course.length < STRETCH) return;
    const newest = stretchOf(this.course.slice(-STRETCH));
    if (!this.best || newest.height < this.best.height) this.best = newest;
    this.climbing = isHigher(newest, this.best);
    if (!this.climbing) this.levelAt = step;
    this.upFor = isUp(newest, this.best) ? this.upFor + 1 : 0;
  }

  /** The suspects are good after all; those of an alarm are not, but the loss is back. */
  private acquit(): void {
    const acquitted = this.told ? [] : this.suspects;
    this.good = [...this.good, ...acquitted].slice(-WINDOW);
    this.suspects = [];
    this.score = 0;
  }

  private spikeOrRise(step: number): Alarm | null {
    const { good, suspects, score, onset, wary } = this;
    if (!areProof(score, good, suspects, wary > 0)) return null;
    const level = levelOf(good);
    const heights = suspects.map(([height]) => height);
    const newest = median(heights.slice(-3));
    // A spike is up at once; a rise gets there.
    const spike = median(heights.slice(0, 2)) - level >= (newest - level) / 2;
    const sign = gradientSign(good, suspects);
    const text = `${change(spike ? "jumped" : "rose", level, newest)} over ${suspects.length} updates from update ${formatCount(onset)} on${sign ? SIGNS[sign] : ""}`;
    return { kind: spike ? "spike" : "rise", step, onset, text };
  }

  private earlyRise(step: number): Alarm | null {
    const { course, seen } = this;
    if (seen > EARLY || !risesFromTheStart(course)) return null;
    const onset = step - course.length + 1;
    const text = `${change("rose", median(course.slice(0, 3)), median(course.slice(-3)))} in the first ${course.length} updates, nearly every time`;
    return { kind: "rise", step, onset, text };
  }

  private slowRise(step: number): Alarm | null {
    const { best, upFor, course, levelAt } = this;
    if (!best || upFor < UP_FOR) return null;
    const newest = median(course.slice(-STRETCH));
    const text = `${change("rose", best.height, newest)} since update ${formatCount(levelAt)}, each the middle of ${STRETCH} updates`;
    return { kind: "rise", step, onset: levelAt + 1, text };
  }

  /** A loss that was falling fast hides a jump in its own scatter; but not that each new loss is above each before. */
  private cleanBreak(step: number): Alarm | null {
    const { course } = this;
    if (!isCleanBreak(course)) return null;
    const [before, newest] = [course.slice(-2 * BREAK, -BREAK), course.slice(-BREAK)];
    const text = `${change("jumped", median(before), median(newest))}: each of the newest ${BREAK} losses is far above each of the ${BREAK} before`;
    return { kind: "spike", step, onset: step - BREAK + 1, text };
  }

  /** For a checkpoint: `restore` makes a watch that goes on as this one would. */
  state(): JsonValue {
    const { good, suspects, score, onset, course, seen, newest, best, levelAt, climbing, upFor } = this;
    const { notFinite, told, wary } = this;
    const lists = { good: good.map((one) => [...one]), suspects: suspects.map((one) => [...one]), course: [...course] };
    const counts = { score, onset, seen, newest, levelAt, upFor, notFinite, wary };
    return { ...lists, ...counts, best: best && { ...best }, climbing, told };
  }

  /** Throws a FormatError when `state` is not one that `state()` made. */
  static restore(state: JsonValue): TrendWatch {
    const read = reader(state);
    const watch = new TrendWatch();
    watch.good = read.updates("good");
    watch.suspects = read.updates("suspects");
    watch.course = read.numbers("course");
    for (const name of ["score", "onset", "seen", "newest", "levelAt", "upFor", "notFinite", "wary"] as const)
      watch[name] = read.number(name);
    watch.best = read.best();
    for (const name of ["climbing", "told"] as const) watch[name] = read.flag(name);
    return watch;
  }
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

const SIGNS = { jumped: ", with gradients far above the usual", gone: ", and hardly any gradient is left" } as const;

const change = (verb: string, from: number, to: number): string =>
  `the loss ${verb} from ${formatNumber(lossAt(from), 3)} to ${formatNumber(lossAt(to), 3)}`;

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isSeen = (value: unknown): value is Seen => Array.isArray(value) && value.length === 4 && value.every(isNumber);

/** Fields of a watch's state, each with a usable error. */
function reader(state: JsonValue) {
  const fields: Record<string, unknown> = isJsonObject(state) ? state : {};
  const refuse = (name: string, expected: string): never => {
    throw formatError(`[trend] ${name}: expected ${expected}, got ${describeJson(fields[name])}`);
  };
  const list = <T>(name: string, is: (value: unknown) => value is T): T[] => {
    const value = fields[name];
    return Array.isArray(value) && value.every(is) ? [...value] : refuse(name, "a list of finite numbers");
  };
  const numberIn = (values: Record<string, unknown>, name: string): number => {
    const value = values[name];
    return isNumber(value) ? value : refuse(name, "a finite number");
  };
  return {
    updates: (name: string) => list(name, isSeen),
    numbers: (name: string) => list(name, isNumber),
    number: (name: string) => numberIn(fields, name),
    flag: (name: string) => {
      const value = fields[name];
      return typeof value === "boolean" ? value : refuse(name, "true or false");
    },
    best: () => {
      const { best } = fields;
      if (best === null) return null;
      if (!isJsonObject(best)) return refuse("best", "null or a stretch");
      return { height: numberIn(best, "height"), scatter: numberIn(best, "scatter") };
    },
  };
}
