/** The engine's verdict on a run in the page's words, with an icon's tone for each. Pure. */
import type { AnswerVerdict } from "../../health/answers.ts";
import type { Level, Verdict } from "../../health/finding.ts";
import type { RunOutcome } from "../../worker/protocol.ts";

/** As the kit's. */
type Tone = "info" | "good" | "warn" | "bad";

export const VERDICT_WORDS: Readonly<Record<Verdict, { readonly tone: Tone; readonly word: string }>> = {
  healthy: { tone: "good", word: "Healthy" },
  suspicious: { tone: "warn", word: "Suspicious" },
  collapsed: { tone: "bad", word: "Collapsed" },
  broken: { tone: "bad", word: "Broken" },
};

export const ANSWER_WORDS: Readonly<Record<AnswerVerdict, { readonly tone: Tone; readonly word: string }>> = {
  healthy: { tone: "good", word: "Coherent" },
  suspicious: { tone: "warn", word: "Suspicious" },
  collapsed: { tone: "bad", word: "Collapsed" },
};

export const LEVEL_TONES: Readonly<Record<Level, Tone>> = { good: "good", note: "info", warn: "warn", bad: "bad" };

/** Null for an outcome that an older page wrote down: it judged nothing but the checks. */
export function verdictOf(outcome: RunOutcome | null): Verdict | null {
  const judged: RunOutcome["judged"] | undefined = outcome?.judged;
  return judged?.verdict ?? null;
}

/** What the page does with the files: as the verdict says; for a run of an older page, as its checks say. */
export function handedOver(outcome: RunOutcome): Verdict {
  const verdict = verdictOf(outcome);
  if (outcome.usable) return verdict ?? "healthy";
  return verdict === "collapsed" ? "collapsed" : "broken";
}

/** "Suspicious. Usable, but its answers look odd: …"; null where nobody judged. */
export function verdictLine(outcome: RunOutcome | null): { readonly tone: Tone; readonly text: string } | null {
  const verdict = verdictOf(outcome);
  if (!outcome || !verdict) return null;
  const { tone, word } = VERDICT_WORDS[verdict];
  return { tone, text: `${word}. ${outcome.judged.reason}` };
}
