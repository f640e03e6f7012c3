/** The answers to the probe questions by round, each with the one before it. Pure. */
import { formatCount } from "../../../core/units.ts";
import type { AnswerHealth } from "../../../health/answers.ts";
import type { ProbeEvent } from "../../../worker/protocol.ts";

export interface ProbeAnswer {
  readonly question: string;
  /** Null before the first answer to this question. */
  readonly text: string | null;
  /** The answer one round earlier; null in the first round. */
  readonly before: string | null;
  /** What the model said before training, where that is known and not what is shown. */
  readonly first: string | null;
  /** False when it was cut off at its longest length. */
  readonly ended: boolean;
  /** Null before an answer, and in runs of an older page. */
  readonly health: AnswerHealth | null;
}

/** Updates after which the questions were asked, ascending, each once. */
export function roundsOf(answers: readonly ProbeEvent[]): number[] {
  return [...new Set(answers.map(({ step }) => step))].sort((a, b) => a - b);
}

/** The answers as of update `step`. A question not yet asked in that round keeps its earlier answer. */
export function answersAt(questions: readonly string[], answers: readonly ProbeEvent[], step: number): ProbeAnswer[] {
  return questions.map((question, index) => {
    const mine = newestPerStep(answers.filter((answer) => answer.index === index && answer.step <= step));
    const [now, before] = [mine.at(-1), mine.at(-2)];
    const start = mine.find((answer) => answer.step === 0);
    return {
      question,
      text: now?.text ?? null,
      before: before?.text ?? null,
      first: start && now && start !== now ? start.text : null,
      ended: now?.ended ?? true,
      health: (now?.health as AnswerHealth | undefined) ?? null,
    };
  });
}

/** A run that was continued asks some rounds again: the later answer counts. */
function newestPerStep(answers: readonly ProbeEvent[]): ProbeEvent[] {
  const byStep = new Map(answers.map((answer) => [answer.step, answer]));
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}

/** "Before training", "After update 16". */
export const roundName = (step: number): string =>
  step === 0 ? "Before training" : `After update ${formatCount(step)}`;
