/** What went wrong with a run, or with starting one, and the button that does the next sensible thing. */
import { useEffect, useRef } from "react";
import { Button, LinkButton } from "../../kit/button.tsx";
import { Notice } from "../../kit/notice.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { AdviceButtons } from "./advice-buttons.tsx";
import { remedyFor } from "./remedy.ts";

/** `onChange`: settings were changed, or shall be. */
export function Failure({ onChange }: { readonly onChange: () => void }) {
  const { actions } = usePage();
  const run = useAppState((state) => state.run);
  const problem = useAppState((state) => (state.problem?.card === "train" ? state.problem.error : null));
  const config = useAppState((state) => state.config);
  const saved = useAppState(({ runs, run: { id } }) => runs.find((one) => one.id === id)?.resumable ?? id !== null);
  const failed = run.phase === "failed";
  // The list says whether a checkpoint was saved.
  useEffect(() => {
    if (failed) void actions.refreshRuns();
  }, [actions, failed]);
  const place = useRef<HTMLDivElement>(null);
  // Pressed elsewhere on the page, or far below.
  useEffect(() => {
    if (problem) place.current?.scrollIntoView({ block: "nearest" });
  }, [problem]);
  const error = problem ?? (failed ? run.error : null);
  if (!error) return failed ? <BrokenOff saved={saved} /> : null;
  const { id } = run;
  const remedy = remedyFor(error, { config: run.config ?? config, saved: failed && saved, began: problem === null });
  const known = error.code !== undefined;
  const said = <p className={known ? "c-train-said k-soft" : "c-train-said"}>{error.message}</p>;
  return (
    <div ref={place}>
      <Notice
        tone="bad"
        title={remedy.title}
        actions={
          <>
            {remedy.goOn && id !== null && (
              <Button kind="primary" icon="play" onPress={() => void actions.continueRun(id)}>
                Go on from the last saved update
              </Button>
            )}
            {remedy.again && (
              <Button kind="primary" icon="refresh" onPress={() => void actions.startRun()}>
                Try again
              </Button>
            )}
            {remedy.cards.map(({ id: card, label }) => (
              <LinkButton key={card} href={`#${card}`}>
                {label}
              </LinkButton>
            ))}
            {problem && (
              <Button kind="quiet" onPress={() => actions.dismissProblem()}>
                Dismiss
              </Button>
            )}
          </>
        }
      >
        {!known && said}
        {remedy.text && <p>{remedy.text}</p>}
        {known && said}
        {error.hint && <p>{error.hint}</p>}
        <AdviceButtons advice={remedy.advice} onSet={onChange} />
      </Notice>
    </div>
  );
}

/** An earlier run that is looked at and did not come to its end. */
function BrokenOff({ saved }: { readonly saved: boolean }) {
  const { actions } = usePage();
  const id = useAppState((state) => state.run.id);
  const canGoOn = saved && id !== null;
  return (
    <Notice
      tone="warn"
      title="This run did not come to its end"
      actions={
        canGoOn && (
          <Button kind="primary" icon="play" onPress={() => void actions.continueRun(id)}>
            Go on from the last saved update
          </Button>
        )
      }
    >
      <p>{saved ? "What it learnt up to its last saved update is kept." : "Nothing of it was saved to go on from."}</p>
    </Notice>
  );
}
