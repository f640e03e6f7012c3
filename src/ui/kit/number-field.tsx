/** A number as text: takes 2e-4 and 0,5, steps with the arrow keys, speaks up only when left. */
import { type KeyboardEvent, useEffect, useState } from "react";
import { formatSetting } from "../../core/units.ts";
import { FieldFrame, type FieldProps, useFieldWiring } from "./field-frame.tsx";
import { type NumberRule, numberProblem, parseNumber, stepNumber } from "./number-text.ts";

export interface NumberFieldProps extends FieldProps, NumberRule {
  readonly value: number;
  /** Called with acceptable values alone: on Enter, on leaving, and at each arrow key. */
  readonly onChange: (value: number) => void;
  readonly unit?: string | undefined;
  /** Told why the text is refused, and null when it is acceptable again. */
  readonly onInvalid?: ((message: string | null) => void) | undefined;
}

/** A number with its unit. */
export function NumberField(props: NumberFieldProps) {
  const { value, onChange, unit, onInvalid, disabled, min, max, integer } = props;
  const [draft, setDraft] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  // A value from outside replaces what was refused.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the value's arrival is what matters.
  useEffect(() => {
    setDraft(null);
    setProblem(null);
    if (problem !== null) onInvalid?.(null);
  }, [value]);

  const judge = (message: string | null) => {
    if (message !== problem) onInvalid?.(message);
    setProblem(message);
  };
  const accept = (next: number) => {
    setDraft(null);
    judge(null);
    if (next !== value) onChange(next);
  };
  const commit = () => {
    if (draft === null) return;
    const message = numberProblem(draft, props);
    if (message === null) accept(parseNumber(draft));
    else judge(message);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") return commit();
    if (event.key === "Escape" && draft !== null) return accept(value);
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const typed = draft === null ? value : parseNumber(draft);
    accept(stepNumber(Number.isNaN(typed) ? value : typed, event.key === "ArrowUp" ? 1 : -1, props));
  };

  const field = { ...props, error: props.error ?? problem ?? undefined };
  const wiring = useFieldWiring(field);
  return (
    <FieldFrame field={field} wiring={wiring}>
      <span className="k-number" data-unit={unit !== undefined}>
        <input
          {...wiring}
          className="k-input"
          type="text"
          inputMode={integer ? "numeric" : "decimal"}
          role="spinbutton"
          // ARIA knows no exponents: 1e-8 is said by aria-valuetext alone.
          aria-valuenow={String(value).includes("e") ? undefined : value}
          aria-valuemin={min}
          aria-valuemax={max}
          aria-valuetext={`${formatSetting(value)}${unit ? ` ${unit}` : ""}`}
          autoComplete="off"
          disabled={disabled}
          value={draft ?? formatSetting(value)}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={commit}
          onKeyDown={onKeyDown}
        />
        {unit && <span className="k-number-unit">{unit}</span>}
      </span>
    </FieldFrame>
  );
}
