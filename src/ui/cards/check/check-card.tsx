/** The Check card: one line while closed; its contents are fetched when it is first opened. */
import { lazy, Suspense, useState } from "react";
import { Card } from "../../kit/card.tsx";
import { isOpen } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { checkCardState, checkSummary } from "./check-text.ts";
import { FRESH_MEMORY } from "./memory.ts";

const CheckBody = lazy(async () => ({ default: (await import("./check-body.tsx")).CheckBody }));

export function CheckCard() {
  const { actions } = usePage();
  const open = useAppState((state) => isOpen(state, "check"));
  const cardState = useAppState(checkCardState);
  const summary = useAppState(checkSummary);
  // A closed card has no contents, so what was typed and chosen is kept here.
  const [memory, setMemory] = useState(FRESH_MEMORY);
  return (
    <Card
      id="check"
      title="Check"
      state={cardState}
      summary={summary}
      open={open}
      onToggle={(wanted) => actions.toggleCard("check", wanted)}
    >
      <Suspense fallback={<p className="k-soft">Opening…</p>}>
        <CheckBody memory={memory} onMemory={(changes) => setMemory((before) => ({ ...before, ...changes }))} />
      </Suspense>
    </Card>
  );
}
