/** For the top of the page: a run that its closed tab cut off, and the way to take it up again. */
import { useState } from "react";
import { formatCount } from "../../../core/units.ts";
import { Button } from "../../kit/button.tsx";
import { Notice } from "../../kit/notice.tsx";
import { holder } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { dateWords, offeredRun } from "./run-words.ts";

export function InterruptedNotice() {
  const { actions } = usePage();
  const run = useAppState(offeredRun);
  const held = useAppState((state) => holder(state) !== null);
  const [busy, setBusy] = useState(false);
  if (!run) return null;
  const goOn = () => {
    setBusy(true);
    void actions.continueRun(run.id).finally(() => setBusy(false));
  };
  const place = `update ${formatCount(run.doneSteps)} of ${formatCount(run.totalSteps)}`;
  return (
    <Notice
      tone="info"
      title={`A run stood at ${place} when its tab closed`}
      actions={
        <>
          <Button kind="primary" icon="play" busy={busy} disabled={held} onPress={goOn}>
            Go on
          </Button>
          <Button kind="quiet" onPress={() => actions.setAsideRun(run.id)}>
            Not now
          </Button>
        </>
      }
    >
      <p className="k-small">{[run.title, dateWords(run.began, Date.now())].join(" · ")}</p>
    </Notice>
  );
}
