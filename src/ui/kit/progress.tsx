/** Progress of a long thing, with its speed and the ways to pause or stop it. */
import { type ReactNode, useId } from "react";
import "./progress.css";

export interface ProgressProps {
  readonly label: string;
  /** 0 to 1; left out while nobody knows. */
  readonly value?: number | undefined;
  /** "412 of 988 MB · 21 MB/s · 27 s left". */
  readonly detail?: string | undefined;
  /** Small buttons at its right: pause, cancel. */
  readonly actions?: ReactNode;
}

/** A bar with its label above and its detail below. */
export function Progress({ label, value, detail, actions }: ProgressProps) {
  const name = useId();
  const percent = value === undefined ? undefined : Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <div className="k-progress">
      <div className="k-progress-head">
        <span id={name}>{label}</span>
        {percent !== undefined && <span className="k-soft">{percent} %</span>}
      </div>
      <div
        className="k-progress-bar"
        role="progressbar"
        aria-labelledby={name}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={detail ? `${percent === undefined ? "" : `${percent} %, `}${detail}` : undefined}
        data-unknown={percent === undefined}
      >
        <div style={{ width: `${percent ?? 100}%` }} />
      </div>
      {(detail || actions) && (
        <div className="k-progress-foot">
          <span className="k-soft k-small">{detail}</span>
          {actions && <span className="k-progress-actions">{actions}</span>}
        </div>
      )}
    </div>
  );
}
