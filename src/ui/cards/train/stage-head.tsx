/** Progress of the run, its verdict, and the ways to pause and stop it. Space pauses and goes on. */
import { useEffect, useRef, useState } from "react";
import { formatCount } from "../../../core/units.ts";
import { Button } from "../../kit/button.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { Notice } from "../../kit/notice.tsx";
import { Progress } from "../../kit/progress.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { Judgement } from "./judgement.tsx";
import { useLingering, useSpaceKey } from "./stage-hooks.ts";
import { countWords, leftWords, lowerFirst, stepWords } from "./summary.ts";
import { TellSwitch } from "./tell-switch.tsx";

/** Milliseconds for which somebody who comes back still sees why it was slow. */
const LINGER = 20_000;

export function StageHead() {
  const { curves } = usePage();
  const phase = useAppState((state) => state.run.phase);
  const doing = useAppState((state) => state.run.doing);
  const total = useAppState((state) => state.run.start?.totalSteps);
  const step = useAppState((state) => state.step);
  const secondsLeft = useAppState((state) => state.secondsLeft);
  const hidden = useLingering(
    useAppState((state) => state.hidden),
    LINGER,
  );
  const known = total !== undefined && phase !== "starting" && phase !== "verifying";
  const speed = curves.last("tokensPerSecond");
  const detail = [
    ...(known && doing ? [doing] : []),
    ...(known && speed !== null && phase === "training" ? [`${formatCount(Math.round(speed))} tokens/s`] : []),
    ...(secondsLeft !== null && phase === "training" ? [leftWords(secondsLeft)] : []),
  ];
  const labelOf = () => {
    if (!known) return doing || "Starting";
    return phase === "paused" ? `Paused: ${lowerFirst(stepWords(step, total))}` : stepWords(step, total);
  };
  // Start was pressed at the foot of the settings; the run begins at the head of the card.
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Not returned: some browsers give a promise back, which React would call at the end.
    top.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <div className="k-stack" ref={top}>
      {hidden && (
        <Notice tone="warn" title="Browsers slow hidden tabs down; keep this one visible">
          <p>The run goes on, but takes longer. A window of its own beside your work is enough.</p>
        </Notice>
      )}
      <Progress
        label={labelOf()}
        value={known ? step / total : undefined}
        detail={
          detail.join(" · ") || (phase === "paused" ? "Saved: this tab may be closed, and the run goes on later." : " ")
        }
        actions={<Controls />}
      />
      <Judgement ended={false} aside={<TellSwitch />} />
    </div>
  );
}

function Controls() {
  const { actions } = usePage();
  const phase = useAppState((state) => state.run.phase);
  const [asking, setAsking] = useState(false);
  const canPause = phase === "training";
  const paused = phase === "paused";
  useSpaceKey(() => {
    if (canPause) void actions.pauseRun();
    else if (paused) void actions.resumeRun();
  });
  // The question is void when the run ends by itself.
  const open = asking && (canPause || paused || phase === "pausing");
  useEffect(() => {
    if (!open) setAsking(false);
  }, [open]);
  if (phase === "verifying") return null;
  if (phase === "starting") {
    return (
      <Button kind="quiet" icon="cross" onPress={() => void actions.stopRun()}>
        Cancel
      </Button>
    );
  }
  return (
    <>
      {paused ? (
        <Button kind="primary" icon="play" shortcut="Space" onPress={() => void actions.resumeRun()}>
          Resume
        </Button>
      ) : (
        <Button
          icon="pause"
          shortcut="Space"
          busy={phase === "pausing"}
          disabled={phase === "stopping"}
          onPress={() => void actions.pauseRun()}
        >
          Pause
        </Button>
      )}
      <Button kind="quiet" icon="stop" busy={phase === "stopping"} onPress={() => setAsking(true)}>
        Stop
      </Button>
      <StopDialog open={open} onClose={() => setAsking(false)} />
    </>
  );
}

function StopDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { actions } = usePage();
  const step = useAppState((state) => state.step);
  const stop = () => {
    onClose();
    void actions.stopRun();
  };
  return (
    <Dialog
      title="Stop training?"
      open={open}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Go on training</Button>
          <Button kind="primary" onPress={stop}>
            {step === 0 ? "Stop" : "Stop and keep what was learnt"}
          </Button>
        </>
      }
    >
      <p>
        {step === 0
          ? "Nothing has been learnt yet, so nothing is kept."
          : `What ${countWords(step)} have taught is saved, checked, and then ready to try and download.`}
      </p>
    </Dialog>
  );
}
