/** Invented states of the Runs card. */
import { resolveConfig } from "../../../../src/train/config.ts";
import type { AppState } from "../../../../src/ui/state/app-state.ts";
import type { Opening, RunDetail } from "../../../../src/worker/protocol.ts";
import { eventsUntil, QUESTIONS, RUNS, runState } from "./run.ts";
import type { FakeState } from "./run-stand.tsx";
import type { RUNS_STATE_NAMES } from "./run-states.ts";

const OPEN: Partial<AppState> = {
  opened: { runs: true },
  opening: { blocked: null, storage: { lasting: true } } as unknown as Opening,
};

export const RUNS_STATES: Readonly<Record<(typeof RUNS_STATE_NAMES)[number], FakeState>> = {
  loading: { state: { ...OPEN, opening: null } },
  empty: { state: OPEN },
  private: {
    state: { ...OPEN, opening: { blocked: null, storage: { lasting: false } } as unknown as Opening },
  },
  list: { state: { ...OPEN, runs: RUNS } },
  finished: { state: { ...OPEN, runs: RUNS.filter(({ status }) => status === "finished") } },
  shown: { state: { ...OPEN, runs: RUNS, run: runState("done") } },
  busy: {
    state: {
      ...OPEN,
      runs: RUNS.map((run) => (run.id === "run-7" ? { ...run, status: "running", doneSteps: 12 } : run)),
      run: runState("training"),
    },
  },
  error: {
    state: {
      ...{ ...OPEN, runs: RUNS },
      problem: {
        card: "runs",
        error: {
          kind: "model",
          message: 'there is no run "run-3" any more',
          hint: "It was deleted, perhaps in another tab.",
        },
      },
    },
  },
};

const ENDS: Readonly<Record<string, number>> = { "run-7": 1.4, "run-6": 2.2, "run-5": 1.15 };

export const RUNS_ANSWERS = {
  runs: () => RUNS,
  openAdapter: () => {},
  runFile: () => ({ name: "adapter.zip", blob: new Blob(["zip"]) }),
  runDetail: (id: string): RunDetail => {
    const summary = RUNS.find((run) => run.id === id)!;
    if (id === "run-9") throw new Error("metrics.jsonl of run-9 cannot be read");
    const knobs = id === "run-6" ? { steps: 20, learningRate: 3e-3 } : { epochs: 2, rank: id === "run-5" ? 16 : 8 };
    return {
      ...{ summary, probes: QUESTIONS, outcome: null, config: resolveConfig(knobs, "fake") },
      events: eventsUntil(Math.min(64, summary.doneSteps), ENDS[id]),
    };
  },
};
