/** One knob as a field, made from its row of the table: control by kind, meaning, cost, range error, way back to the default. */
import { Button } from "../../kit/button.tsx";
import { SelectField, SwitchField } from "../../kit/fields.tsx";
import { NumberField } from "../../kit/number-field.tsx";
import { WordList } from "../../kit/word-list.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import {
  autoChange,
  autoValue,
  defaultWords,
  isChanged,
  knobLabel,
  knobProblem,
  type NamedKnob,
  shownValue,
} from "./knob-values.ts";
import { RateFinder } from "./rate-finder.tsx";

/** Steps of the arrow keys where 1, 2, 5, 10 would be odd. */
const ARROWS: Readonly<Record<string, number>> = {
  epochs: 0.5,
  dropout: 0.05,
  maxGradNorm: 0.1,
  weightDecay: 0.01,
  beta1: 0.01,
  beta2: 0.001,
};

interface KnobProps {
  readonly knob: NamedKnob;
}

export function KnobField({ knob }: KnobProps) {
  const { actions } = usePage();
  // What a preset sets is its own affair; the way back is for what the person changed.
  const changed = useAppState((state) => state.preset === "custom" && isChanged(knob, state.knobs));
  return (
    <div className="c-train-knob" data-knob={knob.name}>
      <Control knob={knob} />
      {knob.name === "learningRate" && <RateFinder />}
      {changed && (
        <div>
          <Button kind="quiet" icon="refresh" onPress={() => actions.setKnob(knob.name, undefined)}>
            Back to {defaultWords(knob).length > 24 ? "the default" : defaultWords(knob)}
            <span className="k-hidden"> for {knobLabel(knob.name)}</span>
          </Button>
        </div>
      )}
    </div>
  );
}

function Control({ knob }: KnobProps) {
  const { actions } = usePage();
  const value = useAppState((state) => shownValue(knob, state.knobs));
  const modules = useAppState((state) => state.model.modules);
  const field = useField(knob);
  const set = (next: unknown) => actions.setKnob(knob.name, next);
  switch (knob.kind) {
    case "boolean":
      return <SwitchField {...field} value={value === true} onChange={set} />;
    case "choice":
      return <SelectField {...field} value={String(value)} onChange={set} options={optionsOf(knob, value)} />;
    case "list":
      return <WordList {...field} values={wordsOf(value)} onChange={set} suggestions={modules} />;
    case "patterns":
      return <WordList {...field} values={wordsOf(value)} onChange={set} placeholder="down_proj=4" />;
    case "integer":
    case "number":
      return <NumberControl knob={knob} />;
    case "text":
      return null; // no knob is one
  }
}

const wordsOf = (value: unknown): string[] => (Array.isArray(value) ? value : []);

/** A number that came with a run is one more option as long as it stands. */
const optionsOf = ({ choices = [], count }: NamedKnob, value: unknown) => [
  ...choices.map((choice) => ({ value: choice, label: choice })),
  ...(typeof value === "number" ? [{ value: String(value), label: `${value} ${count}` }] : []),
];

function NumberControl({ knob }: KnobProps) {
  const { actions } = usePage();
  const { name, auto, min, max, unit, kind } = knob;
  const value = useAppState((state) => shownValue(knob, state.knobs));
  const resolved = useAppState((state) => autoValue(name, state.config, state.plan));
  const field = useField(knob);
  const isAuto = value === "auto";
  const number = typeof value === "number" ? value : resolved;
  const onAuto = (now: boolean) => {
    const change = autoChange(name, now, resolved);
    actions.setKnob(change.name, change.value);
  };
  return (
    <div className="c-train-knob">
      {number !== null && (
        <NumberField
          {...field}
          value={number}
          onChange={(next) => actions.setKnob(name, next)}
          disabled={isAuto}
          integer={kind === "integer"}
          {...{ min, max, unit, step: ARROWS[name] }}
        />
      )}
      {auto !== undefined && (
        <SwitchField
          label={number === null ? `${field.label}: ${auto}` : `Auto: ${auto}`}
          value={isAuto}
          onChange={onAuto}
        />
      )}
    </div>
  );
}

/** What is around every kind of control. */
function useField(knob: NamedKnob) {
  const problem = useAppState((state) => knobProblem(knob, state.knobs));
  return {
    label: knobLabel(knob.name),
    description: `${knob.meaning} Default: ${defaultWords(knob)}.`,
    cost: knob.cost,
    error: problem && `${problem[0]?.toUpperCase()}${problem.slice(1)}.`,
  };
}
