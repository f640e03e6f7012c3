/** What the curves show, in words, for readers who cannot see them. Pure. */
import { formatCount, formatNumber } from "../../../core/units.ts";
import type { CurveName, Points } from "../../state/curves.ts";

type Read = (name: CurveName) => Points;

const short = (value: number): string => formatNumber(value, 3);

/** "Training loss from 2.31 to 1.42 over 20 updates. Validation loss from 2.30 before training to 1.55 after update 20." */
export function lossSummary(read: Read): string {
  const { x, y, count } = read("smoothedLoss");
  if (count === 0) return "No update yet.";
  const [from, to] = [short(y[0]!), short(y[count - 1]!)];
  const updates = formatCount(x[count - 1]!);
  const loss =
    count === 1
      ? `Training loss ${from} at the first update.`
      : `Training loss from ${from} to ${to} over ${updates} updates.`;
  return [loss, ...validationSentence(read("validationLoss"))].join(" ");
}

function validationSentence({ x, y, count }: Points): string[] {
  if (count === 0) return [];
  const when = (i: number) => (x[i] === 0 ? "before training" : `after update ${formatCount(x[i]!)}`);
  const first = `${short(y[0]!)} ${when(0)}`;
  if (count === 1) return [`Validation loss ${first}.`];
  return [`Validation loss from ${first} to ${short(y[count - 1]!)} ${when(count - 1)}.`];
}

/** "Now 0.84, between 0.61 and 2.10 so far." */
export function rangeSummary({ y, count }: Points, format: (value: number) => string): string {
  if (count === 0) return "Nothing measured yet.";
  const values = y.subarray(0, count);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `Now ${format(values[count - 1]!)}, between ${format(low)} and ${format(high)} so far.`;
}

/** What a screen reader hears now and then: "Update 12 of 64. Training loss …". */
export function spokenSummary(steps: string, verdict: string): string {
  return `${steps}. ${verdict}.`;
}
