/** Trials as functions: looking for a learning rate, and the diagnostic. One at a time. */
import type { Engine } from "../../worker/protocol.ts";
import type { AppState } from "./app-state.ts";
import type { Attempt } from "./run-actions.ts";
import type { Store } from "./store.ts";
import { NO_DIAGNOSIS, NO_SWEEP } from "./trials.ts";

export const trialActions = (store: Store<AppState>, attempt: Attempt, engine: () => Engine) => ({
  /** Looks for a learning rate with the knobs as they stand; what is found is shown beside the knob. */
  async findRate() {
    const { config, trial } = store.get();
    if (!config || trial.on) return;
    store.set({ trial: { ...trial, on: "sweep", sweep: NO_SWEEP } });
    const whole = await attempt("train", async (engine) => {
      await engine.findRate(config);
      return true;
    });
    const { sweep, ...rest } = store.get().trial;
    store.set({ trial: { ...rest, on: null, sweep: whole && sweep?.end ? sweep : null } });
  },
  /** Goes through the diagnostic's five phases: with the shown run's settings on its data, or with those on the page. */
  async diagnose() {
    const { config, run, trial } = store.get();
    const knobs = run.config ?? config;
    if (!knobs || trial.on) return;
    store.set({ trial: { ...trial, on: "diagnosis", diagnosis: NO_DIAGNOSIS } });
    const whole = await attempt("check", async (engine) => {
      await engine.diagnose(knobs, run.id);
      return true;
    });
    const { diagnosis, ...rest } = store.get().trial;
    store.set({ trial: { ...rest, on: null, diagnosis: whole && diagnosis?.phases.length ? diagnosis : null } });
  },
  stopTrial: () => engine().stopTrial(),
});
