/**
 * What the page does around a run: the title tells the progress, the screen stays on, a closed tab is warned of, the end
 * is announced. It knows the browser only through `Surroundings`, so that it can be tested without one.
 */
import { formatNumber } from "../../core/units.ts";
import { type AppState, isRunning } from "./app-state.ts";
import type { Curves } from "./curves.ts";
import type { Store } from "./store.ts";

/** As much of the browser as is needed; what a browser lacks is null. */
export interface Surroundings {
  setTitle(title: string): void;
  /** The tab cannot be seen. */
  hidden(): boolean;
  /** Hears of the tab being hidden and shown. Returns the way to end it. */
  onVisibility(listener: () => void): () => void;
  /** Keeps the screen on; refused by a hidden tab and by a low battery. The browser lets go by itself when the tab is hidden. */
  readonly lockScreen: (() => Promise<ScreenLock>) | null;
  /** Asks before the tab is closed. Returns the way to end it. */
  warnBeforeLeaving(): () => void;
  /** Tells the end to somebody who looks elsewhere; does nothing unless they wished it. */
  tell(title: string, body: string): void;
}

export interface ScreenLock {
  release(): Promise<void>;
  readonly released: boolean;
}

export const TITLE = "Lorikeet";

/** Starts watching. Returns the way to end it. */
export function watchTraining(store: Store<AppState>, curves: Curves, around: Surroundings): () => void {
  const screen = keepScreenOn(around);
  const leaving = whileTrue(() => around.warnBeforeLeaving());
  let [title, running, unseen] = ["", false, false];

  const look = () => {
    const state = store.get();
    const { phase } = state.run;
    const was = running;
    running = isRunning(state);
    // What is paused is saved, so the screen may go dark and the tab may close.
    screen.want(running && phase !== "paused");
    leaving(running && phase !== "paused");
    if (was && !running && phase !== "idle") {
      unseen = around.hidden();
      around.tell(...endWords(state, curves.last("smoothedLoss")));
      // The certificate is what the run ends with: it has the stage until the person goes on to the next card.
      store.set({ opened: { ...store.get().opened, train: true, check: false, download: false } });
    }
    const next = titleOf(state, curves.last("smoothedLoss"), unseen);
    if (next !== title) around.setTitle(next);
    title = next;
    store.set({ hidden: running && around.hidden() });
  };
  const onVisibility = () => {
    if (!around.hidden()) unseen = false;
    screen.again();
    look();
  };

  look();
  const ends = [store.subscribe(look), around.onVisibility(onVisibility)];
  return () => {
    for (const end of ends) end();
    screen.want(false);
    leaving(false);
  };
}

/** "37 % · loss 1.42 · Lorikeet". `unseen`: the run ended while nobody looked. */
export function titleOf(state: AppState, loss: number | null, unseen: boolean): string {
  const { run, step } = state;
  const lossWords = loss === null ? [] : [`loss ${formatNumber(loss, 3)}`];
  if (isRunning(state)) {
    const total = run.start?.totalSteps;
    const percent = total ? [`${Math.floor((100 * step) / total)} %`] : [];
    const phase = run.phase === "paused" ? ["Paused"] : percent.length === 0 ? ["Starting"] : [];
    return [...phase, ...percent, ...lossWords, TITLE].join(" · ");
  }
  if (!unseen) return TITLE;
  return [run.phase === "failed" ? "Training stopped" : "Trained", ...lossWords, TITLE].join(" · ");
}

/** Title and text of the message at the end. */
export function endWords({ run, step }: AppState, loss: number | null): [title: string, body: string] {
  const updates = `${step} ${step === 1 ? "update" : "updates"}`;
  if (run.phase === "failed") return ["Training stopped", `After ${updates}: ${run.error?.message ?? "an error"}`];
  const body = loss === null ? `${updates} done.` : `${updates} done, loss ${formatNumber(loss, 3)}.`;
  if (run.outcome?.usable !== false) return ["The adapter is trained", body];
  const collapsed = run.outcome.judged?.verdict === "collapsed";
  return [collapsed ? "Trained, but its answers have collapsed" : "Trained, but a check failed", body];
}

/** Takes the lock while it is wanted, and again after the browser took it away with the tab's hiding. */
function keepScreenOn({ lockScreen, hidden }: Surroundings) {
  let wanted = false;
  let lock: ScreenLock | null = null;
  let busy = false;
  const held = () => lock !== null && !lock.released;
  const settle = async () => {
    if (!lockScreen || busy) return;
    busy = true;
    try {
      // What is wanted may change while the browser is asked.
      while (wanted ? !hidden() && !held() : held()) {
        if (wanted) lock = await lockScreen();
        else await lock?.release();
      }
    } catch {
      lock = null; // a low battery refuses; training goes on all the same
    } finally {
      busy = false;
    }
  };
  return {
    want(now: boolean): void {
      if (now === wanted) return;
      wanted = now;
      void settle();
    },
    again(): void {
      void settle();
    },
  };
}

/** Starts something when told true, and ends it when told false. */
function whileTrue(start: () => () => void): (now: boolean) => void {
  let end: (() => void) | null = null;
  return (now) => {
    if (now && !end) end = start();
    else if (!now && end) {
      end();
      end = null;
    }
  };
}
