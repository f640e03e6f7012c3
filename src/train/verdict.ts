/** What a run comes to, in one word and a sentence: from its checks, its answers and its course. */
import { formatNumber } from "../core/units.ts";
import type { Verdict } from "../health/finding.ts";
import type { DoneEvent, HealthEvent, ValidationEvent } from "./events.ts";
import type { Check } from "./verify.ts";

export interface Judged {
  readonly verdict: Verdict;
  /** A sentence: what it rests on. */
  readonly reason: string;
}

export interface JudgedRun {
  readonly done: Omit<DoneEvent, "adapter">;
  readonly checks: readonly Check[];
  readonly validations: readonly ValidationEvent[];
  readonly health: readonly HealthEvent[];
}

/** broken: never handed over. collapsed: only with these words beside it. */
export function judgeRun({ done, checks, validations, health }: JudgedRun): Judged {
  const failed = checks.filter(({ passed, about }) => !passed && about !== "answers");
  if (failed.length > 0) {
    const what = failed.map(({ name, evidence }) => `“${name}” is not so (${evidence})`).join("; ");
    return { verdict: "broken", reason: `Not to be used: ${what}.` };
  }
  const said = done.answers?.symptoms.map(({ text }) => text).join("; ") ?? "";
  if (done.answers?.verdict === "collapsed")
    return { verdict: "collapsed", reason: `Its answers have collapsed: ${said}.` };
  const doubts = [
    ...(done.answers?.verdict === "suspicious" ? [`its answers look odd: ${said}`] : []),
    ...(done.endedEarly === "gave-up" ? ["it diverged again and again, and was ended at its last good state"] : []),
    ...worseThanBase(validations, done.chosenStep),
    ...(done.skippedUpdates > MANY_SKIPPED * done.steps
      ? [`${done.skippedUpdates} of its ${done.steps} updates were skipped`]
      : []),
  ];
  if (doubts.length > 0) return { verdict: "suspicious", reason: `Usable, but ${doubts.join("; ")}.` };
  return { verdict: "healthy", reason: goodWords(done, checks, health) };
}

/** Up to one update in ten may be skipped without a word in the verdict. */
const MANY_SKIPPED = 0.1;

/** A validation loss above the base's by less than this share is as good as the base's. */
const WORSE = 0.02;

function worseThanBase(validations: readonly ValidationEvent[], chosenStep: number): string[] {
  const first = validations.find(({ step }) => step === 0);
  const kept = validations.find(({ step }) => step === chosenStep);
  if (!first || !kept || !(kept.loss > (1 + WORSE) * first.loss)) return [];
  return [`its validation loss is ${formatNumber(kept.loss)}, the base had ${formatNumber(first.loss)}`];
}

function goodWords(
  { answers, rollbacks }: JudgedRun["done"],
  checks: readonly Check[],
  health: readonly HealthEvent[],
): string {
  const overfitted = health.some(({ kind }) => kind === "overfitting");
  const parts = [
    checks.length > 0 ? `all ${checks.length} checks passed` : "nothing was checked",
    ...(answers ? [] : ["no question was asked, so nobody has heard it answer"]),
    ...(rollbacks > 0
      ? [`it was put back to a good state ${rollbacks === 1 ? "once" : `${rollbacks} times`} on the way`]
      : []),
    ...(overfitted ? ["the adapter from before the overfitting was kept"] : []),
  ];
  const text = parts.join("; ");
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}
