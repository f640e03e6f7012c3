/** The Train card: settings before, the stage while training, certificate or remedy after. */
import { lazy, Suspense, useEffect, useState } from "react";
import { Button } from "../../kit/button.tsx";
import { Card } from "../../kit/card.tsx";
import { isOpen, isRunning } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { Failure } from "./failure.tsx";
import { Finish } from "./finish.tsx";
import { Judgement } from "./judgement.tsx";
import { Setup } from "./setup.tsx";
import { StageHead } from "./stage-head.tsx";
import { cardState, summaryLine } from "./summary.ts";
import "./train-card.css";

// Charts are not needed before the first update.
const Stage = lazy(async () => ({ default: (await import("./stage.tsx")).Stage }));

export function TrainCard() {
  const { actions } = usePage();
  const open = useAppState((state) => isOpen(state, "train"));
  const state = useAppState(cardState);
  const onToggle = (now: boolean) => actions.toggleCard("train", now);
  return (
    <Card id="train" title="Train" state={state} summary={<Summary />} open={open} onToggle={onToggle}>
      <Body />
    </Card>
  );
}

function Summary() {
  const { curves } = usePage();
  return <>{useAppState((state) => summaryLine(state, curves.points))}</>;
}

function Body() {
  const phase = useAppState((state) => state.run.phase);
  const running = useAppState(isRunning);
  const begun = useAppState((state) => state.step > 0);
  // Settings for another run, below a run that is over.
  const [again, setAgain] = useState(false);
  useEffect(() => {
    if (running) setAgain(false);
  }, [running]);

  if (phase === "idle") {
    return (
      <>
        <Failure onChange={() => {}} />
        <Setup />
      </>
    );
  }
  return (
    <>
      {running && <StageHead />}
      {phase === "done" && <Finish again={again} onChange={() => setAgain(true)} />}
      {!running && <Failure onChange={() => setAgain(true)} />}
      {(running || begun) && (
        <Suspense fallback={<p className="k-soft">The charts are being loaded.</p>}>
          {phase === "failed" && <Judgement ended />}
          <Stage onChange={() => setAgain(true)} />
        </Suspense>
      )}
      {!running && !again && (
        <div>
          <Button kind="quiet" icon="refresh" onPress={() => setAgain(true)}>
            Train again with other settings
          </Button>
        </div>
      )}
      {!running && again && <Setup />}
    </>
  );
}
