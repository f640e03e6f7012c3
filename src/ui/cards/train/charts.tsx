/** The curves of a run: the loss large, the rest as small multiples with the same cursor. */
import { memo, useMemo } from "react";
import { formatCount, formatNumber, formatSetting } from "../../../core/units.ts";
import { LineChart, type Series } from "../../kit/charts/line-chart.tsx";
import type { CurveName, Curves } from "../../state/curves.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { lossSummary, rangeSummary } from "./curve-text.ts";
import { marksOf } from "./health-words.ts";

const SYNC = "train";

const SMALL = [
  { name: "validationLoss", title: "Validation loss", hue: "violet", format: (y: number) => formatNumber(y, 3) },
  { name: "gradNorm", title: "Gradient norm", hue: "blue", format: (y: number) => formatNumber(y, 3) },
  {
    name: "learningRate",
    title: "Learning rate",
    hue: "amber",
    format: (y: number) => formatSetting(Number(y.toPrecision(2))),
  },
  {
    name: "tokensPerSecond",
    title: "Tokens per second",
    hue: "grey",
    format: (y: number) => formatCount(Math.round(y)),
  },
] as const satisfies readonly { name: CurveName; title: string; hue: Series["hue"]; format: (y: number) => string }[];

/** The summaries follow the state, which changes at most four times a second; the lines draw by themselves. */
const useEachUpdate = () => useAppState((state) => state.step);

export function LossChart() {
  const { curves } = usePage();
  useEachUpdate();
  const health = useAppState((state) => state.health);
  const series = useMemo(() => lossSeries(curves), [curves]);
  return (
    <LineChart
      title="Loss"
      series={series}
      subscribe={curves.subscribe}
      xLabel="update"
      height={300}
      syncKey={SYNC}
      summary={lossSummary(curves.points)}
      format={shortLoss}
      marks={marksOf(health, curves.points)}
    />
  );
}

const shortLoss = (y: number) => formatNumber(y, 3);

function lossSeries(curves: Curves): Series[] {
  return [
    { label: "each update", hue: "accent", faint: true, points: () => curves.points("loss") },
    { label: "smoothed", hue: "accent", points: () => curves.points("smoothedLoss") },
    { label: "validation", hue: "violet", dashed: true, points: () => curves.points("validationLoss") },
  ];
}

/** A strip; without validation records there is no curve of them. */
export function SmallCharts() {
  const { curves } = usePage();
  useEachUpdate();
  const shown = SMALL.filter(({ name }) => name !== "validationLoss" || curves.points(name).count > 0);
  return (
    <div className="k-strip">
      {shown.map((chart) => (
        <SmallChart key={chart.name} chart={chart} summary={rangeSummary(curves.points(chart.name), chart.format)} />
      ))}
    </div>
  );
}

const SmallChart = memo(function SmallChart({
  chart,
  summary,
}: {
  readonly chart: (typeof SMALL)[number];
  readonly summary: string;
}) {
  const { curves } = usePage();
  const { name, title, hue, format } = chart;
  const series = useMemo(() => [{ label: title, hue, points: () => curves.points(name) }], [curves, name, title, hue]);
  return (
    <LineChart
      title={title}
      series={series}
      subscribe={curves.subscribe}
      xLabel="update"
      syncKey={SYNC}
      summary={summary}
      format={format}
      small
    />
  );
});
