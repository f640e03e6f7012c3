/** The adapters of this run and of others on the same base, each with a weight: mixed on the model, and taken away as one. */
import { useMemo } from "react";
import type { RunSummary } from "../../../worker/protocol.ts";
import { Badge } from "../../kit/badge.tsx";
import { Button } from "../../kit/button.tsx";
import { ErrorNotice } from "../../kit/notice.tsx";
import { NumberField } from "../../kit/number-field.tsx";
import { useAppState } from "../../state/page.tsx";
import { legendNames } from "../runs/run-words.ts";
import type { MemoryProps } from "./memory.ts";
import { mixableRuns, partsOf, runLine, sameWeights, shownWeights, standingWeights, type Weights } from "./mix.ts";
import { MixDownload } from "./mix-download.tsx";
import { useMixing } from "./use-mixing.ts";
import "./mix.css";

export function MixPanel({ memory, onMemory }: MemoryProps) {
  const runs = useAppState((state) => state.runs);
  const shown = useAppState((state) => state.run.id);
  const mix = useAppState((state) => state.mix);
  const offered = useMemo(() => mixableRuns(runs, shown), [runs, shown]);
  const mixing = useMixing();
  if (shown === null || offered.length === 0)
    return <p className="k-soft">This run is not among the kept ones, so it cannot be mixed.</p>;
  const weights = shownWeights(memory.mix, shown, mix, offered);
  const taken = Object.keys(weights).length;
  const stands = sameWeights(weights, standingWeights(mix, shown));
  const put = (id: string, weight: number | null) => {
    const { [id]: _, ...rest } = weights;
    onMemory({ mix: { run: shown, weights: weight === null ? rest : { ...rest, [id]: weight } } });
  };
  return (
    <div className="c-check-changes">
      <p className="k-soft">
        Adds up what adapters of finished runs on this model have learnt, each multiplied by its weight: 1 is as
        trained, 0.5 half as strong, and a negative weight takes it away.
      </p>
      <ul className="c-check-mix">
        {legendNames(offered, Date.now()).map((name, i) => (
          <MixRow
            key={offered[i]!.id}
            {...{ run: offered[i]!, name, weight: weights[offered[i]!.id] ?? null, own: offered[i]!.id === shown }}
            onWeight={(weight) => put(offered[i]!.id, weight)}
          />
        ))}
      </ul>
      {offered.length === 1 && (
        <p className="k-soft k-small">
          No other run on this model has an adapter yet. This one can have another weight.
        </p>
      )}
      {mixing.error && <ErrorNotice title="These were not mixed" error={mixing.error} />}
      <div className="k-row">
        <Button
          busy={mixing.busy}
          // Not while these weights stand: what is being typed is heard of only when the press leaves its field.
          disabled={taken === 0 || mixing.held !== null}
          onPress={() => {
            if (!stands) void mixing.mix(partsOf(weights, offered));
          }}
        >
          Mix them
        </Button>
        <p className="k-soft k-small" role="status">
          {mixing.held ?? standWords(weights, stands, mix !== null)}
        </p>
      </div>
      {mix && <MixDownload key={JSON.stringify(mix)} mix={mix} />}
    </div>
  );
}

function standWords(weights: Weights, stands: boolean, mixed: boolean): string {
  if (Object.keys(weights).length === 0) return "Take in at least one.";
  if (!stands) return "";
  return mixed ? "On the model: ask it above." : "Take in another adapter, or change the weight of this one.";
}

interface MixRowProps {
  readonly run: RunSummary;
  /** Tells it from the others. */
  readonly name: string;
  /** null: not taken in. */
  readonly weight: number | null;
  /** The shown run's. */
  readonly own: boolean;
  readonly onWeight: (weight: number | null) => void;
}

function MixRow({ run, name, weight, own, onWeight }: MixRowProps) {
  return (
    <li>
      <label className="c-check-mix-pick">
        <input
          type="checkbox"
          checked={weight !== null}
          onChange={(event) => onWeight(event.target.checked ? 1 : null)}
        />
        <span className="c-check-mix-text">
          <span className="c-check-mix-title">
            {run.title} {own && <Badge tone="info">This run</Badge>}
          </span>
          <span className="k-soft k-small">{runLine(run, Date.now())}</span>
        </span>
      </label>
      <NumberField
        {...{ label: `Weight of ${name}`, min: -2, max: 2, step: 0.1, value: weight ?? 1, disabled: weight === null }}
        unit="weight"
        onChange={onWeight}
      />
    </li>
  );
}
