/** A disclosure: the browser's own, so that a search in the page opens it. */
import type { ReactNode } from "react";
import { Icon } from "./icon.tsx";
import "./details.css";

export interface DetailsProps {
  readonly summary: ReactNode;
  /** Whether it is open at first. */
  readonly open?: boolean;
  readonly onToggle?: ((open: boolean) => void) | undefined;
  readonly children: ReactNode;
}

/** A line that opens to more. */
export function Details({ summary, open = false, onToggle, children }: DetailsProps) {
  return (
    <details className="k-details" open={open} onToggle={(event) => onToggle?.(event.currentTarget.open)}>
      <summary>
        <Icon name="chevron-right" />
        {summary}
      </summary>
      <div className="k-details-body">{children}</div>
    </details>
  );
}
