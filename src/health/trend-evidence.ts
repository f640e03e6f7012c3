/**
 * What speaks for a divergence, in numbers: how much a loss exceeds the usual, whether suspects are proof, whether a
 * course rises. All thresholds of the watch (trend.ts) are here, each with its reason.
 *
 * They were chosen on the simulated and recorded curves of test/health/, which measure how often they raise a false
 * alarm and how late a true one. Losses are compared as heights, ln(loss + SOFTEN): what batches do to a loss is in
 * proportion to it.
 */
import { largest, lnChoose, median, quantile, riseStatistic, robustDeviation } from "../core/robust.ts";

/** An update in numbers to compare: its height, its excess over the level of its time, ln(gradient norm), and which it was. */
export type Seen = readonly [height: number, excess: number, gradient: number, step: number];

/** Added to a loss, in nats: below it losses count by their difference, so that 0.01 → 0.03 is next to nothing. */
const SOFTEN = 0.1;
export const heightOf = (loss: number): number => Math.log(Math.max(0, loss) + SOFTEN);
export const lossAt = (height: number): number => Math.exp(height) - SOFTEN;

/** Good updates whose scatter counts: enough to have met a dataset's hard batches, few enough to forget the start. */
export const WINDOW = 48;
/** Newest good updates that make the level: few, or a falling loss could rise a long way within its own past. */
const LEVEL = 16;
/** Which of them is the level: above the middle, so that half hard and half easy batches have the hard as theirs. */
const LEVEL_SHARE = 0.67;
/** Heights within 4 % of each other are the same, however little a run scatters. */
const LEAST_SCATTER = 0.04;
/** What the scatter may be while few updates are known: this over the root of their number. */
const UNKNOWN_SCATTER = 0.6;
/** The usual excess reaches up to the third largest there was: a hard batch that came three times is no news. */
const RANK = 3;
/** The same for the newest heights, when the mix of batches around the level changes. */
const NEWEST_RANK = 2;
/** Scatters above the usual from which on an excess speaks for a divergence. */
const BEYOND = 0.5;
/** The most that one update adds to the score or takes off: no batch decides alone. */
const MOST = 2.5;
const LEAST = -2;

/** The height that losses are compared with. */
export function levelOf(good: readonly Seen[]): number {
  return quantile(
    good.slice(-LEVEL).map(([height]) => height),
    LEVEL_SHARE,
  );
}

/** What an update adds to the score, in scatters. */
export function weigh(update: Seen, good: readonly Seen[]): number {
  const [, excess] = update;
  const misses = good.map(([, miss]) => miss);
  const newest = good.slice(-LEVEL).map(([height]) => height);
  const scatter = Math.max(LEAST_SCATTER, UNKNOWN_SCATTER / Math.sqrt(good.length), robustDeviation(misses));
  const usual = Math.max(scatter / 2, largest(misses, RANK), largest(newest, NEWEST_RANK) - levelOf(good));
  const gradient = excess > 0 && gradientOver(update, good) >= 0 ? GRADIENT_SAYS : 0;
  return Math.min(MOST, Math.max(LEAST, (excess - usual) / scatter - BEYOND + gradient));
}

/** The score of an alarm: at least two updates, far above the usual, and more where they are less far. */
const ALARM_SCORE = 4;
/** Fewest suspects, and of those fewest that are high: three hard batches in a row happen. */
const FEWEST = 4;
const FEWEST_HIGH = 5;
/** Of so many newest suspects all but one must be high: whoever recovers is no divergence. */
const NEWEST = 5;
/** High is a factor of 1.2 above the level: smaller rises are no divergence, however little a run scatters. */
const HIGH = Math.log(1.2);
/** Nats. A model that gives the right tokens a probability of 0.78 is not diverging; overfitted ones jump about there. */
const LEAST_LOSS = 0.25;
/** Odds against the high suspects being the highest of all by mere order: proof whatever the distribution. */
const ODDS = Math.log(100_000);
/** Odds that are enough where a gap parts suspects from good updates that is wider than either group, or to the wary. */
const ODDS_LOW = Math.log(250);
/** A rise of the suspects, as a normal deviate, that is proof as well, and the good updates before that it counts from. */
const RISE = 3.4;
const BEFORE = 4;
/** Gradient norms this many times the usual speak for a divergence. */
const GRADIENT_JUMP = Math.log(4);
/** They must also exceed the largest good one by so much, and while few are known, the usual by twice as much. */
const GRADIENT_BEYOND = Math.log(1.5);
const GRADIENT_UNKNOWN = Math.log(2);
const FEW = 8;
/** Share of a loss's excess that a gradient's is thought to come from: a hard batch has a large gradient too. */
const EXPLAINED = 0.5;
/** What such a gradient adds to the score when the loss is above its level as well. */
const GRADIENT_SAYS = 2;
/** First suspects of which two must have such gradients, or one of four times the size: they jump once, at the beginning. */
const GRADIENTS = 6;
const ONE_JUMP = Math.log(4);
/** Gradients below this share of the usual at a high loss: the model is lost, and nothing leads back. */
const GRADIENT_GONE = Math.log(1 / 6);
const NEWEST_GRADIENTS = 4;

/** How far a gradient norm lies above all that is usual, as a logarithm. */
function gradientOver([, excess, gradient]: Seen, good: readonly Seen[]): number {
  const usual = good.map(([, , norm]) => norm);
  const few = good.length < FEW ? GRADIENT_UNKNOWN : 0;
  const bar = Math.max(median(usual) + GRADIENT_JUMP + few, largest(usual, 1) + GRADIENT_BEYOND);
  return gradient - EXPLAINED * Math.max(0, excess) - bar;
}

/** What the suspects' gradients say: far above the usual, or nearly gone; null when neither. */
export function gradientSign(good: readonly Seen[], suspects: readonly Seen[]): "jumped" | "gone" | null {
  const over = suspects.slice(0, GRADIENTS).map((suspect) => gradientOver(suspect, good));
  if (largest(over, 2) >= 0 || largest(over, 1) >= ONE_JUMP) return "jumped";
  const newest = suspects.slice(-NEWEST_GRADIENTS).map(([, , norm]) => norm);
  return median(newest) <= median(good.map(([, , norm]) => norm)) + GRADIENT_GONE ? "gone" : null;
}

/** Whether suspects with this score are a divergence; `wary`: one was just before, so that less is proof. */
export function areProof(score: number, good: readonly Seen[], suspects: readonly Seen[], wary = false): boolean {
  if (score < ALARM_SCORE || suspects.length < FEWEST) return false;
  const isHigh = ([height, excess]: Seen) => excess >= HIGH && height >= heightOf(LEAST_LOSS);
  const newest = suspects.slice(-NEWEST);
  if (newest.filter(isHigh).length < newest.length - 1) return false;
  if (good.length + suspects.length >= FEW && gradientSign(good, suspects)) return true;
  const high = suspects.filter(isHigh).length;
  if (high < FEWEST_HIGH) return false;
  const surplus = Math.max(0, 2 * high - suspects.length);
  const odds = lnChoose(good.length + surplus, surplus);
  if (odds >= ODDS || (odds >= ODDS_LOW && (wary || areApart(good, suspects)))) return true;
  return riseStatistic([...good.slice(-BEFORE), ...suspects].map(([height]) => height)) >= RISE;
}

function areApart(good: readonly Seen[], suspects: readonly Seen[]): boolean {
  const [usual, above] = [good, suspects].map((updates) => updates.map(([height]) => height)) as [number[], number[]];
  const gap = Math.min(...above) - Math.max(...usual);
  const range = (heights: readonly number[]) => Math.max(...heights) - Math.min(...heights);
  return gap >= Math.max(HIGH, range(usual), range(above));
}

/** Updates of a course that are compared as one: a median of 12 scatters a third as much as one of them. */
export const STRETCH = 12;
/** A stretch is up when it stands a factor of 1.5 and three scatters of a single update above the best. */
const UP = Math.log(1.5);
const UP_SCATTERS = 3;
/** A range from the middle to the second outermost of a stretch is so many scatters. */
const OUTER = 1.5;

export interface Stretch {
  readonly height: number;
  readonly scatter: number;
}

/** Middle and scatter of a stretch; a mix of hard and easy updates scatters by what lies between them. */
export function stretchOf(heights: readonly number[]): Stretch {
  const height = median(heights);
  const [above, below] = [largest(heights, 2) - height, height - largest(heights, heights.length - 1)];
  return { height, scatter: Math.max(LEAST_SCATTER, robustDeviation(heights), above / OUTER, below / OUTER) };
}

/** Whether the newest stretch lies so far above the best that its weights are no state to go back to. */
export function isHigher(newest: Stretch, best: Stretch): boolean {
  return newest.height - best.height > Math.max(newest.scatter, best.scatter);
}

/** Whether the newest stretch lies above the best by more than scatter explains. */
export function isUp(newest: Stretch, best: Stretch): boolean {
  const least = Math.max(UP, UP_SCATTERS * Math.max(newest.scatter, best.scatter));
  return newest.height >= heightOf(LEAST_LOSS) && newest.height - best.height >= least;
}

/** Updates from a start on in which a rise counts although nothing is known of the scatter. */
export const EARLY = 24;
const EARLY_NEWEST = 12;
const EARLY_RISE = 3.4;
const EARLY_UP = Math.log(1.4);

/** Whether the first heights of a run do nothing but rise. */
export function risesFromTheStart(heights: readonly number[]): boolean {
  const newest = heights.slice(-EARLY_NEWEST);
  if (median(newest.slice(-3)) - median(newest.slice(0, 3)) < EARLY_UP) return false;
  return median(newest.slice(-3)) >= heightOf(LEAST_LOSS) && riseStatistic(newest) >= EARLY_RISE;
}

/** Losses on either side of a break: that eight in a row lie above the eight before is one order of 12,870. */
export const BREAK = 8;
/** And the lowest of them so far above the highest before: half as much again, which no mixture of batches gives. */
const BREAK_GAP = Math.log(1.5);

/** Whether each of the newest losses is far above each of as many before; `heights` newest last. */
export function isCleanBreak(heights: readonly number[]): boolean {
  if (heights.length < 2 * BREAK) return false;
  return Math.min(...heights.slice(-BREAK)) - Math.max(...heights.slice(-2 * BREAK, -BREAK)) >= BREAK_GAP;
}
