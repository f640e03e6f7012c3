/** The Runs card: earlier runs, to go on with, look at, compare, download again and delete. */
import { lazy, Suspense, useState } from "react";
import { Button } from "../../kit/button.tsx";
import { Card } from "../../kit/card.tsx";
import { ErrorNotice } from "../../kit/notice.tsx";
import { holder, isOpen } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { MOST_COMPARED } from "./compared.ts";
import { RunRow } from "./run-row.tsx";
import { interruptedRun, runsSummary, sortedRuns } from "./run-words.ts";
import "./runs-card.css";

const Compare = lazy(async () => ({ default: (await import("./compare.tsx")).Compare }));

const OpenAdapter = lazy(async () => ({ default: (await import("./open-adapter.tsx")).OpenAdapter }));

export function RunsCard() {
  const { actions } = usePage();
  const open = useAppState((state) => isOpen(state, "runs"));
  const ready = useAppState((state) => state.opening !== null);
  const runs = useAppState((state) => state.runs);
  const error = useAppState((state) => (state.problem?.card === "runs" ? state.problem.error : null));
  const resting = runs.length === 0 ? "empty" : interruptedRun(runs) ? "partial" : "success";
  return (
    <Card
      id="runs"
      title="Runs"
      state={error ? "error" : ready ? resting : "loading"}
      summary={ready ? runsSummary(runs) : "Looking for earlier runs"}
      open={open}
      onToggle={(now) => actions.toggleCard("runs", now)}
    >
      {error && (
        <ErrorNotice
          error={error}
          actions={
            <>
              <Button icon="refresh" onPress={() => void actions.refreshRuns()}>
                Look again
              </Button>
              <Button kind="quiet" onPress={() => actions.dismissProblem()}>
                Dismiss
              </Button>
            </>
          }
        />
      )}
      {!ready && <p className="k-soft">Looking for earlier runs.</p>}
      {ready && runs.length === 0 && <Empty />}
      {runs.length > 0 && <RunList />}
      {ready && (
        <Suspense>
          <OpenAdapter />
        </Suspense>
      )}
    </Card>
  );
}

function Empty() {
  const lasting = useAppState((state) => state.opening?.storage.lasting ?? true);
  return (
    <p className="k-soft">
      {lasting
        ? "Every run is kept here, with its curves, answers and adapter, until you delete it. A run that is cut off can be taken up again."
        : "Runs are listed here until this tab closes: this browser keeps nothing for the page, as in a private window."}
    </p>
  );
}

function RunList() {
  const runs = useAppState((state) => state.runs);
  const held = useAppState(holder);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const present = chosen.filter((id) => runs.some((run) => run.id === id));
  const choose = (id: string, now: boolean) => setChosen(now ? [...present, id] : present.filter((one) => one !== id));
  const compared = runs.filter(({ id }) => present.includes(id));
  return (
    <>
      <ul className="c-runs-list">
        {sortedRuns(runs).map((run) => (
          <RunRow
            key={run.id}
            run={run}
            chosen={present.includes(run.id)}
            choosable={runs.length > 1 ? present.includes(run.id) || present.length < MOST_COMPARED : null}
            onChoose={(now) => choose(run.id, now)}
          />
        ))}
      </ul>
      {(held || (runs.length > 1 && compared.length < 2)) && (
        <p className="k-soft k-small">
          {held && `${held} is under way: until its end, other runs can be neither shown nor continued. `}
          {runs.length > 1 && compared.length < 2 && "Tick two or more runs to see their curves in one chart."}
        </p>
      )}
      {compared.length > 1 && (
        <Suspense fallback={<p className="k-soft">The runs are being read.</p>}>
          <Compare runs={compared} />
        </Suspense>
      )}
    </>
  );
}
