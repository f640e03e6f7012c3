/** Runs as functions: started, gone on with, shown, paused, stopped, forgotten. */
import type { DroppedFile, Engine, RunEvent } from "../../worker/protocol.ts";
import { type AppState, type CardId, isRunning } from "./app-state.ts";
import type { Curves } from "./curves.ts";
import { takeRunEvents } from "./engine-events.ts";
import type { Store } from "./store.ts";

/** Shows a failure at its card and gives null then. */
export type Attempt = <T>(card: CardId, work: (engine: Engine) => Promise<T>) => Promise<T | null>;

/** `keep`: asks the browser that what is kept stays. */
export function runActions(store: Store<AppState>, curves: Curves, attempt: Attempt, keep: () => void) {
  /** The run's state when a run was last asked for, while the engine has not answered. */
  let pressed: AppState["run"] | null = null;

  /** Pressed twice, Start makes one run: until the run's state has changed, or it was refused, a press is the same one. */
  function firstPress(): boolean {
    const { run } = store.get();
    if (pressed === run) return false;
    pressed = run;
    return true;
  }

  /**
   * Asks the engine for a run. What is shown of another one stays until the engine takes this one up, which it tells by a
   * new state of the run: a refusal takes nothing away. `changes`: of the page, with it.
   */
  async function takenUp(ask: () => Promise<void>, events: readonly RunEvent[], changes: Partial<AppState> = {}) {
    const { run } = store.get();
    const end = store.subscribe(() => {
      if (store.get().run === run) return;
      end();
      clearRun();
      takeRunEvents(store, curves, events);
      store.set(changes);
    });
    await ask().finally(end);
  }

  function clearRun(): void {
    curves.clear();
    store.set({
      ...{ probeAnswers: [], findings: [], health: [], voice: null, log: [], step: 0, secondsLeft: null },
      ...{ comparison: null, chat: [], problem: null, trial: { ...store.get().trial, diagnosis: null } },
    });
  }

  const refreshRuns = () => attempt("runs", async (engine) => store.set({ runs: await engine.runs() }));

  return {
    refreshRuns,
    async startRun() {
      const { config, probes, data } = store.get();
      if (!config || isRunning(store.get()) || !firstPress()) return;
      keep();
      const questions = probes ?? data.questions.slice(0, 4);
      const alone = { opened: {} }; // the stage
      await attempt("train", (engine) => takenUp(() => engine.startRun(config, questions), [], alone));
      pressed = null;
      await refreshRuns();
    },
    pauseRun: () => attempt("train", (engine) => engine.pauseRun()),
    resumeRun: () => attempt("train", (engine) => engine.resumeRun()),
    stopRun: () => attempt("train", (engine) => engine.stopRun()),

    /** Shows an earlier run's curves and answers up to its checkpoint, and trains on from there. */
    async continueRun(id: string) {
      if (isRunning(store.get()) || !firstPress()) return;
      await attempt("train", async (engine) => {
        const { summary, events } = await engine.runDetail(id);
        const kept = events.filter((event) => !("step" in event) || event.step <= summary.savedStep);
        await takenUp(() => engine.continueRun(id), kept);
      });
      pressed = null;
      // It is asked for from several places, and shows itself in one.
      const { problem, opened } = store.get();
      if (problem?.card === "train") store.set({ opened: { ...opened, train: true } });
      await refreshRuns();
    },
    /** Shows an earlier run and puts its adapter on its model. */
    async openRun(id: string) {
      if (isRunning(store.get())) return;
      await attempt("runs", async (engine) => {
        const { events } = await engine.runDetail(id);
        await takenUp(() => engine.openRun(id), events);
      });
    },
    /** Puts an adapter from files on the chosen model. */
    async openAdapter(files: readonly DroppedFile[]) {
      if (isRunning(store.get())) return;
      const opened = await attempt("runs", async (engine) => {
        await takenUp(() => engine.openAdapter(files), []);
        return true;
      });
      // Looking for runs would take a refusal off their card.
      if (opened) await refreshRuns();
    },
    /** An interrupted run is no longer offered at the top of the page. */
    setAsideRun(id: string): void {
      store.set({ setAside: id });
    },
    async forgetRun(id: string) {
      await attempt("runs", (engine) => engine.forgetRun(id));
      await refreshRuns();
    },
  };
}
