import { describe, expect, it } from "vitest";
import { type AppState, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import { createCurves } from "../../../src/ui/state/curves.ts";
import { createStore } from "../../../src/ui/state/store.ts";
import { createTeller, type Messages } from "../../../src/ui/state/telling.ts";
import {
  endWords,
  type ScreenLock,
  type Surroundings,
  titleOf,
  watchTraining,
} from "../../../src/ui/state/while-training.ts";
import type { RunState, StartEvent, StepEvent } from "../../../src/worker/protocol.ts";

const START: StartEvent = {
  ...{ type: "start", totalSteps: 64, doneSteps: 0, updatesPerEpoch: 32, warmup: 5 },
  ...{ layers: 35, tensors: 70, parameters: 123_456, blocks: { recomputed: 0, all: 5 } },
};
const run = (phase: RunState["phase"], rest: Partial<RunState> = {}): RunState => ({
  ...INITIAL_STATE.run,
  phase,
  start: START,
  ...rest,
});
const at = (phase: RunState["phase"], step: number, rest: Partial<RunState> = {}): AppState => ({
  ...INITIAL_STATE,
  step,
  run: run(phase, rest),
});
const STEP: StepEvent = {
  ...{ type: "step", step: 24, epoch: 0, loss: 1.4213, gradNorm: 1, finite: true, learningRate: 1e-3 },
  ...{ tokens: 100, supervisedTokens: 30, seconds: 1 },
};

/** A browser that writes down what is asked of it. */
function fakeBrowser(withLock = true) {
  const seen = { title: "", locks: 0, held: 0, warning: 0, told: [] as string[], hidden: false };
  let visibility = () => {};
  let lock: { released: boolean } | null = null;
  const lockScreen = async (): Promise<ScreenLock> => {
    const mine = { released: false, release: async () => letGo(mine) };
    seen.locks += 1;
    seen.held += 1;
    lock = mine;
    return mine;
  };
  const letGo = (one: { released: boolean } | null) => {
    if (!one || one.released) return;
    one.released = true;
    seen.held -= 1;
  };
  const around: Surroundings = {
    setTitle: (title) => {
      seen.title = title;
    },
    hidden: () => seen.hidden,
    onVisibility: (listener) => {
      visibility = listener;
      return () => {
        visibility = () => {};
      };
    },
    lockScreen: withLock ? lockScreen : null,
    warnBeforeLeaving: () => {
      seen.warning += 1;
      return () => {
        seen.warning -= 1;
      };
    },
    tell: (title, body) => seen.told.push(`${title}. ${body}`),
  };
  const hide = async (hidden: boolean) => {
    seen.hidden = hidden;
    if (hidden) letGo(lock); // as browsers do
    visibility();
    await settled();
  };
  return { seen, around, hide };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

function watched(withLock = true) {
  const store = createStore<AppState>(INITIAL_STATE);
  const curves = createCurves();
  const browser = fakeBrowser(withLock);
  const end = watchTraining(store, curves, browser.around);
  const phase = async (name: RunState["phase"], rest: Partial<RunState> = {}) => {
    store.set({ run: run(name, rest) });
    await settled();
  };
  return { store, curves, ...browser, end, phase };
}

describe("the title", () => {
  it("tells progress and loss while training", () => {
    expect(titleOf(at("training", 24), 1.4213, false)).toBe("37 % · loss 1.42 · Lorikeet");
    expect(titleOf(at("paused", 24), 1.4213, false)).toBe("Paused · 37 % · loss 1.42 · Lorikeet");
    expect(titleOf(at("starting", 0, { start: null }), null, false)).toBe("Starting · Lorikeet");
  });

  it("tells the end only to somebody who has not seen it", () => {
    expect(titleOf(at("done", 64), 1.42, true)).toBe("Trained · loss 1.42 · Lorikeet");
    expect(titleOf(at("failed", 64), null, true)).toBe("Training stopped · Lorikeet");
    expect(titleOf(at("done", 64), 1.42, false)).toBe("Lorikeet");
  });

  it("follows the run and goes back when the tab is looked at", async () => {
    const { store, curves, seen, hide, phase } = watched();
    await phase("training");
    curves.add([STEP]);
    store.set({ step: 24 });
    expect(seen.title).toBe("37 % · loss 1.42 · Lorikeet");
    await hide(true);
    expect(store.get().hidden).toBe(true);
    await phase("done");
    expect(seen.title).toBe("Trained · loss 1.42 · Lorikeet");
    expect(store.get().hidden).toBe(false);
    await hide(false);
    expect(seen.title).toBe("Lorikeet");
  });
});

describe("the screen", () => {
  it("is kept on while training, not while paused", async () => {
    const { seen, phase } = watched();
    expect(seen.held).toBe(0);
    await phase("training");
    expect(seen.held).toBe(1);
    await phase("paused");
    expect(seen.held).toBe(0);
    await phase("training");
    await phase("done");
    expect([seen.held, seen.locks]).toEqual([0, 2]);
  });

  it("is taken again when the tab comes back, and not while it is hidden", async () => {
    const { seen, phase, hide } = watched();
    await phase("training");
    await hide(true);
    expect(seen.held).toBe(0);
    await hide(false);
    expect([seen.held, seen.locks]).toEqual([1, 2]);
  });

  it("is let go when it became unwanted while it was asked for", async () => {
    const { store, seen } = watched();
    store.set({ run: run("training") });
    store.set({ run: run("done") });
    await settled();
    expect(seen.held).toBe(0);
  });

  it("needs no lock to train", async () => {
    const { seen, phase } = watched(false);
    await phase("training");
    expect([seen.locks, seen.warning]).toEqual([0, 1]);
  });

  it("is let go when the watching ends", async () => {
    const { seen, phase, end } = watched();
    await phase("training");
    end();
    await settled();
    expect([seen.held, seen.warning]).toEqual([0, 0]);
  });
});

describe("leaving and the end", () => {
  it("warns while something would be lost", async () => {
    const { seen, phase } = watched();
    await phase("training");
    expect(seen.warning).toBe(1);
    await phase("paused");
    expect(seen.warning).toBe(0);
    await phase("verifying");
    expect(seen.warning).toBe(1);
    await phase("failed");
    expect(seen.warning).toBe(0);
  });

  it("tells the end once, and keeps the stage open", async () => {
    const { store, seen, phase } = watched();
    await phase("training");
    store.set({ step: 64 });
    await phase("done");
    await phase("done");
    expect(seen.told).toEqual(["The adapter is trained. 64 updates done."]);
    expect(store.get().opened).toEqual({ train: true, check: false, download: false });
  });

  it("says nothing of an earlier run that is only shown", async () => {
    const { store, seen, phase } = watched();
    await phase("done");
    expect(seen.told).toEqual([]);
    expect(store.get().opened.train).toBeUndefined();
  });

  it("has words for each end", () => {
    const error = { kind: "device", message: "the GPU is gone" } as const;
    expect(endWords(at("failed", 1, { error }), null)).toEqual(["Training stopped", "After 1 update: the GPU is gone"]);
    expect(endWords(at("done", 64), 1.4213)).toEqual(["The adapter is trained", "64 updates done, loss 1.42."]);
    const outcome = { usable: false, checks: [], adapterBytes: 0 } as unknown as RunState["outcome"];
    expect(endWords(at("done", 64, { outcome }), null)[0]).toBe("Trained, but a check failed");
  });
});

describe("the wish to be told", () => {
  const messages = (permission: "default" | "granted" | "denied", answer = permission, away = true) => {
    const shown: string[] = [];
    let asked = 0;
    const made: Messages = {
      permission: () => permission,
      request: async () => {
        asked += 1;
        permission = answer;
        return answer;
      },
      show: (title) => {
        if (title === "broken") throw new TypeError("Illegal constructor");
        shown.push(title);
      },
      away: () => away,
    };
    return { made, shown, asked: () => asked };
  };

  it("asks only when wished for", async () => {
    const { made, shown, asked } = messages("default", "granted");
    const teller = createTeller(made);
    teller.tell("done", "");
    expect([asked(), shown.length]).toEqual([0, 0]);
    await teller.wish(true);
    teller.tell("done", "");
    teller.tell("broken", "");
    expect([asked(), shown]).toEqual([1, ["done"]]);
    await teller.wish(false);
    teller.tell("again", "");
    expect(shown).toEqual(["done"]);
  });

  it("takes a no, and the lack of messages", async () => {
    const teller = createTeller(messages("default", "denied").made);
    await teller.wish(true);
    expect(teller.store.get()).toEqual({ supported: true, wanted: false, refused: true });
    const none = createTeller(null);
    await none.wish(true);
    expect(none.store.get()).toEqual({ supported: false, wanted: false, refused: false });
  });

  it("stays silent before somebody who looks", async () => {
    const { made, shown } = messages("granted", "granted", false);
    const teller = createTeller(made);
    await teller.wish(true);
    teller.tell("done", "");
    expect(shown).toEqual([]);
  });
});
