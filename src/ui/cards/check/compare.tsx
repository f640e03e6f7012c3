/** One question, answered by base and tuned beside each other. */
import { useState } from "react";
import { Verdict } from "../../kit/badge.tsx";
import { Button } from "../../kit/button.tsx";
import { Columns, Section } from "../../kit/card.tsx";
import { Diff } from "../../kit/diff.tsx";
import { diffWords } from "../../kit/diff-words.ts";
import { SwitchField } from "../../kit/fields.tsx";
import { Status } from "../../kit/status.tsx";
import { ANSWER_TOKENS } from "../../state/actions.ts";
import type { Comparison } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { AskField } from "./ask-field.tsx";
import { comparisonWords, endingOf, endingWords, suggestionsOf } from "./check-text.ts";
import type { MemoryProps } from "./memory.ts";

interface CompareProps extends MemoryProps {
  readonly onStop: () => void;
}

export function Compare({ memory, onMemory, onStop }: CompareProps) {
  const { store, actions } = usePage();
  const answering = useAppState((state) => state.answering);
  const comparison = useAppState((state) => state.comparison);
  // The way out of it is the one primary action then.
  const troubled = useAppState((state) => state.problem?.card === "check");
  // What was asked last, or a first question to press the button on.
  const [text, setText] = useState(() => {
    const { comparison, run, data } = store.get();
    return comparison?.question ?? suggestionsOf(run, data.questions)[0] ?? "";
  });
  const ask = (question: string) => {
    setText(question);
    onMemory({ stoppedComparison: false });
    void actions.compare(question, memory);
  };
  return (
    <Section title="Base and tuned, side by side">
      <AskField
        {...{ label: "Your question", rows: 2, value: text, onChange: setText, words: "Compare" }}
        kind={troubled ? "plain" : "primary"}
        onAsk={ask}
        onStop={onStop}
        answering={answering === "comparison"}
        occupied={answering !== null}
      />
      <Suggestions current={text} onPick={ask} disabled={answering !== null} />
      {comparison && <Answers {...{ comparison, memory, onMemory }} answering={answering === "comparison"} />}
    </Section>
  );
}

interface SuggestionsProps {
  readonly current: string;
  readonly onPick: (question: string) => void;
  readonly disabled: boolean;
}

/** Questions of the run, each a press away. */
function Suggestions({ current, onPick, disabled }: SuggestionsProps) {
  const run = useAppState((state) => state.run);
  const questions = useAppState((state) => state.data.questions);
  const offered = suggestionsOf(run, questions).filter((question) => question !== current.trim());
  if (offered.length === 0) return null;
  return (
    <ul className="c-check-chips" aria-label="Questions to try">
      {offered.map((question) => (
        <li key={question}>
          <Button kind="quiet" disabled={disabled} onPress={() => onPick(question)}>
            {question}
          </Button>
        </li>
      ))}
    </ul>
  );
}

interface AnswersProps extends MemoryProps {
  readonly comparison: Comparison;
  readonly answering: boolean;
}

function Answers({ comparison, memory, onMemory, answering }: AnswersProps) {
  const { base, tuned } = comparison.sides;
  const mixed = useAppState((state) => state.mix !== null);
  const ending = (ended: boolean | null | undefined) =>
    endingWords(endingOf(ended, answering, memory.stoppedComparison), ANSWER_TOKENS);
  const words = comparisonWords(comparison, freshWords(base?.text ?? "", tuned?.text ?? ""));
  // Marks make sense once there is something to be held against.
  const marked = memory.marked && base !== null && base.text !== "";
  return (
    <div className="c-check-answers">
      <p className="c-check-question">{comparison.question}</p>
      <Columns>
        <Side title="Base" note="the model as it was" foot={ending(base?.ended)}>
          <p className="c-check-text">{base?.text}</p>
        </Side>
        <Side title="Tuned" note={mixed ? "with the mix" : "with your adapter"} foot={ending(tuned?.ended)} accent>
          {marked ? (
            <Diff before={base.text} after={tuned?.text ?? ""} />
          ) : (
            <p className="c-check-text">{tuned?.text}</p>
          )}
        </Side>
      </Columns>
      <div className="c-check-under">
        {words && <Verdict tone={words.startsWith("Both") ? "warn" : "info"}>{words}</Verdict>}
        <SwitchField label="Mark new words" value={memory.marked} onChange={(value) => onMemory({ marked: value })} />
      </div>
      <Status text={spoken(comparison, answering)} />
    </div>
  );
}

interface SideProps {
  readonly title: string;
  readonly note: string;
  readonly foot: string;
  readonly accent?: boolean;
  readonly children: React.ReactNode;
}

function Side({ title, note, foot, accent = false, children }: SideProps) {
  return (
    <section className="c-check-side" data-accent={accent} aria-label={`${title}, ${note}`}>
      <h4>
        {title} <span className="k-soft k-small">{note}</span>
      </h4>
      {children}
      {foot && <p className="k-soft k-small">{foot}</p>}
    </section>
  );
}

const freshWords = (before: string, after: string): number =>
  diffWords(before, after)
    .filter(({ fresh }) => fresh)
    .reduce((sum, { text }) => sum + text.split(/\s+/).filter(Boolean).length, 0);

/** For readers: that it answers, then both answers. */
function spoken({ sides }: Comparison, answering: boolean): string {
  if (answering) return "Both models are answering.";
  return `Base: ${sides.base?.text || "no answer"} Tuned: ${sides.tuned?.text || "no answer"}`;
}
