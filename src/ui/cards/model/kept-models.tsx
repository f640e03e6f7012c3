/** Models kept in this browser: their sizes, and the way to use or delete each. */
import { useState } from "react";
import { formatBytes } from "../../../core/units.ts";
import type { KeptModel } from "../../../worker/protocol.ts";
import { Badge } from "../../kit/badge.tsx";
import { Button } from "../../kit/button.tsx";
import { Details } from "../../kit/details.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { keptTotal } from "./choices.ts";
import { useChoose } from "./use-choose.ts";

interface KeptModelsProps {
  readonly locked: boolean;
  /** Another model was chosen here. */
  readonly onUse: () => void;
}

export function KeptModels({ locked, onUse }: KeptModelsProps) {
  const { actions } = usePage();
  const kept = useAppState((state) => state.kept);
  const [doomed, setDoomed] = useState<KeptModel | null>(null);
  const choose = useChoose();
  return (
    <Details summary={`Models kept in this browser: ${keptTotal(kept)}`}>
      <Room />
      <ul className="c-model-kept">
        {kept.map((model) => (
          <li key={model.key}>
            <span className="c-model-kept-title">{model.title}</span>
            {!model.whole && <Badge tone="warn">Download broken off</Badge>}
            <span className="k-soft">{formatBytes(model.bytes)}</span>
            <Button
              kind="quiet"
              disabled={locked}
              onPress={() => {
                choose(model.choice);
                onUse();
              }}
            >
              Use<span className="k-hidden"> {model.title}</span>
            </Button>
            <Button kind="quiet" icon="trash" disabled={locked} onPress={() => setDoomed(model)}>
              Delete<span className="k-hidden"> {model.title}</span>
            </Button>
          </li>
        ))}
      </ul>
      <Dialog
        title={`Delete ${doomed?.title ?? "this model"}?`}
        open={doomed !== null}
        onClose={() => setDoomed(null)}
        actions={
          <>
            <Button onPress={() => setDoomed(null)}>Keep it</Button>
            <Button
              kind="danger"
              icon="trash"
              onPress={() => {
                if (doomed) void actions.forgetModel(doomed.key);
                setDoomed(null);
              }}
            >
              Delete
            </Button>
          </>
        }
      >
        <p>
          This frees {formatBytes(doomed?.bytes ?? 0)}. Your adapters and runs stay. To use the model again, it has to
          be downloaded or dropped again.
        </p>
      </Dialog>
    </Details>
  );
}

/** What the browser gives and how long it lasts. */
function Room() {
  const storage = useAppState((state) => state.opening?.storage ?? null);
  if (!storage) return null;
  const { usedBytes, quotaBytes, note } = storage;
  return (
    <p className="k-soft k-small">
      {usedBytes !== null && quotaBytes !== null
        ? `This page uses ${formatBytes(usedBytes)} of the ${formatBytes(quotaBytes)} that this browser gives it. `
        : ""}
      {note}
    </p>
  );
}
