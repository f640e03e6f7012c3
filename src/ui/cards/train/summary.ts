/** The Train card in one line, and the state its head shows. Pure. */
import { formatCount, formatDuration, formatNumber } from "../../../core/units.ts";
import { PRESETS } from "../../../train/presets.ts";
import { type AppState, isRunning } from "../../state/app-state.ts";
import type { CurveName, Points } from "../../state/curves.ts";
import { handedOver } from "../verdict-words.ts";

type Read = (name: CurveName) => Points;

const FIT = { fits: "fits", tight: "tight", "too-large": "too large for this device" } as const;

/** What the card's head shows. */
export function cardState(state: AppState): "empty" | "loading" | "partial" | "error" | "success" {
  const { run, problem, knobProblem, planError } = state;
  if (run.phase === "paused") return "partial";
  if (isRunning(state)) return "loading";
  if (run.phase === "failed" || problem?.card === "train") return "error";
  if (run.phase === "done") return run.outcome?.usable ? "success" : "error";
  return knobProblem || planError ? "error" : "empty";
}

/** "Trial · 20 updates · fits", "Update 12 of 64 · loss 1.42", "64 updates · loss 2.31 → 1.42". */
export function summaryLine(state: AppState, read: Read): string {
  const { run, step } = state;
  const steps = stepWords(step, run.start?.totalSteps);
  switch (run.phase) {
    case "idle":
      return planLine(state);
    case "starting":
      return run.doing || "Starting";
    case "done":
      return [countWords(step), ...lossRange(read), ...endVerdict(run.outcome)].join(" · ");
    case "failed":
      return `${run.error ? "Stopped by an error" : "Broken off"} ${endWords(step)}`;
    case "paused":
      return ["Paused", lowerFirst(steps), ...lossNow(read)].join(" · ");
    case "verifying":
      return "Checking the adapter";
    case "training":
    case "pausing":
    case "stopping":
      return [steps, ...lossNow(read)].join(" · ");
  }
}

/** What of the end is not as it should be. */
function endVerdict(outcome: AppState["run"]["outcome"]): string[] {
  const verdict = outcome && handedOver(outcome);
  if (verdict === "healthy") return [];
  if (verdict === "suspicious") return ["suspicious"];
  return [verdict === "collapsed" ? "its answers have collapsed" : "a check failed"];
}

/** "Update 12 of 64". */
export function stepWords(step: number, total: number | undefined): string {
  if (step === 0) return total === undefined ? "Before the first update" : `Before the first of ${countWords(total)}`;
  if (total === undefined) return `Update ${formatCount(step)}`;
  return `Update ${formatCount(step)} of ${formatCount(total)}`;
}

const endWords = (step: number): string => (step > 0 ? `after update ${formatCount(step)}` : "before the first update");

function planLine({ preset, knobProblem, planError, plan, model, data }: AppState): string {
  const title = preset === "custom" ? "Own settings" : PRESETS[preset].title;
  if (knobProblem) return `${title} · a setting is out of range`;
  if (planError?.code === "update-too-large") return `${title} · too large for this device`;
  if (planError) return `${title} · cannot be planned`;
  if (plan && plan.updates > 0) return [title, countWords(plan.updates), FIT[plan.verdict]].join(" · ");
  if (model.phase === "none") return `${title} · waits for a model`;
  return data.phase === "none" ? `${title} · waits for a dataset` : title;
}

/** "1 update", "1,024 updates". */
export const countWords = (updates: number): string =>
  `${formatCount(updates)} ${updates === 1 ? "update" : "updates"}`;

/** "about 45 s left", "about 4 min left": no more exact than a guess can be. */
export function leftWords(seconds: number): string {
  if (seconds < 7.5) return "a few seconds left";
  const rough = seconds < 57.5 ? 5 * Math.round(seconds / 5) : 60 * Math.max(1, Math.round(seconds / 60));
  const words = rough < 60 ? `${rough} s` : rough < 3600 ? `${rough / 60} min` : formatDuration(rough);
  return `about ${words} left`;
}

/** For words in the middle of a line. */
export const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

const short = (value: number): string => formatNumber(value, 3);

function lossNow(read: Read): string[] {
  const { y, count } = read("smoothedLoss");
  return count === 0 ? [] : [`loss ${short(y[count - 1]!)}`];
}

function lossRange(read: Read): string[] {
  const { y, count } = read("smoothedLoss");
  return count === 0 ? [] : [`loss ${short(y[0]!)} → ${short(y[count - 1]!)}`];
}
