/** What a run amounted to, from its events. Pure. */
import { formatCount, formatDuration, formatNumber } from "../../../core/units.ts";
import type { RunEvent, RunOutcome } from "../../../worker/protocol.ts";
import type { CurveName, Points } from "../../state/curves.ts";

export interface Totals {
  /** Of the updates alone: looks and saves between them are not counted. */
  readonly seconds: number;
  readonly tokens: number;
}

export function totalsOf(events: readonly RunEvent[]): Totals {
  let [seconds, tokens] = [0, 0];
  for (const event of events) {
    if (event.type !== "step") continue;
    seconds += event.seconds;
    tokens += event.tokens;
  }
  return { seconds, tokens };
}

const short = (value: number): string => formatNumber(value, 3);

/** Large figures for the end of a run. */
export function finalFigures(read: (name: CurveName) => Points, totals: Totals | null) {
  const figures: { name: string; value: string; unit?: string }[] = [];
  const [loss, validation] = [read("smoothedLoss"), read("validationLoss")];
  if (loss.count > 0) {
    figures.push({ name: "Training loss", value: `${short(loss.y[0]!)} → ${short(loss.y[loss.count - 1]!)}` });
  }
  if (validation.count > 1) {
    const values = validation.y.subarray(0, validation.count);
    // The first was measured before training, and is what the best is held against.
    const best = Math.min(...values.subarray(1));
    figures.push({ name: "Validation loss, best", value: `${short(values[0]!)} → ${short(best)}` });
  }
  if (totals) {
    figures.push({ name: "Training time", value: formatDuration(totals.seconds) });
    figures.push({ name: "Tokens", value: formatCount(totals.tokens) });
  }
  return figures;
}

/** Which adapter is kept, and what was skipped. */
export function keptWords({ done }: RunOutcome): string {
  const { chosen, chosenStep, steps, skippedUpdates, stopped, endedEarly, rollbacks = 0 } = done;
  if (steps === 0) return "It was opened from files: how it was trained is not known here.";
  const early = endedEarly ? `Ended by itself after update ${formatCount(steps)}. ` : "";
  const lead = stopped ? `Stopped after update ${formatCount(steps)}. ` : early;
  const why = chosen === "best" ? ", which had the lowest validation loss" : "";
  const skipped =
    skippedUpdates > 0 ? ` ${formatCount(skippedUpdates)} updates were skipped because they were not finite.` : "";
  const back = rollbacks > 0 ? ` It was put back to a good state ${timesWords(rollbacks)}.` : "";
  return `${lead}Kept: the adapter after update ${formatCount(chosenStep)}${why}.${skipped}${back}`;
}

const timesWords = (count: number): string => (count === 1 ? "once" : `${formatCount(count)} times`);

const TITLES: Readonly<Record<string, { title: string; failed: string }>> = {
  "the base is unchanged": {
    title: "The base model is unchanged",
    failed:
      "Weights of the base changed while only the adapter should have. This is a fault of Lorikeet or of the GPU.",
  },
  "the answers are coherent": {
    title: "The answers are coherent",
    failed:
      "The files are right, but what the model says with them is not language any more. A lower learning rate helps.",
  },
  "every number is finite": {
    title: "Every number in the adapter is finite",
    failed: "Training went astray: some numbers are infinite or not numbers. A lower learning rate usually helps.",
  },
  "every layer's adapter moved": {
    title: "Every adapted layer has learnt something",
    failed: "Some layers are as they began. More updates or a higher learning rate usually help.",
  },
  "the adapter changes the logits": {
    title: "The adapter changes what the model says",
    failed: "With and without the adapter the model says the same.",
  },
  "the written file gives the live logits": {
    title: "The written file, read back, says the same as the trained adapter",
    failed: "The file differs from what was trained, so it is not offered for download.",
  },
};

/** The engine's checks for the certificate, in people's words. */
export function certificateChecks({ checks }: RunOutcome) {
  return checks.map(({ name, passed, evidence }) => {
    const words = TITLES[name] ?? { title: name[0]!.toUpperCase() + name.slice(1), failed: evidence };
    return { id: name, title: words.title, passed, detail: passed ? undefined : words.failed, evidence };
  });
}

/** The rate to try after a run that went astray, or null where the rate is not the trouble. `rate`: what it was given. */
export function lowerRate({ checks, done }: RunOutcome, rate: number): number | null {
  const astray = checks.some(({ name, passed, about }) => !passed && (about === "answers" || /finite/.test(name)));
  // A run that gave up had come down to a sixteenth.
  if (done.endedEarly === "gave-up") return Number((rate / 16).toPrecision(2));
  return astray ? Number((rate / 4).toPrecision(2)) : null;
}
