/**
 * One line of judgement on a run, from its curves alone: where the loss came from, where it is, which way it goes, and
 * whether gradients and validation loss agree. It claims nothing that was not measured. Pure.
 */
import { formatCount, formatNumber } from "../../../core/units.ts";
import type { CurveName, Points } from "../../state/curves.ts";

export interface Verdict {
  readonly tone: "neutral" | "good" | "warn" | "bad";
  readonly text: string;
}

export type Trend = "early" | "falling" | "flat" | "rising";

/** Fewer updates allow no word about a direction. */
const FEWEST = 6;
/** Longest stretch whose mean is compared with the stretch before it. */
const STRETCH = 20;
/** A change of the mean below this share is none, however little the losses scatter. */
const LEAST_CHANGE = 0.01;
/** Gradients above this many times their median are a jump. */
const JUMP = 4;
const RECENT = 5;
/** The validation loss has turned when it stands this share above its lowest. */
const TURNED = 0.02;

const short = (value: number): string => formatNumber(value, 3);

/**
 * The verdict. `ended`: nothing more will come. `watched`: the engine's guard judges this run and knows more, so what
 * would be a warning here is told as a plain fact.
 */
export function judge(read: (name: CurveName) => Points, ended: boolean, watched = false): Verdict {
  const loss = read("loss");
  const skipped = skippedUpdates(read);
  if (skipped.last !== null && !watched) {
    const lead = `Update ${formatCount(skipped.last)} was skipped: its loss or gradient is not finite`;
    return { tone: "bad", text: `${lead}. A lower learning rate usually helps.` };
  }
  if (loss.count === 0) return { tone: "neutral", text: ended ? "No update was made." : "No update yet." };
  const trend = trendOf(loss);
  const smoothed = read("smoothedLoss");
  const [first, last] = [short(loss.y[0]!), short(smoothed.y[smoothed.count - 1]!)];
  if (trend.kind === "early") return { tone: "neutral", text: `Loss ${last} so far: too early for a trend` };
  const notes = [gradientNote(read("gradNorm"), ended), validationNote(read("validationLoss"))];
  if (skipped.count > 0) notes.push({ tone: "warn", text: `${skipped.count} skipped because they were not finite` });
  const parts = notes.filter((note) => note !== null);
  const doubtful = parts.some((part) => part.tone === "warn") || trend.kind === "rising";
  const tone = doubtful ? (watched ? "neutral" : "warn") : TONES[trend.kind as keyof typeof TONES];
  const lead = `Loss ${first} → ${last}, ${directionWords(trend, ended)}`;
  return { tone, text: [lead, ...parts.map(({ text }) => text)].join("; ") };
}

const TONES = { falling: "good", flat: "neutral" } as const;

function directionWords({ kind, stretch }: { kind: Trend; stretch: number }, ended: boolean): string {
  if (kind === "falling") return ended ? "still falling at the end" : "falling";
  const place = ended ? "at the end" : `over the last ${stretch} updates`;
  return kind === "rising" ? `rising ${place}` : `level ${place}`;
}

/** Which way the newest losses go: their mean against that of as many before, beyond what their scatter explains. */
export function trendOf({ y, count }: Points): { readonly kind: Trend; readonly stretch: number } {
  if (count < FEWEST) return { kind: "early", stretch: 0 };
  const stretch = Math.min(STRETCH, Math.floor(count / 2));
  const newer = moments(y.subarray(count - stretch, count));
  const older = moments(y.subarray(count - 2 * stretch, count - stretch));
  const change = newer.mean - older.mean;
  const scatter = Math.sqrt((newer.variance + older.variance) / stretch);
  if (Math.abs(change) < Math.max(2 * scatter, LEAST_CHANGE * Math.abs(older.mean))) return { kind: "flat", stretch };
  return { kind: change < 0 ? "falling" : "rising", stretch };
}

function moments(values: Float64Array): { mean: number; variance: number } {
  let mean = 0;
  for (const value of values) mean += value / values.length;
  let variance = 0;
  // Around the stretch's own line, so that a steady fall does not count as scatter.
  const middle = (values.length - 1) / 2;
  let [along, spread] = [0, 0];
  for (const [i, value] of values.entries()) {
    along += (i - middle) * (value - mean);
    spread += (i - middle) ** 2;
  }
  const slope = spread === 0 ? 0 : along / spread;
  for (const [i, value] of values.entries()) {
    variance += (value - mean - slope * (i - middle)) ** 2 / Math.max(1, values.length - 2);
  }
  return { mean, variance };
}

/** Every update has a learning rate; only finite ones have a loss. `last`: the newest one, if it was skipped. */
function skippedUpdates(read: (name: CurveName) => Points): { count: number; last: number | null } {
  const [all, finite] = [read("learningRate"), read("loss")];
  const newest = all.count === 0 ? 0 : all.x[all.count - 1]!;
  const good = finite.count === 0 ? 0 : finite.x[finite.count - 1]!;
  return { count: all.count - finite.count, last: newest > good ? newest : null };
}

function gradientNote({ y, count }: Points, ended: boolean): Verdict | null {
  if (count < FEWEST) return null;
  const usual = [...y.subarray(Math.max(0, count - 50), count)].sort((a, b) => a - b)[Math.min(count, 50) >> 1]!;
  const peak = Math.max(...y.subarray(count - RECENT, count));
  if (peak <= JUMP * usual) return { tone: "good", text: "gradients steady" };
  const when = ended ? "at the end" : "just now";
  return { tone: "warn", text: `gradient norm up to ${short(peak)} ${when}, usually about ${short(usual)}` };
}

function validationNote({ x, y, count }: Points): Verdict | null {
  if (count < 2) return null;
  const values = y.subarray(0, count);
  const lowest = values.indexOf(Math.min(...values));
  const last = values[count - 1]!;
  if (lowest > 0 && last > values[lowest]! * (1 + TURNED)) {
    return { tone: "warn", text: `validation loss up again since update ${formatCount(x[lowest]!)}` };
  }
  return { tone: "good", text: `validation ${short(values[0]!)} → ${short(last)}` };
}
