/** What an invented guard sees and does, for the states of a run: findings, rollbacks, skips, odd answers. */
import type { AnswerHealth } from "../../../../src/health/answers.ts";
import type { Finding } from "../../../../src/health/finding.ts";
import type { HealthEvent, VoiceEvent } from "../../../../src/train/events.ts";
import type { ProbeEvent, RunEvent } from "../../../../src/worker/protocol.ts";

const good = (id: string, title: string, evidence: string): Finding => ({ id, level: "good", title, evidence });

export const GOOD_FINDINGS: readonly Finding[] = [
  good("adapter", "35 of 35 planned layers have their adapter", "70 tensors, 123,456 numbers will be trained."),
  good("labels", "Labels carry loss", "7,940 of 26,368 tokens (30 %) carry loss."),
  good("token-ids", "Every token is in the vocabulary", "The greatest id is 1,019, the vocabulary has 1,024 words."),
  good(
    "memory",
    "About 71.9 MB on the device",
    "Model weights 8.9 MB, adapter and optimizer 2.0 MB, kept activations 61.0 MB.",
  ),
];

export const BAD_FINDINGS: readonly Finding[] = [
  ...GOOD_FINDINGS,
  {
    ...{ id: "step-size", level: "bad", title: "Steps far too large" },
    evidence: "Learning rate 0.03 × scale 2 is 0.06; what works for 2.2 million parameters is about 2e-4 to 0.02.",
    fix: "Set the learning rate to 2e-3.",
  },
  {
    ...{ id: "ends", level: "warn", title: "No answer is seen to end" },
    evidence: "Every record is longer than the limit, so its end is cut off.",
    fix: "Raise --max-seq-length, or split the records.",
  },
];

export const ROLLED_BACK: HealthEvent = {
  ...{ type: "health", step: 30, kind: "spike", level: "warn" },
  text:
    "The loss was 6.81 at update 27, 11 times its usual scatter above 2.05. The adapter was put back to update 24; the " +
    "records of update 27 and those since are left out, and the learning rate is halved to a peak of 1.5e-3.",
  fix: "If it happens again, begin with 1.5e-3.",
  rollback: { toStep: 24, rateFactor: 0.5, skippedUpdate: 27 },
};

export const GAVE_UP: HealthEvent = {
  ...{ type: "health", step: 60, kind: "gave-up", level: "bad" },
  text: "The loss was 9.02 at update 57. It had been put back 3 times before, so the run ends here, with the adapter as it was at update 48.",
  fix: "Train again with a learning rate of 1.9e-4 or less.",
  rollback: { toStep: 48, rateFactor: 0.0625, skippedUpdate: 57 },
};

const skip = (update: number): HealthEvent => ({
  ...{ type: "health", step: update + 2, kind: "skipped", level: "warn" },
  text: `Update ${update} was skipped before anything was written: its gradient norm is Infinity.`,
  fix: "One such batch does no harm. If it happens again, lower the learning rate.",
});

/** These updates were not finite. */
export function withSkips(events: readonly RunEvent[], updates: readonly number[]): RunEvent[] {
  return events.flatMap((event): RunEvent[] => {
    if (event.type !== "step" || !updates.includes(event.step)) return [event];
    return [{ ...event, finite: false, gradNorm: Number.POSITIVE_INFINITY }, skip(event.step)];
  });
}

export const ODD: AnswerHealth = {
  verdict: "suspicious",
  symptoms: [{ kind: "repeated 4-grams", level: "suspicious", text: "62 % of its 4-grams came before in it" }],
  notes: ["It does not end; neither does the base's answer."],
};

export const COLLAPSED: AnswerHealth = {
  verdict: "collapsed",
  symptoms: [
    { kind: "single-token run", level: "collapsed", text: "one token (“,”) 96 times in a row, all of the answer" },
    { kind: "no letter or digit", level: "collapsed", text: "no letter or digit in 96 characters" },
  ],
  notes: [],
};

/** The last round's answers have become something else. */
export function withAnswers(
  events: readonly RunEvent[],
  from: number,
  health: AnswerHealth,
  text?: string,
): RunEvent[] {
  const changed = (event: ProbeEvent): ProbeEvent => ({
    ...{ ...event, health, ended: false },
    ...(text === undefined ? {} : { text }),
  });
  return events.map((event) => (event.type === "probe" && event.step >= from ? changed(event) : event));
}

export const VOICE: VoiceEvent = {
  ...{ type: "voice", step: 64, questions: 6 },
  base: { score: 0.21, chrF: 0.24, style: 0.18 },
  tuned: { score: 0.68, chrF: 0.55, style: 0.81 },
};
