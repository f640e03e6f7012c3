/** The five-phase diagnostic of the post-mortems, its phases as they come, and its one named outcome. */
import { Button } from "../../kit/button.tsx";
import { Icon, type IconName } from "../../kit/icon.tsx";
import { Notice } from "../../kit/notice.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import type { DiagnosisSoFar, PhaseSoFar } from "../../state/trials.ts";

export function DiagnosePanel() {
  const { actions } = usePage();
  const { on, diagnosis } = useAppState((state) => state.trial);
  const answering = useAppState((state) => state.answering !== null);
  return (
    <div className="c-check-changes">
      <p className="k-soft">
        Trains a small throw-away adapter on this run's records with its settings, without the guard, and says in five
        phases what moved, what did not, and whether the answers hold. Your adapter and the model stay as they are.
      </p>
      <div className="k-row">
        {on === "diagnosis" ? (
          <Button icon="stop" onPress={() => void actions.stopTrial()}>
            Stop
          </Button>
        ) : (
          <Button disabled={on !== null || answering} onPress={() => void actions.diagnose()}>
            {diagnosis ? "Diagnose again" : "Diagnose"}
          </Button>
        )}
      </div>
      {diagnosis && <Phases diagnosis={diagnosis} running={on === "diagnosis"} />}
    </div>
  );
}

function Phases({ diagnosis, running }: { readonly diagnosis: DiagnosisSoFar; readonly running: boolean }) {
  const { phases, update, end } = diagnosis;
  return (
    <>
      <ol className="c-check-phases">
        {phases.map((phase) => (
          <Phase
            key={phase.phase}
            phase={phase}
            doing={phase.phase === 2 && update ? updateWords(update) : "Under way…"}
          />
        ))}
      </ol>
      {!running && !end && <p className="k-soft">Stopped before its end.</p>}
      {end && (
        <Notice tone={end.outcome === "healthy" ? "good" : "bad"} title={`Outcome: ${end.outcome}`}>
          {end.reasons.map((reason) => (
            <p key={reason}>{reason}</p>
          ))}
          <p>{end.advice}</p>
        </Notice>
      )}
    </>
  );
}

const updateWords = ({ update, updates }: NonNullable<DiagnosisSoFar["update"]>) => `Update ${update} of ${updates}`;

const SIGNS: Readonly<Record<"true" | "false" | "null", readonly [icon: IconName, word: string]>> = {
  true: ["check-circle", "Good"],
  false: ["cross-circle", "Problem"],
  null: ["dot", "Note"],
};

function Phase({ phase: { phase, title, lines }, doing }: { readonly phase: PhaseSoFar; readonly doing: string }) {
  return (
    <li>
      <p>
        <strong>
          {phase}. {title}
        </strong>
        {lines === null && <span className="k-soft"> {doing}</span>}
      </p>
      <ul>
        {lines?.map(({ passed, text }) => {
          const [icon, word] = SIGNS[`${passed}`];
          return (
            <li key={text} data-passed={String(passed)}>
              <Icon name={icon} label={word} />
              <span>{text}</span>
            </li>
          );
        })}
      </ul>
    </li>
  );
}
