/** Which runs can be mixed, with which weights, and how a mix and what its files lose are said. Pure. */
import { formatNumber, formatSetting, formatShare } from "../../../core/units.ts";
import {
  baseOf,
  type MixedRun,
  type MixLoss,
  type MixPart,
  type MixState,
  type RunSummary,
} from "../../../worker/protocol.ts";
import { dateWords, legendNames, updateWords } from "../runs/run-words.ts";
import { layerName } from "./changes.ts";

/** Of the runs that are taken in, by their ids. */
export type Weights = Readonly<Record<string, number>>;

/** Weights as the person set them beside this run; they need not be those that stand. */
export interface MixDraft {
  readonly run: string;
  readonly weights: Weights;
}

/** Ended runs with an adapter of the shown run's base: that run first, then the newest. */
export function mixableRuns(runs: readonly RunSummary[], shown: string | null): RunSummary[] {
  const own = runs.find(({ id }) => id === shown);
  if (!own) return [];
  const fitting = runs.filter(
    ({ usable, status, model }) => usable && status !== "running" && baseOf(model) === baseOf(own.model),
  );
  const rank = ({ id }: RunSummary) => (id === shown ? 0 : 1);
  return fitting.toSorted((a, b) => rank(a) - rank(b) || b.began - a.began);
}

/** What the model speaks with now. */
export const standingWeights = (mix: MixState | null, shown: string): Weights =>
  mix ? Object.fromEntries(mix.parts.map(({ id, weight }) => [id, weight])) : { [shown]: 1 };

/** What the fields show: the draft of this run, else what stands; of runs that are offered alone. */
export function shownWeights(
  draft: MixDraft | null,
  shown: string,
  mix: MixState | null,
  offered: readonly RunSummary[],
): Weights {
  const wished = draft?.run === shown ? draft.weights : standingWeights(mix, shown);
  return Object.fromEntries(offered.flatMap(({ id }) => (id in wished ? [[id, wished[id]!]] : [])));
}

export function sameWeights(a: Weights, b: Weights): boolean {
  const ids = Object.keys(a);
  return ids.length === Object.keys(b).length && ids.every((id) => a[id] === b[id]);
}

/** As the engine takes them, in the order of the list. */
export const partsOf = (weights: Weights, offered: readonly RunSummary[]): MixPart[] =>
  offered.flatMap(({ id }) => (id in weights ? [{ id, weight: weights[id]! }] : []));

/** "1 × Letters in my voice", "−0.5 × Demo, yesterday 09:12". */
export function mixLines(parts: readonly MixedRun[], now: number): string[] {
  const names = legendNames(parts, now);
  return parts.map(({ weight }, i) => `${formatSetting(weight).replace("-", "−")} × ${names[i]}`);
}

/** "yesterday 09:12 · 64 updates · loss 1.42" */
export function runLine(run: RunSummary, now: number): string {
  const loss = run.lastLoss === null ? [] : [`loss ${formatNumber(run.lastLoss, 3)}`];
  return [dateWords(run.began, now), updateWords(run), ...loss].join(" · ");
}

/** What a file of this rank is, of a mix whose own is `whole`. */
export function lossWords({ rank, error, worst }: MixLoss, whole: number): string {
  const ranked = `Rank ${rank}`;
  if (error === 0) return rank === whole ? `${ranked}: the exact sum.` : `${ranked} holds all of it.`;
  const most = worst ? `, most in ${layerName(worst.module)}: ${formatShare(worst.error)}` : "";
  return `${ranked} leaves out ${formatShare(error)} of the mix's change${most}.`;
}
