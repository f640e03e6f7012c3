/** Chosen runs in one chart, with the knobs in which they differ. */
import { useEffect, useMemo, useState } from "react";
import type { ErrorData } from "../../../core/errors.ts";
import { formatNumber } from "../../../core/units.ts";
import type { RunDetail, RunSummary } from "../../../worker/protocol.ts";
import { Section } from "../../kit/card.tsx";
import { LineChart } from "../../kit/charts/line-chart.tsx";
import { DataTable } from "../../kit/data-table.tsx";
import { ErrorNotice } from "../../kit/notice.tsx";
import { errorData } from "../../state/actions.ts";
import { usePage } from "../../state/page.tsx";
import { type ComparedRun, comparedRuns, comparedSeries, comparedSummary } from "./compared.ts";
import { knobDifferences } from "./knob-differences.ts";
import { legendNames } from "./run-words.ts";

const short = (y: number) => formatNumber(y, 3);
// Nothing comes after the runs were read.
const never = () => () => {};

export function Compare({ runs }: { readonly runs: readonly RunSummary[] }) {
  const { details, error } = useDetails(runs);
  const compared = useMemo(() => {
    const names = legendNames(
      details.map(({ summary }) => summary),
      Date.now(),
    );
    return comparedRuns(details, names);
  }, [details]);
  if (error) return <ErrorNotice title="The runs could not be read" error={error} />;
  if (compared.length < 2) return <p className="k-soft">The runs are being read.</p>;
  return (
    <Section title="Compared">
      <div className="c-runs-charts">
        <LossOf runs={compared} curve="smoothedLoss" title="Training loss, smoothed" />
        <LossOf runs={compared} curve="validationLoss" title="Validation loss" />
      </div>
      <Differences runs={compared} />
    </Section>
  );
}

interface LossProps {
  readonly runs: readonly ComparedRun[];
  readonly curve: "smoothedLoss" | "validationLoss";
  readonly title: string;
}

function LossOf({ runs, curve, title }: LossProps) {
  const series = useMemo(() => comparedSeries(runs, curve), [runs, curve]);
  if (series.length === 0) return null;
  return (
    <LineChart
      title={title}
      series={series}
      subscribe={never}
      xLabel="update"
      syncKey="runs"
      summary={comparedSummary(runs, curve)}
      format={short}
    />
  );
}

function Differences({ runs }: { readonly runs: readonly ComparedRun[] }) {
  const rows = useMemo(() => knobDifferences(runs.map(({ detail }) => detail.config)), [runs]);
  if (rows.length === 0) return <p className="k-soft">All their settings are the same.</p>;
  return (
    <DataTable
      caption="Settings in which they differ"
      columns={[
        { key: "label", title: "Setting" },
        ...runs.map(({ name }, i) => ({
          key: `run-${i}`,
          title: name,
          render: (row: (typeof rows)[number]) => row.values[i],
        })),
      ]}
      rows={rows}
      rowKey={(row) => row.name}
    />
  );
}

/** Reads what is not read yet. The list keeps its identity until a run joins or leaves. */
function useDetails(runs: readonly RunSummary[]) {
  const { actions } = usePage();
  const [details, setDetails] = useState<readonly RunDetail[]>([]);
  const [error, setError] = useState<ErrorData | null>(null);
  const key = runs.map(({ id }) => id).join(" ");
  useEffect(() => {
    let current = true;
    setError(null);
    Promise.all(key.split(" ").map((id) => actions.runDetail(id)))
      .then((all) => current && setDetails(all))
      .catch((reason) => current && setError(errorData(reason)));
    return () => {
      current = false;
    };
  }, [actions, key]);
  return { details, error };
}
