/** A list of words that grows and shrinks: targets, stop words, probe prompts. */
import { type KeyboardEvent, useState } from "react";
import { Button, IconButton } from "./button.tsx";
import { FieldFrame, type FieldProps, useFieldWiring } from "./field-frame.tsx";

export interface WordListProps extends FieldProps {
  readonly values: readonly string[];
  readonly onChange: (values: readonly string[]) => void;
  readonly placeholder?: string | undefined;
  readonly suggestions?: readonly string[] | undefined;
}

/** Enter or the button adds; each word has its own cross; Backspace in the empty box takes the last one back for editing. */
export function WordList(props: WordListProps) {
  const { values, onChange, placeholder, suggestions = [], disabled } = props;
  const [draft, setDraft] = useState("");
  const wiring = useFieldWiring(props);
  const add = () => {
    const word = draft.trim();
    setDraft("");
    if (word !== "" && !values.includes(word)) onChange([...values, word]);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") {
      event.preventDefault();
      add();
      return;
    }
    const last = values.at(-1);
    if (event.key !== "Backspace" || draft !== "" || last === undefined) return;
    event.preventDefault();
    setDraft(last);
    onChange(values.slice(0, -1));
  };
  return (
    <FieldFrame field={props} wiring={wiring}>
      {values.length > 0 && (
        <ul className="k-words" aria-label={props.label}>
          {values.map((word) => (
            <li key={word}>
              {word}
              <IconButton
                label={`Remove ${word}`}
                icon="cross"
                disabled={disabled}
                onPress={() => onChange(values.filter((one) => one !== word))}
              />
            </li>
          ))}
        </ul>
      )}
      <div className="k-words-entry">
        <input
          {...wiring}
          className="k-input"
          list={suggestions.length > 0 ? `${wiring.id}-list` : undefined}
          value={draft}
          placeholder={placeholder}
          disabled={disabled}
          autoComplete="off"
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <Button disabled={disabled === true || draft.trim() === ""} onPress={add}>
          Add
        </Button>
      </div>
      {suggestions.length > 0 && (
        <datalist id={`${wiring.id}-list`}>
          {suggestions
            .filter((word) => !values.includes(word))
            .map((word) => (
              <option key={word} value={word} />
            ))}
        </datalist>
      )}
    </FieldFrame>
  );
}
