/** How the page comes up: this browser is looked at, then everything is as it was left, or preselected on a first visit. */
import type { LorikeetError } from "../../core/errors.ts";
import { PRESET_NAMES, type PresetName } from "../../train/presets.ts";
import type { Draft } from "../../worker/protocol.ts";
import { type Actions, errorData } from "./actions.ts";
import { type AppState, isRunning } from "./app-state.ts";
import { hubToken } from "./hub-token.ts";
import type { Store } from "./store.ts";

/** Opens the engine and brings back the last visit. Never rejects: what goes wrong is in the state. */
export async function startPage(
  store: Store<AppState>,
  actions: Actions,
  open: () => Promise<AppState["opening"]>,
): Promise<void> {
  try {
    const opening = await open();
    store.set({ opening });
    if (!opening || opening.blocked) return;
    await comeBack(store, actions, opening.draft);
  } catch (error) {
    breakOff(store, error as LorikeetError);
  }
}

/** The engine is gone: nothing can be asked of it any more, and a run that was on has ended. */
export function breakOff(store: Store<AppState>, cause: LorikeetError): void {
  const { run } = store.get();
  const error = errorData(cause);
  store.set({ broken: error, ...(isRunning(store.get()) && { run: { ...run, phase: "failed", doing: "", error } }) });
}

async function comeBack(store: Store<AppState>, actions: Actions, draft: Draft | null): Promise<void> {
  if (draft) store.set({ memoryGB: draft.memoryGB, probes: draft.probes });
  const preset = PRESET_NAMES.find((name): name is PresetName => name === draft?.preset);
  actions.choosePreset(preset ?? "trial");
  if (draft && !preset) actions.restoreKnobs(draft.knobs);
  const token = hubToken.get();
  const model = actions.chooseModel(draft?.model ?? { kind: "demo" }, token ? { token } : {});
  const runs = actions.refreshRuns();
  await model;
  await (draft?.data.kind === "files" ? actions.reopenData(draft.data.mapping) : actions.openSample());
  await runs;
  // The demo is small: when its button is pressed everything is ready.
  if (store.get().model.choice?.kind === "demo") await actions.loadModel();
  await actions.refreshModels();
}
