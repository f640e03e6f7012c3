/** The open Check card: what to do before there is an adapter; then comparison, chat, and what the adapter changed. */
import { lazy, Suspense, useEffect, useState } from "react";
import { LinkButton } from "../../kit/button.tsx";
import { Details } from "../../kit/details.tsx";
import { ErrorNotice, Notice } from "../../kit/notice.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { verdictOf } from "../verdict-words.ts";
import { AnswerOptions } from "./answer-options.tsx";
import { Chat } from "./chat.tsx";
import { CheckProblem } from "./check-problem.tsx";
import { standingOf } from "./check-text.ts";
import { Compare } from "./compare.tsx";
import { GoToTrain } from "./go-to-train.tsx";
import { type MemoryProps, withTurn } from "./memory.ts";
import { MixNotice } from "./mix-notice.tsx";
import "./check.css";

const Changes = lazy(async () => ({ default: (await import("./changes-panel.tsx")).Changes }));

const DiagnosePanel = lazy(async () => ({ default: (await import("./diagnose-panel.tsx")).DiagnosePanel }));

const MixPanel = lazy(async () => ({ default: (await import("./mix-panel.tsx")).MixPanel }));

export function CheckBody(props: MemoryProps) {
  const standing = useAppState(standingOf);
  if (standing === "ready") return <Asking {...props} />;
  if (standing === "unusable") return <Unusable />;
  return (
    <div className="c-check-empty">
      <p>
        {standing === "none"
          ? "Train first; here base and tuned answer side by side."
          : "The model is training. When it is done, base and tuned answer your questions side by side here."}
      </p>
      <p className="k-soft">
        {standing === "none"
          ? "Then chat with the tuned model, and see how much each layer changed."
          : "Until then the Train card shows its answers to the probes as they change."}
      </p>
      <div>
        <GoToTrain>{standing === "none" ? "Go to Train" : "Watch it train"}</GoToTrain>
      </div>
    </div>
  );
}

function Unusable() {
  const failed = useAppState((state) => state.run.phase === "failed");
  const collapsed = useAppState((state) => verdictOf(state.run.outcome) === "collapsed");
  const error = useAppState((state) => (state.problem?.card === "check" ? state.problem.error : null));
  return (
    <>
      <Notice
        tone="bad"
        title={failed ? "The run ended without an adapter" : "There is no adapter to ask"}
        actions={<GoToTrain>See what happened</GoToTrain>}
      >
        <p>
          {failed
            ? "The Train card says what went wrong and how to go on."
            : collapsed
              ? "Its answers have collapsed, so it was taken off the model again. The Train card shows them, and what helps."
              : "It did not pass every check, so it was taken off the model again. The Train card says which, and what helps."}
        </p>
      </Notice>
      {error && <ErrorNotice error={error} />}
      <Diagnosis />
    </>
  );
}

function Asking({ memory, onMemory }: MemoryProps) {
  const { actions } = usePage();
  const stop = useStop({ memory, onMemory });
  return (
    <>
      <CheckProblem memory={memory} onMemory={onMemory} />
      <MixNotice onMemory={onMemory} />
      <Compare memory={memory} onMemory={onMemory} onStop={stop} />
      <Chat memory={memory} onMemory={onMemory} onStop={stop} />
      <div className="c-check-folds">
        <AnswerOptions memory={memory} onMemory={onMemory} />
        <ChangesPanel />
        <Mixing memory={memory} onMemory={onMemory} />
        <Diagnosis />
      </div>
      <div>
        <LinkButton icon="download" href="#download" onPress={() => actions.toggleCard("check", false)}>
          Go to the download
        </LinkButton>
      </div>
    </>
  );
}

/** Fetched when it is opened. */
function Diagnosis() {
  const [open, setOpen] = useState(false);
  return (
    <Details summary="Diagnose: is training sound here?" onToggle={setOpen}>
      {open && (
        <Suspense fallback={<p className="k-soft">Opening…</p>}>
          <DiagnosePanel />
        </Suspense>
      )}
    </Details>
  );
}

/** Fetched when it is opened. */
function Mixing(props: MemoryProps) {
  const [open, setOpen] = useState(false);
  return (
    <Details summary="Mix adapters" onToggle={setOpen}>
      {open && (
        <Suspense fallback={<p className="k-soft">Opening…</p>}>
          <MixPanel {...props} />
        </Suspense>
      )}
    </Details>
  );
}

/** Neither fetched nor measured before it is opened. */
function ChangesPanel() {
  const [open, setOpen] = useState(false);
  const mixed = useAppState((state) => state.mix !== null);
  return (
    <Details summary={mixed ? "What the mix changed" : "What the adapter changed"} onToggle={setOpen}>
      {open && (
        <Suspense fallback={<p className="k-soft">Opening…</p>}>
          <Changes />
        </Suspense>
      )}
    </Details>
  );
}

/** Stops the answer under way and remembers that the person did; Escape does the same. */
function useStop({ memory, onMemory }: MemoryProps): () => void {
  const { store, actions } = usePage();
  const answering = useAppState((state) => state.answering !== null);
  const stop = () => {
    const { answering, chat } = store.get();
    if (answering === "comparison") onMemory({ stoppedComparison: true });
    if (answering === "chat") onMemory(withTurn(memory, chat.length - 1, true));
    void actions.stopAnswer();
  };
  useEffect(() => {
    if (!answering) return;
    const onKeyDown = (event: KeyboardEvent) => {
      // What lies above the page closes first.
      const covered = document.querySelector("dialog[open], :popover-open") !== null;
      if (event.key === "Escape" && !event.defaultPrevented && !covered) stop();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  });
  return stop;
}
