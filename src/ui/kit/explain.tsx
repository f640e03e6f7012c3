/** A "?" that opens the explanation of a term. The browser's own popover: Escape and a click elsewhere close it. */
import { type ReactNode, type ToggleEvent, useId, useRef } from "react";
import { Icon } from "./icon.tsx";
import "./explain.css";

const EDGE = 8;

export interface ExplainProps {
  readonly term: string;
  readonly children: ReactNode;
}

/** Stands beside the term, never inside a label: it is a button. */
export function Explain({ term, children }: ExplainProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const place = (event: ToggleEvent<HTMLElement>) => {
    if (event.newState === "open" && button.current) placeAt(event.currentTarget, button.current);
  };
  return (
    <span className="k-explain">
      <button
        ref={button}
        type="button"
        className="k-explain-button"
        popoverTarget={id}
        aria-label={`What is ${term}?`}
      >
        <Icon name="question" />
      </button>
      <span className="k-explain-text" id={id} popover="auto" onToggle={place}>
        <strong>{term}</strong>
        <span>{children}</span>
      </span>
    </span>
  );
}

/** Under the button, or above it where there is no room, and never off the screen. */
function placeAt(text: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { width, height } = text.getBoundingClientRect();
  const wide = document.documentElement.clientWidth;
  const left = Math.max(EDGE, Math.min(at.left + at.width / 2 - width / 2, wide - width - EDGE));
  const below = at.bottom + EDGE;
  const top = below + height > window.innerHeight && at.top > height + EDGE ? at.top - height - EDGE : below;
  text.style.left = `${left + window.scrollX}px`;
  text.style.top = `${top + window.scrollY}px`;
}
