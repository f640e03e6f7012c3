/** A card: one step of the journey, closed to a line of summary or open to its contents. And the ways to lay these out. */
import { type ReactNode, useId } from "react";
import { Icon, type IconName } from "./icon.tsx";
import "./card.css";

export type CardState = "empty" | "loading" | "partial" | "error" | "success";

const STATES: Readonly<Record<CardState, { readonly icon: IconName; readonly word: string }>> = {
  empty: { icon: "circle", word: "Not begun" },
  loading: { icon: "spinner", word: "Working" },
  partial: { icon: "half", word: "Begun" },
  error: { icon: "warning", word: "Needs attention" },
  success: { icon: "check-circle", word: "Done" },
};

export interface CardProps {
  readonly id: string;
  readonly title: string;
  readonly state: CardState;
  /** One line that says all a person needs while the card is closed. */
  readonly summary: ReactNode;
  readonly open: boolean;
  readonly onToggle: (open: boolean) => void;
  /** Buttons at the end of the open card. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** One step. Children are not rendered while it is closed. */
export function Card({ id, title, state, summary, open, onToggle, actions, children }: CardProps) {
  const name = useId();
  const line = useId();
  const body = useId();
  return (
    <section
      className="k-card"
      id={id}
      data-card={id}
      data-state={state}
      data-open={open}
      aria-labelledby={name}
      aria-busy={state === "loading"}
    >
      <header className="k-card-head">
        <Icon name={STATES[state].icon} />
        <h2 className="k-card-title">
          <button
            type="button"
            id={name}
            aria-expanded={open}
            aria-controls={open ? body : undefined}
            aria-describedby={line}
            onClick={() => onToggle(!open)}
          >
            {title}
          </button>
        </h2>
        <p className="k-card-summary" id={line}>
          <span className="k-hidden">{STATES[state].word}: </span>
          {summary}
        </p>
        <Icon name="chevron-down" />
      </header>
      {open && (
        <div className="k-card-body" id={body}>
          {children}
          {actions && <div className="k-card-actions">{actions}</div>}
        </div>
      )}
    </section>
  );
}

export interface SectionProps {
  readonly title: string;
  readonly explain?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A titled part of a card; a group, since a page of thirty landmarks has none. */
export function Section({ title, explain, actions, children }: SectionProps) {
  const name = useId();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would say that it holds fields.
    <section className="k-section" role="group" aria-labelledby={name}>
      <div className="k-section-head">
        <h3 id={name}>{title}</h3>
        {explain}
        {actions && <div className="k-section-actions">{actions}</div>}
      </div>
      {children}
    </section>
  );
}

/** Two columns that become one on narrow screens. */
export function Columns({
  ratio = "even",
  children,
}: {
  readonly ratio?: "even" | "wide-first";
  readonly children: ReactNode;
}) {
  return (
    <div className="k-columns" data-ratio={ratio}>
      {children}
    </div>
  );
}

/** Things in a row, which wraps. */
export function Row({ children }: { readonly children: ReactNode }) {
  return <div className="k-row">{children}</div>;
}
