/** Checks with their evidence: a list of what was proven, each line opening to how. */
import type { ReactNode } from "react";
import { Details } from "./details.tsx";
import { Icon, type IconName } from "./icon.tsx";
import "./certificate.css";

export interface Check {
  readonly id: string;
  readonly title: string;
  /** null: not checked yet. */
  readonly passed: boolean | null;
  /** A sentence; for a failed check, what happened. */
  readonly detail?: string | undefined;
  readonly evidence?: ReactNode;
  /** For a failed check, the button that mends it. */
  readonly actions?: ReactNode;
}

const STATES: Readonly<Record<"passed" | "failed" | "waiting", { readonly icon: IconName; readonly word: string }>> = {
  passed: { icon: "check-circle", word: "Passed" },
  failed: { icon: "cross-circle", word: "Failed" },
  waiting: { icon: "circle", word: "Not checked yet" },
};

const stateOf = ({ passed }: Check) => (passed === null ? "waiting" : passed ? "passed" : "failed");

/** The list. The caller says in words beside it what it amounts to. */
export function Certificate({ checks }: { readonly checks: readonly Check[] }) {
  return (
    <ul className="k-certificate">
      {checks.map((check) => {
        const state = stateOf(check);
        return (
          <li key={check.id} data-state={state}>
            <Icon name={STATES[state].icon} label={STATES[state].word} />
            <div className="k-certificate-text">
              <p className="k-certificate-title">{check.title}</p>
              {check.detail && <p className="k-certificate-detail">{check.detail}</p>}
              {check.actions && <div className="k-row">{check.actions}</div>}
              {check.evidence && <Details summary={<Evidence of={check.title} />}>{check.evidence}</Details>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

/** One word to the eye, and none where there is no room; a reader that lists disclosures hears whose evidence it is. */
function Evidence({ of }: { readonly of: string }) {
  return (
    <span className="k-certificate-word">
      Evidence<span className="k-hidden"> for: {of}</span>
    </span>
  );
}
