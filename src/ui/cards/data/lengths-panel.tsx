/** How long the records are, against the sequence limit. */
import { useMemo } from "react";
import { formatCount } from "../../../core/units.ts";
import { BarChart } from "../../kit/charts/bar-chart.tsx";
import { useAppState } from "../../state/page.tsx";
import { barsOf, lengthSummary } from "./lengths.ts";

export function LengthsPanel() {
  const histogram = useAppState(({ data }) => data.histogram);
  const lengths = useAppState(({ data }) => data.diagnosis?.train.lengths ?? null);
  // The engine's own limit: the knob, or the model's context when that is shorter.
  const limit = useAppState(({ config, model }) =>
    config ? Math.min(config.maxSeqLength, model.facts?.maxTokens ?? config.maxSeqLength) : null,
  );
  const bars = useMemo(() => barsOf(histogram ?? []), [histogram]);
  const summary = useMemo(() => lengthSummary(lengths ?? [], limit), [lengths, limit]);
  if (bars.length === 0) return null;
  return (
    <BarChart
      title="Lengths"
      bars={bars}
      limit={limit === null ? undefined : { value: limit, label: `limit: ${formatCount(limit)} tokens` }}
      xLabel="tokens"
      format={formatCount}
      summary={summary}
    />
  );
}
