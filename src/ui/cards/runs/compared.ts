/** Earlier runs beside each other: their curves as series of one chart, and what the chart shows in words. */
import { formatNumber } from "../../../core/units.ts";
import type { RunDetail } from "../../../worker/protocol.ts";
import { type CurveName, type Curves, createCurves } from "../../state/curves.ts";

export interface ComparedRun {
  readonly name: string;
  readonly detail: RunDetail;
  readonly curves: Curves;
}

/** As many as there are colours to tell apart. */
export const MOST_COMPARED = 5;
const HUES = ["accent", "amber", "violet", "rose", "blue"] as const;

/** The curves of each run, filled once. */
export function comparedRuns(details: readonly RunDetail[], names: readonly string[]): ComparedRun[] {
  return details.map((detail, i) => {
    const curves = createCurves();
    curves.add(detail.events);
    return { name: names[i] ?? detail.summary.title, detail, curves };
  });
}

/** Series for a chart; validation is dashed as everywhere. Runs without points of a kind are left out. */
export function comparedSeries(runs: readonly ComparedRun[], curve: CurveName) {
  return runs.flatMap(({ name, curves }, i) => {
    if (curves.points(curve).count === 0) return [];
    return [{ label: name, hue: HUES[i % HUES.length]!, points: () => curves.points(curve) }];
  });
}

/** "Trial ends at 2.27, Standard at 1.42." */
export function comparedSummary(runs: readonly ComparedRun[], curve: CurveName): string {
  const ends = runs.flatMap(({ name, curves }) => {
    const last = curves.last(curve);
    return last === null ? [] : [`${name} at ${formatNumber(last, 3)}`];
  });
  return ends.length === 0 ? "Nothing was measured." : `Ends: ${ends.join("; ")}.`;
}
