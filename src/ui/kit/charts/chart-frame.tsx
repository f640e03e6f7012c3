/** What every chart has around its picture: title, a read-out, the summary in words, and the way to the table. */
import { type ReactNode, useId, useState } from "react";
import { Details } from "../details.tsx";
import { Icon } from "../icon.tsx";
import "./chart.css";

export interface ChartFrameProps {
  readonly title: string;
  /** Legend and read-out, at the right of the title. */
  readonly legend?: ReactNode;
  /** What the picture shows, in words. */
  readonly summary: string;
  /** Rendered only once opened. */
  readonly table: () => ReactNode;
  readonly small?: boolean;
  readonly children: ReactNode;
}

/** A figure. In small charts the summary stands with the table, to leave the strip calm. */
export function ChartFrame({ title, legend, summary, table, small = false, children }: ChartFrameProps) {
  const name = useId();
  const [open, setOpen] = useState(false);
  return (
    <figure className="k-chart" data-small={small} aria-labelledby={name}>
      <figcaption className="k-chart-head">
        <span className="k-chart-title" id={name}>
          {title}
        </span>
        {legend}
      </figcaption>
      {children}
      <div className="k-chart-foot">
        {!small && <p>{summary}</p>}
        <Details
          summary={
            <span>
              {small ? <Icon name="table" /> : "Show as table"}
              <span className="k-hidden">
                {small ? "Show as table" : ""}: {title}
              </span>
            </span>
          }
          onToggle={setOpen}
        >
          {open && small && <p className="k-soft k-small">{summary}</p>}
          {open && table()}
        </Details>
      </div>
    </figure>
  );
}
