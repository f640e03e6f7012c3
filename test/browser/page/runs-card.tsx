/** The Runs card in its states, below the notice of a run that was cut off. */
import { InterruptedNotice } from "../../../src/ui/cards/runs/interrupted-notice.tsx";
import { RunsCard } from "../../../src/ui/cards/runs/runs-card.tsx";
import { showRunCard } from "./fake/run-stand.tsx";
import { RUNS_ANSWERS, RUNS_STATES } from "./fake/runs.ts";

showRunCard(
  RUNS_STATES,
  RUNS_ANSWERS,
  <>
    <InterruptedNotice />
    <RunsCard />
  </>,
);
