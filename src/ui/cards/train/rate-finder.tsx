/** Beside the learning rate: a sweep that looks for one, its curve as it comes, and a button that takes what was found. */
import { Button } from "../../kit/button.tsx";
import { ChartFrame } from "../../kit/charts/chart-frame.tsx";
import { DataTable } from "../../kit/data-table.tsx";
import { Progress } from "../../kit/progress.tsx";
import { isRunning } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import type { SweepSoFar } from "../../state/trials.ts";
import { startState } from "./start-state.ts";
import { BOX, rateText, sweepPlot, sweepSummary } from "./sweep-plot.ts";

export function RateFinder() {
  const { actions } = usePage();
  const { on, sweep } = useAppState((state) => state.trial);
  const barred = useAppState((state) => isRunning(state) || startState(state).reason !== null);
  return (
    <div className="c-train-sweep">
      {on === "sweep" ? (
        <Progress
          label="Looking for a learning rate"
          value={sweep?.start ? sweep.points.length / sweep.start.updates : undefined}
          detail="On an adapter that is thrown away."
          actions={
            <Button kind="quiet" icon="stop" onPress={() => void actions.stopTrial()}>
              Stop
            </Button>
          }
        />
      ) : (
        <div>
          <Button icon="target" disabled={barred || on !== null} onPress={() => void actions.findRate()}>
            Find a learning rate
          </Button>
        </div>
      )}
      {sweep && <SweepChart sweep={sweep} />}
    </div>
  );
}

function SweepChart({ sweep }: { readonly sweep: SweepSoFar }) {
  const { actions } = usePage();
  const current = useAppState((state) => state.config?.learningRate ?? null);
  const plot = sweepPlot(sweep);
  const rate = sweep.end?.suggestion.rate ?? null;
  const summary = sweepSummary(sweep);
  return (
    <>
      {plot ? (
        <ChartFrame title="Loss by learning rate" summary={summary} table={() => <Points sweep={sweep} />}>
          <svg
            className="c-train-curve"
            viewBox={`-2 -4 ${BOX.width + 4} ${BOX.height + 8}`}
            role="img"
            aria-label={`Loss by learning rate. ${summary}`}
          >
            {plot.at !== null && <line x1={plot.at} x2={plot.at} y1={0} y2={BOX.height} />}
            <path d={plot.path} />
          </svg>
          <div className="c-train-axis">
            <span>{plot.low}</span>
            {rate !== null && <span>suggested {rateText(rate)}</span>}
            <span>{plot.high}</span>
          </div>
        </ChartFrame>
      ) : (
        <p className="k-soft">{summary}</p>
      )}
      {rate !== null && rate !== current && (
        <div>
          <Button onPress={() => actions.setKnob("learningRate", rate)}>Use this rate: {rateText(rate)}</Button>
        </div>
      )}
    </>
  );
}

type Point = SweepSoFar["points"][number];

const COLUMNS = [
  { key: "rate", title: "Learning rate", numeric: true, render: ({ rate }: Point) => rateText(rate) },
  { key: "loss", title: "Loss after it", numeric: true, render: ({ loss }: Point) => loss.toFixed(4) },
];

function Points({ sweep }: { readonly sweep: SweepSoFar }) {
  return (
    <DataTable
      caption="Loss after an update at each rate"
      columns={COLUMNS}
      rows={sweep.points}
      rowKey={({ update }) => update}
      height={16}
    />
  );
}
