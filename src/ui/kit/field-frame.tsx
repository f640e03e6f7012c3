/** What every field has around its control: label, explanation, description, cost, error, and the ids that tie them. */
import { type ReactNode, useId } from "react";
import { Icon } from "./icon.tsx";
import "./fields.css";

export interface FieldProps {
  readonly label: string;
  readonly description?: ReactNode;
  /** What raising it costs: "more memory". */
  readonly cost?: string | undefined;
  readonly error?: string | undefined;
  /** An <Explain> beside the label. */
  readonly explain?: ReactNode;
  readonly disabled?: boolean | undefined;
}

/** What the control must carry to be named and described. */
export interface FieldWiring {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": true | undefined;
}

/** Ids of one field. */
export function useFieldWiring({ description, cost, error }: FieldProps): FieldWiring {
  const id = useId();
  const parts = [description && `${id}-description`, cost && `${id}-cost`, error && `${id}-error`].filter(Boolean);
  return {
    id,
    "aria-describedby": parts.length > 0 ? parts.join(" ") : undefined,
    "aria-invalid": error ? true : undefined,
  };
}

export interface FieldFrameProps {
  readonly field: FieldProps;
  readonly wiring: FieldWiring;
  readonly children: ReactNode;
}

/** The frame around a control that a <label> can name. */
export function FieldFrame({ field, wiring, children }: FieldFrameProps) {
  return (
    <div className="k-field" data-disabled={field.disabled === true}>
      <div className="k-field-head">
        <label htmlFor={wiring.id}>{field.label}</label>
        {field.explain}
      </div>
      {children}
      <FieldNotes field={field} id={wiring.id} />
    </div>
  );
}

/** The lines under a control. */
export function FieldNotes({ field, id }: { readonly field: FieldProps; readonly id: string }) {
  const { description, cost, error } = field;
  if (!description && !cost && !error) return null;
  return (
    <div className="k-field-notes">
      {error && (
        <p className="k-field-error" id={`${id}-error`}>
          <Icon name="cross-circle" /> {error}
        </p>
      )}
      {description && <p id={`${id}-description`}>{description}</p>}
      {cost && (
        <p id={`${id}-cost`}>
          <Icon name="up" label="Raising it costs" /> {cost}
        </p>
      )}
    </div>
  );
}
