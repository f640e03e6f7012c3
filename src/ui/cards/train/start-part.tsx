/** The one button that starts, or why it cannot be pressed. */
import { Button, LinkButton } from "../../kit/button.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { offeredRun } from "../runs/run-words.ts";
import { startState } from "./start-state.ts";
import { TellSwitch } from "./tell-switch.tsx";

const CARD_WORDS = { model: "Go to the model", data: "Go to the data" } as const;

export function StartPart() {
  const { actions } = usePage();
  // One text, so that the selection is the same for the same state.
  const { reason, risky, note } = JSON.parse(useAppState((state) => JSON.stringify(startState(state)))) as ReturnType<
    typeof startState
  >;
  // To go on with a run that was cut off is the one primary action then.
  const offered = useAppState((state) => offeredRun(state) !== null);
  const start = () => void actions.startRun();
  return (
    <div className="c-train-start">
      <Button kind={offered ? "plain" : "primary"} icon="play" disabled={reason !== null} onPress={start}>
        Start
      </Button>
      {reason && <span>{reason.text}</span>}
      {note && <span className="k-soft">{note}</span>}
      {reason?.card && (
        <LinkButton kind="quiet" href={`#${reason.card}`}>
          {CARD_WORDS[reason.card]}
        </LinkButton>
      )}
      {risky && (
        <Button kind="quiet" onPress={start}>
          Start anyway
        </Button>
      )}
      <div className="c-train-tell">
        <TellSwitch />
      </div>
    </div>
  );
}
