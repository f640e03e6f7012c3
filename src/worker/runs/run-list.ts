/** Earlier runs for the page: newest first, with those that broke off told from those that are on. */
import type { RunOutcome, RunSummary } from "../protocol.ts";
import type { Store } from "../storage/store.ts";
import { RunFolder, runIds, type StoredRun } from "./run-folder.ts";
import { lockedRuns } from "./run-lock.ts";

export async function listRuns(store: Store): Promise<RunSummary[]> {
  const locked = await lockedRuns();
  const summaries: RunSummary[] = [];
  for (const id of await runIds(store)) {
    const folder = new RunFolder(store, id);
    const state = await folder.state().catch(() => null);
    // A folder without a state was cut off while it was made: nothing is lost with it, unless it is being made now.
    if (state) summaries.push(await summarize(folder, state, locked.has(id)));
    else if (!locked.has(id)) await folder.forget();
  }
  return summaries;
}

/** `held`: some tab is at it. */
export async function summarize(folder: RunFolder, state: StoredRun, held: boolean): Promise<RunSummary> {
  const { id, title, model, modelTitle, dataTitle, began, totalSteps, savedStep, outcome } = state;
  // A run of an older page has none.
  const judged: RunOutcome["judged"] | undefined = outcome?.judged;
  const events = await folder.events();
  const steps = events.filter((event) => event.type === "step");
  const losses = events.flatMap((event) => (event.type === "validation" && event.best ? [event.loss] : []));
  const status = state.status === "running" && !held ? "interrupted" : state.status;
  return {
    ...{ id, title, model, modelTitle, dataTitle, began, totalSteps, savedStep, status },
    doneSteps: steps.at(-1)?.step ?? 0,
    lastLoss: steps.at(-1)?.loss ?? null,
    bestLoss: losses.at(-1) ?? null,
    resumable: !held && savedStep > 0 && savedStep < totalSteps,
    usable: outcome?.usable ?? false,
    verdict: judged?.verdict ?? null,
    bytes: await folder.bytes(),
  };
}
