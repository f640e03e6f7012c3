/** What the page shows when runs and trials are asked for, granted and refused. */
import { describe, expect, it } from "vitest";
import { configError } from "../../../src/core/errors.ts";
import { startState } from "../../../src/ui/cards/train/start-state.ts";
import { type AppState, holder, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import { takeRunEvents } from "../../../src/ui/state/engine-events.ts";
import { NO_SWEEP } from "../../../src/ui/state/trials.ts";
import type { EngineMethod, RunEvent, RunState } from "../../../src/worker/protocol.ts";
import { page } from "./support.ts";

const NUMBERS = { epoch: 0, gradNorm: 1, learningRate: 1, tokens: 1, supervisedTokens: 1, seconds: 1, finite: true };
const step = (at: number): RunEvent => ({ type: "step", step: at, loss: 1 / at, ...NUMBERS });
const health = { verdict: "healthy", symptoms: [], notes: [] } as const;
const probe = (at: number): RunEvent => ({ type: "probe", step: at, index: 0, text: `${at}`, ended: true, health });
const EARLIER: readonly RunEvent[] = [probe(0), step(1), step(2), probe(2), step(3), probe(3)];
const DETAIL = { summary: { savedStep: 2 }, events: EARLIER };
const RUN: RunState = { ...INITIAL_STATE.run, id: "earlier", phase: "starting" };

/** A page that shows a run of one update, and knobs to start another. */
function showing(answers: Partial<Record<EngineMethod, (...args: never[]) => unknown>>) {
  const made = page({ runDetail: () => DETAIL, ...answers });
  made.actions.choosePreset("trial");
  made.store.set({ run: { ...INITIAL_STATE.run, id: "shown", phase: "done" } });
  takeRunEvents(made.store, made.curves, [probe(0), step(1)]);
  const shown = () => [made.store.get().run.id, made.curves.points("loss").count, made.store.get().probeAnswers.length];
  return { ...made, shown };
}

describe("a run that is asked for", () => {
  const ASKED = {
    startRun: (actions) => actions.startRun(),
    continueRun: (actions) => actions.continueRun("earlier"),
    openRun: (actions) => actions.openRun("earlier"),
    openAdapter: (actions) => actions.openAdapter([]),
  } as const satisfies Record<string, (actions: ReturnType<typeof page>["actions"]) => Promise<void>>;

  for (const [name, ask] of Object.entries(ASKED)) {
    it(`takes nothing off the page when it is refused: ${name}`, async () => {
      const refuse = () => {
        throw configError("a learning rate is being looked for");
      };
      const { actions, store, shown } = showing({ [name]: refuse });
      await ask(actions);
      expect(shown()).toEqual(["shown", 1, 1]);
      expect(store.get().problem?.error.message).toMatch(/is being looked for/);
    });
  }

  it("shows what an earlier one did up to its checkpoint, where that one goes on", async () => {
    const { actions, hear, shown } = showing({
      continueRun: () => {
        expect(shown()).toEqual(["shown", 1, 1]);
        hear({ type: "run", state: RUN });
        expect(shown()).toEqual(["earlier", 2, 2]);
      },
    });
    await actions.continueRun("earlier");
    expect(shown()).toEqual(["earlier", 2, 2]);
  });

  it("shows all of an earlier one that is looked at, and nothing of another in a new one", async () => {
    const opened = showing({ openRun: () => opened.hear({ type: "run", state: { ...RUN, phase: "done" } }) });
    await opened.actions.openRun("earlier");
    expect(opened.shown()).toEqual(["earlier", 3, 3]);
    const begun = showing({ startRun: () => begun.hear({ type: "run", state: { ...RUN, id: "new" } }) });
    begun.store.set({ opened: { runs: true } });
    await begun.actions.startRun();
    expect(begun.shown()).toEqual(["new", 0, 0]);
    expect(begun.store.get().opened).toEqual({});
  });
});

describe("a trial", () => {
  const FOUND = { ...INITIAL_STATE.trial, sweep: { ...NO_SWEEP, end: {} as never } };

  it("has the GPU, and Start says so", () => {
    const on = (trial: AppState["trial"]["on"]): AppState => ({
      ...INITIAL_STATE,
      trial: { ...INITIAL_STATE.trial, on: trial },
    });
    expect([INITIAL_STATE, on("sweep")].map(holder)).toEqual([null, "A trial"]);
    expect(holder({ ...on("sweep"), run: RUN })).toBe("A run");
    expect(startState(on("sweep")).reason?.text).toMatch(/learning rate is being looked for/);
    expect(startState(on("diagnosis")).reason?.text).toMatch(/diagnosis is being made/);
  });

  it("is forgotten with another model or other records, and not when more becomes known of them", () => {
    const { store, hear } = page();
    const { model, data } = INITIAL_STATE;
    const finds = () => {
      store.set({ trial: FOUND });
      return () => store.get().trial.sweep !== null;
    };
    const known = finds();
    hear({ type: "model", state: { ...model, phase: "loading" } });
    hear({ type: "data", state: { ...data, phase: "checking" } });
    expect(known()).toBe(true);
    hear({ type: "model", state: { ...model, choice: { kind: "demo" } } });
    expect(known()).toBe(false);
    for (const changed of [
      { phase: "reading" as const },
      { phase: "checking" as const, mapping: { kind: "text", text: "body" } as never },
    ]) {
      const still = finds();
      hear({ type: "data", state: { ...data, ...changed } });
      expect(still()).toBe(false);
    }
  });

  it("that was stopped before it found anything leaves nothing, and a diagnosis is of the shown run", async () => {
    const { store, actions, calls } = showing({});
    await actions.findRate();
    expect(store.get().trial).toEqual(INITIAL_STATE.trial);
    await actions.diagnose();
    expect(calls("diagnose").at(-1)).toEqual(["diagnose", store.get().config, "shown"]);
    expect(store.get().trial).toEqual(INITIAL_STATE.trial);
  });
});
