/** The Data card: one line while closed; its contents are fetched when it is first opened. */
import { lazy, Suspense } from "react";
import { Card } from "../../kit/card.tsx";
import { isOpen } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { dataCardState, dataSummary } from "./summary.ts";

const DataBody = lazy(async () => ({ default: (await import("./data-body.tsx")).DataBody }));

export function DataCard() {
  const { actions } = usePage();
  const state = useAppState(({ data }) => dataCardState(data));
  const summary = useAppState(({ data }) => dataSummary(data));
  const open = useAppState((app) => isOpen(app, "data"));
  return (
    <Card
      id="data"
      title="Data"
      state={state}
      summary={summary}
      open={open}
      onToggle={(wanted) => actions.toggleCard("data", wanted)}
    >
      <Suspense fallback={<p className="k-soft">Opening…</p>}>
        <DataBody />
      </Suspense>
    </Card>
  );
}
