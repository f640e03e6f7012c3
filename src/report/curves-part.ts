/** The curves: loss, gradient norm, learning rate, tokens a second, and the numbers behind them as a table. */
import { formatCount, formatNumber, formatSetting } from "../core/units.ts";
import { type Axis, updateAxis, valueAxis } from "./axis.ts";
import { chart, type Line, type Mark, type Point } from "./chart.ts";
import { isApplied, type SortedSteps, smoothed } from "./course.ts";
import { type Html, html } from "./html.ts";
import type { ReportInput } from "./input.ts";
import { nothing, type Section, table } from "./layout.ts";
import { lossSummary, rangeSummary } from "./summaries.ts";
import { measured, spread } from "./words.ts";

type Step = SortedSteps["kept"][number];

/** Marks of one kind in a chart; a run with more is not read mark by mark. */
const MOST_MARKS = 60;
const MOST_ROWS = 30;

export function curvesPart(input: ReportInput, steps: SortedSteps): Section {
  const { validations } = input;
  const head = { id: "curves", title: "Curves" };
  if (steps.kept.length + steps.undone.length + validations.length === 0) {
    return { ...head, body: nothing("No update was made, so there is no curve.") };
  }
  const numbers = [steps.kept, ...steps.undone].flat().map(({ step }) => step);
  const places = [...numbers, ...validations.map(({ step }) => step)];
  const first = places.reduce((a, b) => Math.min(a, b));
  const x = updateAxis(
    first,
    places.reduce((a, b) => Math.max(a, b)),
  );
  return {
    ...head,
    body: html`${lossChart(input, steps, x)}
<div class="strip">${[gradientChart(input, steps, x), rateChart(steps, x), speedChart(steps, x)]}</div>
<details><summary>The numbers as a table</summary>${numbersTable(input, steps)}</details>`,
  };
}

interface Curve {
  readonly lines: readonly Line[];
  /** Of the updates that count. */
  readonly values: readonly number[];
  /** And of those that were taken back. */
  readonly all: readonly number[];
}

/** A measure of every update, with what was taken back beside it, and smoothed unless it is smooth by itself. */
function curveOf({ kept, undone }: SortedSteps, measure: (step: Step) => number, even = false): Curve {
  const at = (steps: readonly Step[]): Point[] => steps.map((step) => ({ x: step.step, y: measure(step) }));
  const points = at(kept);
  const lost = undone.map(at);
  const values = points.map(({ y }) => y);
  const calm = even ? [] : smoothed(values);
  const lines: Line[] = [
    { name: "taken back", look: "undone", parts: lost },
    { name: "each update", look: even ? "smooth" : "raw", parts: stretches(points) },
    { name: "smoothed", look: "smooth", parts: stretches(calm.map((y, i) => ({ x: points[i]!.x, y }))) },
  ];
  return { lines, values, all: [...values, ...lost.flat().map(({ y }) => y)] };
}

/** Apart where updates were taken back. */
function stretches(points: readonly Point[]): Point[][] {
  const parts: Point[][] = [];
  for (const [i, point] of points.entries()) {
    if (i > 0 && point.x === points[i - 1]!.x + 1) parts.at(-1)!.push(point);
    else parts.push([point]);
  }
  return parts;
}

function lossChart(input: ReportInput, steps: SortedSteps, x: Axis): Html {
  const { lines, all } = curveOf(steps, (step) => (isApplied(step) ? step.loss : Number.NaN));
  const valid = input.validations.map(({ step, loss }) => ({ x: step, y: loss }));
  return chart({
    ...{ id: "chart-loss", title: "Loss", unit: "natural log, per token with loss, by update" },
    ...{ x, y: valueAxis([...all, ...valid.map(({ y }) => y)]), large: true },
    lines: [...lines, { name: "validation", look: "valid", parts: [valid] }],
    marks: lossMarks(input, steps.kept),
    summary: lossSummary(input, steps.kept),
  });
}

function lossMarks({ validations, health }: ReportInput, kept: readonly Step[]): Mark[] {
  const best = validations.filter((one) => one.best).at(-1);
  const skipped = kept.filter((step) => !isApplied(step));
  const rollbacks = health.filter(({ rollback }) => rollback);
  return [
    ...spread(rollbacks.length, MOST_MARKS).map((i): Mark => {
      const { step, rollback } = rollbacks[i]!;
      const title = `At update ${formatCount(step)}: put back to update ${formatCount(rollback!.toStep)}`;
      return { x: step, look: "rollback", title };
    }),
    ...spread(skipped.length, MOST_MARKS).map((i): Mark => {
      const { step } = skipped[i]!;
      return { x: step, look: "skipped", title: `Update ${formatCount(step)} was skipped: not finite` };
    }),
    ...(best
      ? [{ x: best.step, y: best.loss, look: "best", title: `Lowest validation loss, ${measured(best.loss)}` } as const]
      : []),
  ];
}

function gradientChart({ config }: ReportInput, steps: SortedSteps, x: Axis): Html {
  const { lines, values, all } = curveOf(steps, ({ gradNorm }) => gradNorm);
  const y = valueAxis(all);
  const limit = config.maxGradNorm;
  const shown = limit > 0 && y.place(limit) <= 1 && y.place(limit) >= 0;
  const ends = [steps.kept[0], steps.kept.at(-1)].filter((step) => step !== undefined);
  const limitLine: Line = {
    name: `clipped above ${formatSetting(limit)}`,
    look: "limit",
    parts: shown ? [ends.map(({ step }) => ({ x: step, y: limit }))] : [],
  };
  const clipped = limit > 0 ? values.filter((value) => Number.isFinite(value) && value > limit).length : 0;
  const note = clipped > 0 ? ` Clipped in ${formatCount(clipped)} of ${formatCount(values.length)} updates.` : "";
  return chart({
    ...{ id: "chart-gradient", title: "Gradient norm", unit: "before clipping", x, y },
    lines: [...lines, limitLine],
    summary: `${rangeSummary(values, measured)}${note}`,
  });
}

function rateChart(steps: SortedSteps, x: Axis): Html {
  const { lines, values, all } = curveOf(steps, ({ learningRate }) => learningRate, true);
  const y = valueAxis(all, { fromZero: true });
  const summary = rangeSummary(values, (value) => formatSetting(Number(value.toPrecision(3))));
  return chart({ id: "chart-rate", title: "Learning rate", unit: "as it was used", x, y, lines, summary });
}

function speedChart(steps: SortedSteps, x: Axis): Html {
  const { lines, values, all } = curveOf(steps, ({ tokens, seconds }) => (seconds > 0 ? tokens / seconds : Number.NaN));
  const y = valueAxis(all, { fromZero: true });
  const summary = rangeSummary(values, (value) => formatNumber(value, 3));
  return chart({ id: "chart-speed", title: "Speed", unit: "tokens a second", x, y, lines, summary });
}

function numbersTable({ validations, files }: ReportInput, { kept }: SortedSteps): Html {
  const losses = new Map(validations.map(({ step, loss }) => [step, loss]));
  const chosen = spread(kept.length, MOST_ROWS).map((i) => kept[i]!);
  const rows = chosen.map((step) => {
    const { step: number, loss, gradNorm, learningRate, tokens, seconds, finite } = step;
    const valid = losses.get(number);
    return [
      formatCount(number),
      finite ? measured(loss, 4) : `${measured(loss, 4)}, skipped`,
      valid === undefined ? "" : measured(valid, 4),
      measured(gradNorm),
      formatSetting(Number(learningRate.toPrecision(3))),
      measured(tokens / seconds),
    ];
  });
  const every = files.some(({ name }) => name === "metrics.jsonl") ? " metrics.jsonl has them all." : "";
  const some =
    kept.length > rows.length ? `${rows.length} of ${formatCount(kept.length)} updates, evenly spaced.${every}` : "";
  const columns = ["Update", "Loss", "Validation loss", "Gradient norm", "Learning rate", "Tokens a second"];
  return html`<p class="soft small">${some}</p>${table({ caption: "Numbers of the updates", columns, rows, look: "numbers" })}`;
}
