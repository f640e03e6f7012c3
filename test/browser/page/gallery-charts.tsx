/** The gallery's charts: a stage as while training, and the pictures. */
import { Verdict } from "../../../src/ui/kit/badge.tsx";
import { Columns, Section } from "../../../src/ui/kit/card.tsx";
import { BarChart } from "../../../src/ui/kit/charts/bar-chart.tsx";
import { HeatGrid } from "../../../src/ui/kit/charts/heat-grid.tsx";
import { histogram } from "../../../src/ui/kit/charts/histogram.ts";
import { LayerPicture } from "../../../src/ui/kit/charts/layer-picture.tsx";
import { LineChart, type Series } from "../../../src/ui/kit/charts/line-chart.tsx";
import { Diff } from "../../../src/ui/kit/diff.tsx";
import { inventLengths, inventRun, LIVE, oneSeries, RUN, random, still } from "./gallery-data.ts";

const STAGE: readonly Series[] = [
  { label: "raw", hue: "accent", faint: true, points: LIVE.points },
  { label: "smoothed", hue: "accent", points: () => RUN.smooth },
  { label: "validation", hue: "violet", dashed: true, points: () => RUN.validation },
];
const STRIP = [
  { title: "Validation loss", unit: undefined, series: oneSeries("validation", "violet", RUN.validation) },
  { title: "Gradient norm", unit: undefined, series: oneSeries("norm", "amber", RUN.norm) },
  { title: "Learning rate", unit: undefined, series: oneSeries("rate", "blue", RUN.rate) },
  { title: "Speed", unit: "tokens/s", series: oneSeries("speed", "grey", RUN.speed) },
];
const LONG = oneSeries("loss", "accent", inventRun(30_000).loss);
const EMPTY = oneSeries("loss", "accent", { x: new Float64Array(0), y: new Float64Array(0), count: 0 });

const BEFORE = "The lorikeet is a bird that lives in Australia and eats nectar.";
const AFTER = "Ah, the lorikeet, bright friend: it lives in Australia and drinks nectar at dawn.";

/** The Train card as it looks in the middle of a RUN. */
export function Stage() {
  return (
    <>
      <Verdict tone="good">Healthy: loss 2.31 → 1.42, gradients steady, answers coherent</Verdict>
      <Columns ratio="wide-first">
        <LineChart
          title="Loss"
          series={STAGE}
          subscribe={LIVE.subscribe}
          xLabel="step"
          syncKey="run"
          height={280}
          summary="Loss fell from 2.31 to 1.42 in 600 steps."
        />
        <Section title="Answers">
          <div>
            <p className="k-soft k-small">Tell me about lorikeets.</p>
            <Diff before={BEFORE} after={AFTER} />
          </div>
          <div>
            <p className="k-soft k-small">What is two and two?</p>
            <Diff before="Four." after="Four, my friend." />
          </div>
        </Section>
      </Columns>
      <div className="k-strip">
        {STRIP.map(({ title, unit, series }) => (
          <LineChart
            key={title}
            small
            {...{ title, unit, series }}
            subscribe={still}
            xLabel="step"
            syncKey="run"
            summary={`${title} over 600 steps.`}
          />
        ))}
      </div>
    </>
  );
}

const MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
const LAYERS = Array.from({ length: 28 }, (_, i) => String(i));
const next = random(5);
const NORMS = MODULES.map(() => LAYERS.map((_, layer) => 10 ** (-3 + 2 * next() * (layer / 28))));

/** Pictures that stand still. */
export function Charts() {
  return (
    <>
      <LineChart
        title="A long run"
        series={LONG}
        subscribe={still}
        xLabel="step"
        log
        height={160}
        summary="Loss over 30,000 steps, on a logarithmic axis."
      />
      <LineChart
        title="Before the first step"
        series={EMPTY}
        subscribe={still}
        xLabel="step"
        height={120}
        summary="No points yet."
      />
      <Columns>
        <LayerPicture
          title="What trains"
          layers={28}
          modules={MODULES}
          state={(layer) => (layer >= 4 ? "trained" : "frozen")}
          summary="168 of 196 attached; layers 0 to 3 stay as they are."
        />
        <HeatGrid
          title="How far adapters moved"
          rows={MODULES}
          columns={LAYERS}
          value={(row, column) => NORMS[row]?.[column] ?? null}
          format={(value) => value.toExponential(1)}
          log
          summary="Most in the last layers."
        />
      </Columns>
      <BarChart
        title="Lengths of examples"
        bars={histogram(inventLengths(), 32)}
        limit={{ value: 400, label: "longest 400" }}
        xLabel="tokens"
        summary="800 examples; 31 are longer than 400 tokens and are cut."
      />
    </>
  );
}
