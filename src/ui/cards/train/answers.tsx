/** The answers to the probe questions as they change: new words marked, the answer before training below, earlier rounds a step away. */
import { useState } from "react";
import { IconButton } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Diff } from "../../kit/diff.tsx";
import { isRunning } from "../../state/app-state.ts";
import { useAppState } from "../../state/page.tsx";
import { AnswerBadge } from "./answer-badge.tsx";
import { answersAt, type ProbeAnswer, roundName, roundsOf } from "./probe-rounds.ts";

export function Answers() {
  const questions = useAppState((state) => state.run.probes);
  const answers = useAppState((state) => state.probeAnswers);
  const every = useAppState((state) => state.run.config?.stepsPerSample);
  const running = useAppState(isRunning);
  // null follows the newest round.
  const [pinned, setPinned] = useState<number | null>(null);
  if (questions.length === 0 || (every === 0 && answers.length === 0)) return null;
  const rounds = roundsOf(answers);
  const at = pinned === null || !rounds.includes(pinned) ? rounds.length - 1 : rounds.indexOf(pinned);
  const step = rounds[at];
  const go = (to: number) => setPinned(to >= rounds.length - 1 ? null : (rounds[to] ?? null));
  return (
    <Section title="Answers" actions={rounds.length > 1 && <Stepper {...{ rounds, at, go }} />}>
      {step === undefined ? (
        <p className="k-soft">The first answers, from before training, come in a moment.</p>
      ) : (
        <ol className="c-train-answers">
          {answersAt(questions, answers, step).map((answer) => (
            <Answer key={answer.question} answer={answer} />
          ))}
        </ol>
      )}
      {running && rounds.length === 1 && step === 0 && (
        <p className="k-soft k-small">This is the model before training. New words will be marked.</p>
      )}
    </Section>
  );
}

interface StepperProps {
  readonly rounds: readonly number[];
  readonly at: number;
  readonly go: (to: number) => void;
}

function Stepper({ rounds, at, go }: StepperProps) {
  return (
    <div className="c-train-stepper">
      <IconButton label="Earlier answers" icon="chevron-left" disabled={at === 0} onPress={() => go(at - 1)} />
      <span className="k-small">{roundName(rounds[at] ?? 0)}</span>
      <IconButton
        label="Later answers"
        icon="chevron-right"
        disabled={at === rounds.length - 1}
        onPress={() => go(at + 1)}
      />
    </div>
  );
}

function Answer({ answer }: { readonly answer: ProbeAnswer }) {
  const { question, text, before, first, ended, health } = answer;
  return (
    <li>
      <p className="c-train-question">{question}</p>
      {text === null ? (
        <p className="k-soft">Not asked yet.</p>
      ) : (
        <div className="c-train-answer">
          <Diff before={before ?? text} after={ended ? text : `${text} …`} label="Answer" />
          {health && <AnswerBadge health={health} />}
          {first !== null && first !== text && (
            <p className="c-train-first">
              <span>Before training</span> {first}
            </p>
          )}
        </div>
      )}
    </li>
  );
}
