/** A question that failed: what happened, and buttons that lead on. */
import { Button } from "../../kit/button.tsx";
import { Notice } from "../../kit/notice.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { problemAdvice, problemTitle, type Remedy, remediesFor } from "./check-text.ts";
import type { MemoryProps } from "./memory.ts";

export function CheckProblem(props: MemoryProps) {
  const { actions } = usePage();
  const error = useAppState((state) => (state.problem?.card === "check" ? state.problem.error : null));
  if (!error) return null;
  const advice = problemAdvice(error);
  const buttons = remediesFor(error).map((remedy, i) => (
    <RemedyButton key={remedy} remedy={remedy} first={i === 0} {...props} />
  ));
  return (
    <Notice
      tone="bad"
      title={problemTitle(error)}
      actions={
        <>
          {buttons}
          <Button kind="quiet" onPress={actions.dismissProblem}>
            Dismiss
          </Button>
        </>
      }
    >
      <pre className="c-check-error">{error.message}</pre>
      <p>{advice ?? error.hint}</p>
    </Notice>
  );
}

interface RemedyButtonProps extends MemoryProps {
  readonly remedy: Remedy;
  readonly first: boolean;
}

function RemedyButton({ remedy, first, memory, onMemory }: RemedyButtonProps) {
  const { actions } = usePage();
  const id = useAppState((state) => state.run.id);
  const question = useAppState((state) => state.comparison?.question ?? null);
  const kind = first ? "primary" : "plain";
  switch (remedy) {
    case "ask-again": {
      if (question === null) return null;
      const again = () => {
        onMemory({ stoppedComparison: false });
        void actions.compare(question, memory);
      };
      return (
        <Button kind={kind} icon="refresh" onPress={again}>
          Ask again
        </Button>
      );
    }
    case "open-again":
      if (id === null) return null;
      return (
        <Button kind={kind} icon="refresh" onPress={() => void actions.openRun(id)}>
          Load the adapter again
        </Button>
      );
    case "reload":
      return (
        <Button kind={kind} onPress={() => location.reload()}>
          Reload the page
        </Button>
      );
  }
}
