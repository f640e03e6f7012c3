/** The questions asked while training: the first of the validation records, unless somebody has better ones. */
import { useState } from "react";
import { Button } from "../../kit/button.tsx";
import { Details } from "../../kit/details.tsx";
import { WordList } from "../../kit/word-list.tsx";
import { useAppState, usePage } from "../../state/page.tsx";

/** As many as `startRun` takes by itself. */
const USUAL = 4;

export function ProbesPart() {
  const { actions } = usePage();
  const [open, setOpen] = useState(false);
  const own = useAppState((state) => state.probes);
  const questions = useAppState((state) => state.data.questions);
  const every = useAppState((state) => state.config?.stepsPerSample ?? null);
  const usual = questions.slice(0, USUAL);
  const shown = own ?? usual;
  const when = every === 0 ? "never, as set below" : every === null ? "" : `every ${every} updates`;
  const count = shown.length === 0 ? "none" : `${shown.length}${when && `, ${when}`}`;
  return (
    <div className="c-train-probes">
      <Details
        onToggle={setOpen}
        summary={
          <span>
            Questions asked while training<span className="k-soft"> · {count}</span>
          </span>
        }
      >
        <div className="k-stack">
          <WordList
            label="Questions"
            description={describe(own !== null, usual.length > 0)}
            cost="Each question takes a few seconds in every round."
            values={shown}
            onChange={(values) => actions.setProbes(values)}
            placeholder="Ask something the data teaches"
          />
          {own !== null && usual.length > 0 && (
            <div>
              <Button kind="quiet" icon="refresh" onPress={() => actions.setProbes(null)}>
                Use the first questions of the validation records
              </Button>
            </div>
          )}
        </div>
      </Details>
      {!open && shown.length > 0 && (
        <ul>
          {shown.map((question) => (
            <li key={question}>{question}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function describe(own: boolean, known: boolean): string {
  const why = "The answers show how the voice changes, from before the first update to the last.";
  if (own) return why;
  return known ? `The first questions of the validation records. ${why}` : `None are known yet. ${why}`;
}
