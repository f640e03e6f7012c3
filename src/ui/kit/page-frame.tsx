/** The frame of the page: header, rail of steps, one column, footer. */
import { type ReactNode, useEffect, useRef } from "react";
import { Icon, type IconName } from "./icon.tsx";
import { keepFocus } from "./keep-focus.ts";
import "./page-frame.css";

export type StepState = "todo" | "active" | "busy" | "done" | "problem";

export interface Step {
  /** The id of the card it leads to. */
  readonly id: string;
  readonly label: string;
  readonly state: StepState;
  /** One is here; left out, the active step is it. */
  readonly current?: boolean | undefined;
  /** A few words under the label, on wide screens. */
  readonly note?: string | undefined;
}

const STATES: Readonly<Record<StepState, { readonly icon: IconName; readonly word: string }>> = {
  todo: { icon: "circle", word: "to do" },
  active: { icon: "target", word: "now" },
  busy: { icon: "spinner", word: "working" },
  done: { icon: "check-circle", word: "done" },
  problem: { icon: "warning", word: "needs attention" },
};

export interface PageFrameProps {
  readonly title: string;
  /** The badge beside the title. */
  readonly trust?: ReactNode;
  /** What stands at the right end of the header. */
  readonly tools?: ReactNode;
  readonly steps: readonly Step[];
  readonly footer?: ReactNode;
  readonly children: ReactNode;
}

/** The whole page around its cards. A focus that is lost in a card stays in it. */
export function PageFrame({ title, trust, tools, steps, footer, children }: PageFrameProps) {
  const main = useRef<HTMLElement>(null);
  useEffect(() => (main.current ? keepFocus(main.current) : undefined), []);
  return (
    <div className="k-frame">
      <a className="k-skip" href="#main">
        Skip to the cards
      </a>
      <header className="k-frame-head">
        <Mark />
        <h1 className="k-frame-title">{title}</h1>
        {trust}
        {tools && <div className="k-frame-tools">{tools}</div>}
      </header>
      <StepRail steps={steps} />
      <main className="k-frame-main" id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
      {footer && <footer className="k-frame-foot">{footer}</footer>}
    </div>
  );
}

function StepRail({ steps }: { readonly steps: readonly Step[] }) {
  return (
    <nav className="k-rail" aria-label="Steps">
      <ol>
        {steps.map(({ id, label, state, note, current = state === "active" }) => (
          <li key={id}>
            <a href={`#${id}`} data-state={state} aria-current={current ? "step" : undefined}>
              <Icon name={STATES[state].icon} />
              <span className="k-rail-label">{label}</span>
              <span className="k-hidden">, {STATES[state].word}</span>
              {note && <span className="k-rail-note">{note}</span>}
            </a>
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** Three feathers. */
function Mark() {
  return (
    <svg className="k-mark" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M3 21C3 11 9 4 20 3c0 7-4 12-11 13" />
      <path d="M3 21c1-6 4-10 10-12" />
      <path d="M7 21c1-2 3-3 6-3 3-.2 5-1 7-3" />
    </svg>
  );
}
