/** Below a chart: what the signs on it mean, and where they stand. */
import { type ChartMark, placesOf } from "./marks.ts";

/** "× skipped: update 12, 13"; readers of the page hear it, too. */
export function MarkList({ marks, xLabel }: { readonly marks: readonly ChartMark[]; readonly xLabel: string }) {
  if (marks.length === 0) return null;
  return (
    <ul className="k-chart-marks" aria-label="Marks on the chart">
      {marks.map(({ glyph, label, at }) => (
        <li key={label}>
          <span className="k-chart-glyph" aria-hidden="true">
            {glyph}
          </span>
          {label}: {xLabel} {placesOf(at)}
        </li>
      ))}
    </ul>
  );
}
