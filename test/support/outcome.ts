/** How a run ended, for tests of what shows it: a healthy one, unless `changes` says otherwise. */
import type { DoneEvent } from "../../src/train/events.ts";
import type { RunOutcome } from "../../src/worker/protocol.ts";

type Done = Omit<DoneEvent, "adapter">;

export const HEALTHY = { verdict: "healthy", symptoms: [], notes: [] } as const;

export const doneAfter = (steps: number, changes: Partial<Done> = {}): Done => ({
  ...{ type: "done", steps, chosen: "last", chosenStep: steps, skippedUpdates: 0, stopped: false },
  ...{ endedEarly: null, rollbacks: 0, unmoved: [], baseChanged: [], answers: HEALTHY },
  ...changes,
});

export const outcomeAfter = (
  steps: number,
  done: Partial<Done> = {},
  changes: Partial<Omit<RunOutcome, "done">> = {},
): RunOutcome => ({
  done: doneAfter(steps, done),
  ...{ checks: [], judged: { verdict: "healthy", reason: "All checks passed." }, usable: true, adapterBytes: 1000 },
  ...changes,
});
