/** The histogram of lengths as the chart wants it, and in a sentence. Pure. */
import { formatCount } from "../../../core/units.ts";
import type { LengthBin } from "../../../worker/protocol.ts";
import type { Bar } from "../../kit/charts/histogram.ts";

/** Ends are included in the engine's bins; its last one, all that is over the limit, gets the width of the others. */
export function barsOf(bins: readonly LengthBin[]): Bar[] {
  const width = bins.find(({ to }) => to !== null);
  const step = width?.to ? width.to - width.from + 1 : 1;
  return bins
    .filter(({ to, count }) => to !== null || count > 0)
    .map(({ from, to, count }) => ({ from: from - 1, to: to ?? from - 1 + step, count }));
}

/** "Half have at most 120 tokens; the longest has 812. 12 of 264 are longer than the limit of 512 and are cut." */
export function lengthSummary(lengths: readonly number[], limit: number | null): string {
  if (lengths.length === 0) return "No records.";
  const ordered = [...lengths].sort((a, b) => a - b);
  const [median, longest] = [ordered[(ordered.length - 1) >> 1]!, ordered.at(-1)!];
  const shape = `Half have at most ${formatCount(median)} tokens; the longest has ${formatCount(longest)}.`;
  if (limit === null) return shape;
  const over = ordered.filter((length) => length > limit).length;
  if (over === 0) return `${shape} None is longer than the limit of ${formatCount(limit)}.`;
  const are = over === 1 ? "is longer than the limit" : "are longer than the limit";
  return `${shape} ${formatCount(over)} of ${formatCount(ordered.length)} ${are} of ${formatCount(limit)} and cut there.`;
}
