/** Whether training can start, and if not, why. Pure. */
import { formatBytes } from "../../../core/units.ts";
import type { AppState } from "../../state/app-state.ts";
import { UPDATE_TOO_LARGE } from "./remedy.ts";

export interface StartState {
  /** Why Start cannot be pressed, and the card that mends it; null when it can. */
  readonly reason: { readonly text: string; readonly card: "model" | "data" | null } | null;
  /** Only the memory plan speaks against it: somebody may try all the same. */
  readonly risky: boolean;
  /** What Start does besides, in words. */
  readonly note: string | null;
}

type Reason = NonNullable<StartState["reason"]>;

export function startState(state: AppState): StartState {
  const reason = reasonOf(state);
  if (reason) return { reason, risky: false, note: null };
  if (state.plan?.verdict === "too-large") {
    const { peakBytes, budgetBytes } = state.plan;
    const text = `This needs ${formatBytes(peakBytes)}, and this device has about ${formatBytes(budgetBytes)}.`;
    return { reason: { text, card: null }, risky: true, note: null };
  }
  return { reason: null, risky: false, note: noteOf(state) };
}

function reasonOf({ opening, model, data, knobProblem, planError, trial }: AppState): Reason | null {
  const because = (text: string, card: Reason["card"] = null): Reason => ({ text, card });
  if (opening?.blocked) return because("Nothing can be trained in this browser yet: see the top of the page.");
  if (trial.on === "sweep") return because("A learning rate is being looked for: stop that, or wait for its end.");
  if (trial.on === "diagnosis") return because("A diagnosis is being made: stop it, or wait for its end.");
  if (model.phase === "none") return because("Choose a model first.", "model");
  if (model.phase === "reading") return because("The model's files are being listed.", "model");
  if (model.phase === "failed") return because("The model could not be read.", "model");
  if (data.phase === "none") return because("Choose a dataset first.", "data");
  if (data.phase === "failed") return because("The dataset could not be read.", "data");
  if (data.phase !== "ready") return because("The dataset is being checked.", "data");
  if (data.split?.train === 0) return because("No record of the dataset can be trained on.", "data");
  if (knobProblem) return because("A setting is out of range: see All settings.");
  if (planError?.code === "update-too-large") return because(`${UPDATE_TOO_LARGE}: see the memory plan.`);
  if (planError) return because("These settings do not fit the model and the data.");
  return null;
}

function noteOf({ model }: AppState): string | null {
  if (model.phase === "loading") return "Begins as soon as the model is loaded.";
  if (model.phase === "ready" || model.kept || model.choice?.kind !== "hub" || model.downloadBytes === null)
    return null;
  const left = model.downloadBytes - (model.transfer?.done ?? 0);
  return `Downloads ${formatBytes(Math.max(0, left))} of the model first.`;
}
