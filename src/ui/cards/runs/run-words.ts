/** An earlier run in words. Pure. */
import { formatBytes, formatCount, formatNumber } from "../../../core/units.ts";
import type { RunSummary } from "../../../worker/protocol.ts";
import type { AppState } from "../../state/app-state.ts";

export interface StatusWords {
  readonly tone: "neutral" | "info" | "good" | "warn" | "bad";
  readonly text: string;
}

export function statusWords({ status, usable, verdict, totalSteps }: RunSummary): StatusWords {
  switch (status) {
    case "running":
      return { tone: "info", text: "Training now" };
    case "interrupted":
      return { tone: "warn", text: "Interrupted" };
    case "failed":
      return { tone: "bad", text: "Failed" };
    case "stopped":
    case "finished":
      if (verdict === "collapsed") return { tone: "warn", text: "Kept, not to be trusted" };
      if (!usable) return { tone: "bad", text: "A check failed" };
      if (totalSteps === 0) return { tone: "good", text: "Opened from files" };
      return status === "stopped" ? { tone: "good", text: "Stopped, kept" } : { tone: "good", text: "Finished" };
  }
}

/** "64 updates", or "37 of 64 updates" where it did not come to its end. */
export function updateWords({ doneSteps, totalSteps }: RunSummary): string {
  if (totalSteps === 0) return "not trained here";
  if (doneSteps === totalSteps) return `${formatCount(doneSteps)} ${doneSteps === 1 ? "update" : "updates"}`;
  return `${formatCount(doneSteps)} of ${formatCount(totalSteps)} updates`;
}

/** "64 updates · loss 1.42, lowest validation 1.55 · 2.1 MB". */
export function figureWords(run: RunSummary): string {
  const { lastLoss, bestLoss, bytes } = run;
  const last = lastLoss === null ? [] : [`loss ${formatNumber(lastLoss, 3)}`];
  const best = bestLoss === null ? [] : [`lowest validation loss ${formatNumber(bestLoss, 3)}`];
  return [updateWords(run), ...last, ...best, formatBytes(bytes)].join(" · ");
}

/** "today 14:05", "yesterday 09:12", "3 Nov 09:12", "3 Nov 2025". */
export function dateWords(began: number, now: number): string {
  const [date, today] = [new Date(began), new Date(now)];
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  const days = Math.round((startOfDay(today) - startOfDay(date)) / 86_400_000);
  if (days === 0) return `today ${time}`;
  if (days === 1) return `yesterday ${time}`;
  const day = `${date.getDate()} ${MONTHS[date.getMonth()]}`;
  return date.getFullYear() === today.getFullYear() ? `${day} ${time}` : `${day} ${date.getFullYear()}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const pad = (value: number): string => String(value).padStart(2, "0");
const startOfDay = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** Interrupted ones first, the rest newest first. */
export function sortedRuns(runs: readonly RunSummary[]): RunSummary[] {
  const rank = ({ status }: RunSummary) => (status === "running" ? 0 : status === "interrupted" ? 1 : 2);
  return [...runs].sort((a, b) => rank(a) - rank(b) || b.began - a.began);
}

/** The run that the top of the page offers to go on with: the newest that was interrupted and can be. */
export function interruptedRun(runs: readonly RunSummary[]): RunSummary | null {
  return sortedRuns(runs).find(({ status, resumable }) => status === "interrupted" && resumable) ?? null;
}

/** It, while nothing else is on and the person has not put it off. */
export function offeredRun({ runs, run, opening, setAside }: AppState): RunSummary | null {
  if (run.phase !== "idle" || opening?.blocked !== null) return null;
  const interrupted = interruptedRun(runs);
  return interrupted?.id === setAside ? null : interrupted;
}

/** The Runs card in one line. */
export function runsSummary(runs: readonly RunSummary[]): string {
  if (runs.length === 0) return "None yet";
  const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
  const stood = runs.filter(({ status }) => status === "interrupted").length;
  const parts = [`${formatCount(runs.length)} ${runs.length === 1 ? "run" : "runs"}`, formatBytes(bytes)];
  return [...parts, ...(stood > 0 ? [`${stood} interrupted`] : [])].join(" · ");
}

/** Names for a legend: the title, and the date where two runs share one. */
export function legendNames(runs: readonly Pick<RunSummary, "title" | "began">[], now: number): string[] {
  const names = runs.map(({ title }) => title);
  const dated = runs.map(({ title, began }, i) =>
    names.indexOf(title) === names.lastIndexOf(title) ? names[i]! : `${title}, ${dateWords(began, now)}`,
  );
  // Within the same minute only a number tells them apart.
  return dated.map((name, i) => (dated.indexOf(name) === i ? name : `${name} (${i + 1})`));
}
