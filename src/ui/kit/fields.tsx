/** Fields of text, choice and yes or no. Numbers, cards and words have files of their own. */
import { FieldFrame, FieldNotes, type FieldProps, useFieldWiring } from "./field-frame.tsx";
import { Icon } from "./icon.tsx";

export interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly placeholder?: string | undefined;
  readonly multiline?: boolean;
  readonly rows?: number;
  readonly type?: "text" | "password" | "url";
  readonly mono?: boolean;
}

/** A line or a few lines of text. */
export function TextField(props: TextFieldProps) {
  const { value, onChange, placeholder, multiline = false, rows = 3, type = "text", mono = false, disabled } = props;
  const wiring = useFieldWiring(props);
  const common = { ...wiring, className: mono ? "k-input k-mono" : "k-input", value, placeholder, disabled };
  return (
    <FieldFrame field={props} wiring={wiring}>
      {multiline ? (
        <textarea {...common} rows={rows} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <input
          {...common}
          type={type}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </FieldFrame>
  );
}

export interface SelectFieldProps<T extends string> extends FieldProps {
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly options: readonly { readonly value: T; readonly label: string; readonly disabled?: boolean }[];
}

/** One of several, in the system's own menu. */
export function SelectField<T extends string>(props: SelectFieldProps<T>) {
  const { value, onChange, options, disabled } = props;
  const wiring = useFieldWiring(props);
  const choose = (wanted: string) => {
    const option = options.find((one) => one.value === wanted);
    if (option) onChange(option.value);
  };
  return (
    <FieldFrame field={props} wiring={wiring}>
      <span className="k-select">
        <select
          {...wiring}
          className="k-input"
          value={value}
          disabled={disabled}
          onChange={(event) => choose(event.target.value)}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value} disabled={option.disabled}>
              {option.label}
            </option>
          ))}
        </select>
        <Icon name="chevron-down" />
      </span>
    </FieldFrame>
  );
}

export interface SwitchFieldProps extends FieldProps {
  readonly value: boolean;
  readonly onChange: (value: boolean) => void;
}

/** On or off, at once. */
export function SwitchField(props: SwitchFieldProps) {
  const { label, value, onChange, disabled, explain } = props;
  const wiring = useFieldWiring(props);
  return (
    <div className="k-field" data-disabled={disabled === true}>
      <div className="k-field-head">
        <label className="k-switch">
          <input
            {...wiring}
            type="checkbox"
            // biome-ignore lint/a11y/useAriaPropsForRole: a checkbox tells its state by itself.
            role="switch"
            checked={value}
            disabled={disabled}
            onChange={(event) => onChange(event.target.checked)}
          />
          {label}
        </label>
        {explain}
      </div>
      <FieldNotes field={props} id={wiring.id} />
    </div>
  );
}
