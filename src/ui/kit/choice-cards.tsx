/** One of a few rich choices, each a card: models, presets. Native radios give the keyboard and the group. */
import { type ReactNode, useId } from "react";
import { FieldNotes, type FieldProps, useFieldWiring } from "./field-frame.tsx";
import { Icon } from "./icon.tsx";
import "./choice-cards.css";

export interface Choice {
  readonly value: string;
  readonly title: string;
  readonly description?: ReactNode;
  /** "494 M parameters · 988 MB". */
  readonly facts?: string | undefined;
  readonly badge?: ReactNode;
  /** Why it cannot be chosen. */
  readonly disabled?: string | undefined;
}

export interface ChoiceCardsProps extends FieldProps {
  readonly value: string | null;
  readonly onChange: (value: string) => void;
  readonly choices: readonly Choice[];
  readonly columns?: 1 | 2 | 3;
}

/** A group of cards of which one is chosen. */
export function ChoiceCards(props: ChoiceCardsProps) {
  const { label, explain, value, onChange, choices, columns = 2, disabled } = props;
  const wiring = useFieldWiring(props);
  return (
    <fieldset className="k-field" aria-describedby={wiring["aria-describedby"]} disabled={disabled}>
      <legend className="k-choices-legend">
        {label}
        {explain}
      </legend>
      <div className="k-choices" data-columns={columns}>
        {choices.map((choice) => (
          <ChoiceCard
            key={choice.value}
            choice={choice}
            name={wiring.id}
            chosen={choice.value === value}
            onChoose={() => onChange(choice.value)}
          />
        ))}
      </div>
      <FieldNotes field={props} id={wiring.id} />
    </fieldset>
  );
}

interface ChoiceCardProps {
  readonly choice: Choice;
  readonly name: string;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}

function ChoiceCard({ choice, name, chosen, onChoose }: ChoiceCardProps) {
  const id = useId();
  const { title, description, facts, badge, disabled } = choice;
  return (
    <label className="k-choice" data-chosen={chosen} data-disabled={disabled !== undefined}>
      <input
        className="k-choice-input"
        type="radio"
        name={name}
        value={choice.value}
        checked={chosen}
        disabled={disabled !== undefined}
        aria-labelledby={`${id}-title`}
        aria-describedby={`${id}-rest`}
        onChange={onChoose}
      />
      <span className="k-choice-text">
        <span className="k-choice-head">
          <span className="k-choice-title" id={`${id}-title`}>
            {title}
          </span>
          {badge}
        </span>
        <span className="k-choice-rest" id={`${id}-rest`}>
          {description && <span>{description}</span>}
          {facts && <span>{facts}</span>}
          {disabled !== undefined && (
            <span className="k-choice-reason">
              <Icon name="info" /> {disabled}
            </span>
          )}
        </span>
      </span>
    </label>
  );
}
