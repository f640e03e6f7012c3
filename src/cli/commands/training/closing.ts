/** The lines after a run: the plot, the checks, and where the adapter lies. */
import { formatBytes, formatCount, formatDuration, formatNumber } from "../../../core/units.ts";
import type { Judged } from "../../../train/verdict.ts";
import { plotSeries } from "../../plot.ts";
import { commandLine, shellWords } from "../../shell.ts";
import type { Fact } from "./describe.ts";
import type { Outcome } from "./execute.ts";
import { verdictFact, voiceFact } from "./health-lines.ts";
import { ADAPTER_FILE, REPORT_FILE } from "./run-output.ts";

const PLOT_WIDTH = 72;
const PLOT_HEIGHT = 12;

/** Loss over updates, the validation loss as marks. */
export function lossPlot({ steps, validations }: Outcome, width: number): string {
  return plotSeries(
    steps.map(({ step, loss }) => ({ x: step, y: loss })),
    {
      width: Math.min(width, PLOT_WIDTH),
      height: PLOT_HEIGHT,
      title: validations.length > 0 ? "loss (◆ on the validation set)" : "loss",
      xLabel: "updates",
      marks: validations.map(({ step, loss }) => ({ x: step, y: loss })),
    },
  );
}

/** What the run was, its voice, its checks, and the verdict on it. */
export function closingFacts(outcome: Outcome, judged: Judged): Fact[] {
  const { voice } = outcome;
  return [
    summaryFact(outcome),
    ...(voice ? [voiceFact(voice)] : []),
    ["checks", ...checkLines(outcome)],
    verdictFact(judged),
  ];
}

/** "✓ every number is finite (56 tensors)" */
export function checkLines({ checks }: Pick<Outcome, "checks">): string[] {
  return checks.map(({ name, passed, evidence }) => `${passed ? "✓" : "✗"} ${name} (${evidence})`);
}

/** Time, loss and speed in one line. */
function summaryFact({ steps, done, start }: Outcome): Fact {
  const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
  const tokens = steps.reduce((sum, step) => sum + step.tokens, 0);
  const [first, last] = [steps[0], steps.at(-1)];
  if (!first || !last) return ["trained", `nothing more to do: ${done.steps} of ${start.totalSteps} updates were made`];
  const skipped = done.skippedUpdates > 0 ? `; ${done.skippedUpdates} skipped` : "";
  return [
    "trained",
    `${formatCount(steps.length)} updates in ${formatDuration(seconds)}, ${formatCount(tokens / seconds)} tokens/s: ` +
      `loss ${formatNumber(first.loss)} → ${formatNumber(last.loss)}${skipped}`,
  ];
}

/** The adapter's file, and which update it is of. */
export function adapterFact({ done }: Outcome, folder: string, bytes: number): Fact {
  const which =
    done.chosen === "best" ? `lowest validation loss, update ${done.chosenStep}` : `update ${done.chosenStep}`;
  return ["adapter", `${folder}/${ADAPTER_FILE} (${formatBytes(bytes)}; ${which})`];
}

/** The file that shows the whole run. */
export const reportFact = (folder: string): Fact => [
  "report",
  `${folder}/${REPORT_FILE}: curves, answers and checks in one file, for a browser`,
];

/** Commands to copy. */
export function tryCommands(model: string, folder: string, prompt: string): Fact[] {
  const flags = ["--model", model, "--adapter-path", folder, "--prompt", prompt];
  return [
    ["try it", commandLine(["generate", ...flags])],
    ["mlx-lm", shellWords(["mlx_lm.generate", ...flags])],
  ];
}
