/** The Model card: one line while closed; its contents are fetched when it is first opened. */
import { lazy, Suspense } from "react";
import { Card } from "../../kit/card.tsx";
import { isOpen } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { isHere } from "./choices.ts";
import { modelCardState, modelSummary } from "./summary.ts";

const ModelBody = lazy(async () => ({ default: (await import("./model-body.tsx")).ModelBody }));

export function ModelCard() {
  const { actions } = usePage();
  const model = useAppState((state) => state.model);
  const verdict = useAppState((state) => state.plan?.verdict ?? null);
  const here = useAppState((state) => isHere(state.model.choice, state.kept));
  const open = useAppState((state) => isOpen(state, "model"));
  return (
    <Card
      id="model"
      title="Model"
      state={modelCardState(model, here)}
      summary={modelSummary(model, here, verdict)}
      open={open}
      onToggle={(wanted) => actions.toggleCard("model", wanted)}
    >
      <Suspense fallback={<p className="k-soft">Opening…</p>}>
        <ModelBody />
      </Suspense>
    </Card>
  );
}
