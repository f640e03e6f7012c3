/** Parts of a whole against a limit: the memory plan. The legend says in words and numbers what the bar shows. */
import { useId } from "react";
import { Badge } from "./badge.tsx";
import { stack } from "./stacked.ts";
import type { Hue } from "./tone.ts";
import "./hues.css";
import "./stacked-bar.css";

export interface BarPart {
  readonly label: string;
  readonly value: number;
  readonly hue: Hue;
}

export interface StackedBarProps {
  readonly title: string;
  readonly parts: readonly BarPart[];
  readonly limit: number;
  /** What the limit is: "this device". */
  readonly limitLabel?: string;
  readonly format: (value: number) => string;
}

const TIGHT = 0.8;
/** Percent of the bar that the smallest part takes: a few pixels on a phone. */
const LEAST = 2;

/** The bar, the mark of the limit, and the legend. */
export function StackedBar({ title, parts, limit, limitLabel = "Limit", format }: StackedBarProps) {
  const name = useId();
  const { total, spans, limitAt, over } = stack(
    parts.map(({ value }) => value),
    limit,
    LEAST,
  );
  return (
    <figure className="k-stacked" aria-labelledby={name}>
      <figcaption id={name}>
        <span className="k-soft">{title}</span>
        <span>
          <strong>{format(total)}</strong> <span className="k-soft">of {format(limit)}</span>
        </span>
        <FitBadge over={over} share={total / limit} format={format} />
      </figcaption>
      <div className="k-stacked-bar" aria-hidden="true">
        {parts.map(({ label, hue }, i) => (
          <div
            key={label}
            className="k-stacked-part"
            data-hue={hue}
            style={{ left: `${spans[i]?.start}%`, width: `${spans[i]?.width}%` }}
          />
        ))}
        {over > 0 && <div className="k-stacked-over" style={{ left: `${limitAt}%` }} />}
        {over > 0 && <div className="k-stacked-limit" style={{ left: `${limitAt}%` }} />}
      </div>
      <ul className="k-stacked-legend">
        {parts.map(({ label, value, hue }) => (
          <li key={label}>
            <span className="k-swatch" data-hue={hue} /> {label} <span className="k-soft">{format(value)}</span>
          </li>
        ))}
        <li>
          <span className="k-swatch" data-hue="none" /> {limitLabel} <span className="k-soft">{format(limit)}</span>
        </li>
      </ul>
    </figure>
  );
}

function FitBadge({
  over,
  share,
  format,
}: {
  readonly over: number;
  readonly share: number;
  readonly format: (value: number) => string;
}) {
  if (over > 0) return <Badge tone="bad">{format(over)} too much</Badge>;
  return share > TIGHT ? <Badge tone="warn">Tight</Badge> : <Badge tone="good">Fits</Badge>;
}
