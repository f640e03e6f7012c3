/** Names and values: a quiet grid of facts, and a row of large figures. */
import type { ReactNode } from "react";
import "./facts.css";

export interface Fact {
  readonly name: string;
  readonly value: ReactNode;
  /** An <Explain> beside the name. */
  readonly explain?: ReactNode;
}

/** A description list on a grid; one column on narrow screens. */
export function Facts({ facts, columns = 2 }: { readonly facts: readonly Fact[]; readonly columns?: 1 | 2 | 3 }) {
  return (
    <dl className="k-facts" data-columns={columns}>
      {facts.map(({ name, value, explain }) => (
        <div key={name}>
          <dt>
            {name}
            {explain}
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly unit?: string | undefined;
}

/** A few large numbers side by side. */
export function Figures({ figures }: { readonly figures: readonly Figure[] }) {
  return (
    <dl className="k-figures">
      {figures.map(({ name, value, unit }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            {unit && <span> {unit}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
