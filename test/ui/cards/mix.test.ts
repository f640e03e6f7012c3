/** Mixing adapters in words: which runs are offered, whose weights stand, what is left out; and what a mix ends on the page. */
import { describe, expect, it } from "vitest";
import { checkSummary } from "../../../src/ui/cards/check/check-text.ts";
import {
  lossWords,
  mixableRuns,
  mixLines,
  partsOf,
  runLine,
  sameWeights,
  shownWeights,
  standingWeights,
} from "../../../src/ui/cards/check/mix.ts";
import { type AppState, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import type { MixState, ModelChoice, RunSummary } from "../../../src/worker/protocol.ts";
import { outcomeAfter } from "../../support/outcome.ts";
import { page } from "../state/support.ts";

const NOW = new Date(2026, 10, 21, 12).getTime();
const HOUR = 3_600_000;
const run = (id: string, rest: Partial<RunSummary> = {}): RunSummary => ({
  ...{ id, title: "Demo", model: { kind: "demo" }, modelTitle: "Built-in demo", dataTitle: "Sample", began: NOW },
  ...{ status: "finished", doneSteps: 20, totalSteps: 20, savedStep: 20, lastLoss: 1.418, bestLoss: null },
  ...{ resumable: false, usable: true, verdict: "healthy", bytes: 1 },
  ...rest,
});
const hub = (revision: string, more: Partial<ModelChoice> = {}) =>
  ({ kind: "hub", id: "org/name", revision, ...more }) as ModelChoice;
const MIX: MixState = {
  parts: [
    { id: "b", weight: 1, title: "Letters", began: NOW - 2 * HOUR },
    { id: "a", weight: -0.5, title: "Demo", began: NOW - HOUR },
  ],
  ...{ rank: 16, largest: 8 },
};

describe("runs to mix", () => {
  const offered = (runs: readonly RunSummary[], shown: string | null) => mixableRuns(runs, shown).map(({ id }) => id);

  it("are the shown one, then the newest of its base that have an adapter", () => {
    const runs = [
      run("old", { began: NOW - 9 * HOUR }),
      run("shown", { began: NOW - 5 * HOUR }),
      run("new"),
      run("collapsed", { usable: false }),
      run("on", { status: "running" }),
      run("other", { model: hub("c1") }),
    ];
    expect(offered(runs, "shown")).toEqual(["shown", "new", "old"]);
    expect(offered(runs, "other")).toEqual(["other"]);
    expect([offered(runs, "gone"), offered(runs, null)]).toEqual([[], []]);
  });

  it("have one base for every commit of a model and however it is coded, and not by name alone", () => {
    const runs = [
      run("plain", { model: hub("c1") }),
      run("later", { model: hub("c2"), began: NOW - 1 }),
      run("coded", { model: hub("c1", { quantize: 4 }), began: NOW - 2 }),
      run("folder", { model: { kind: "folder", name: "org/name" } }),
    ];
    expect(offered(runs, "plain")).toEqual(["plain", "later", "coded"]);
    expect(offered(runs, "folder")).toEqual(["folder"]);
  });
});

describe("weights", () => {
  const runs = [run("a"), run("b"), run("c")];

  it("are those that stand until the person sets others beside this run", () => {
    expect(standingWeights(null, "a")).toEqual({ a: 1 });
    expect(standingWeights(MIX, "a")).toEqual({ b: 1, a: -0.5 });
    expect(shownWeights(null, "a", null, runs)).toEqual({ a: 1 });
    expect(shownWeights(null, "a", MIX, runs)).toEqual({ a: -0.5, b: 1 });
    const draft = { run: "a", weights: { a: 1, c: 2, gone: 1 } };
    expect(shownWeights(draft, "a", MIX, runs)).toEqual({ a: 1, c: 2 });
    expect(shownWeights(draft, "b", null, runs)).toEqual({ b: 1 });
  });

  it("are the same whatever their order, and go to the engine in the list's", () => {
    expect(sameWeights({ a: 1, b: 0 }, { b: 0, a: 1 })).toBe(true);
    expect(sameWeights({ a: 1 }, { a: 1, b: 0 })).toBe(false);
    expect(sameWeights({ a: 1, b: 1 }, { a: 1, c: 1 })).toBe(false);
    expect(sameWeights({ a: 1 }, { a: 1.1 })).toBe(false);
    expect(partsOf({ c: 2, a: 0 }, runs)).toEqual([
      { id: "a", weight: 0 },
      { id: "c", weight: 2 },
    ]);
  });
});

describe("a mix in words", () => {
  it("names its parts, with the date where two share a title", () => {
    expect(mixLines(MIX.parts, NOW)).toEqual(["1 × Letters", "−0.5 × Demo"]);
    const twins = MIX.parts.map((part) => ({ ...part, title: "Demo" }));
    expect(mixLines(twins, NOW)).toEqual(["1 × Demo, today 10:00", "−0.5 × Demo, today 11:00"]);
  });

  it("says of a run when it was and where it came to", () => {
    expect(runLine(run("a"), NOW)).toBe("today 12:00 · 20 updates · loss 1.42");
    expect(runLine(run("a", { totalSteps: 0, doneSteps: 0, lastLoss: null }), NOW)).toBe(
      "today 12:00 · not trained here",
    );
  });

  it("says what a rank leaves out", () => {
    const worst = { module: "model.layers.3.mlp.up_proj", error: 0.4 };
    expect(lossWords({ rank: 16, error: 0, worst: null, bytes: 1 }, 16)).toBe("Rank 16: the exact sum.");
    expect(lossWords({ rank: 12, error: 0, worst: null, bytes: 1 }, 16)).toBe("Rank 12 holds all of it.");
    expect(lossWords({ rank: 4, error: 0.25, worst, bytes: 1 }, 16)).toBe(
      "Rank 4 leaves out 25 % of the mix's change, most in block 3, up_proj: 40 %.",
    );
  });

  it("is in the card's line", () => {
    const outcome = outcomeAfter(20);
    const done: AppState = { ...INITIAL_STATE, run: { ...INITIAL_STATE.run, id: "a", phase: "done", outcome } };
    expect(checkSummary(done)).toBe("Ask base and tuned the same question");
    expect(checkSummary({ ...done, mix: MIX })).toBe("Mixed · Ask base and tuned the same question");
  });
});

describe("a mix on the page", () => {
  const COMPARISON = { question: "Who?", sides: { base: null, tuned: null } };
  const CHAT = [{ question: "Who?", answer: "Me.", ended: true }];

  it("takes the answers of another adapter away, when it begins and when it ends", () => {
    const { store, hear } = page();
    for (const state of [MIX, null]) {
      store.set({ comparison: COMPARISON, chat: CHAT });
      hear({ type: "data", state: store.get().data });
      expect([store.get().comparison, store.get().chat]).toEqual([COMPARISON, CHAT]);
      hear({ type: "mix", state });
      expect(store.get()).toMatchObject({ mix: state, comparison: null, chat: [] });
    }
  });

  it("is asked of the engine as it is, and a refusal is left to who asked", async () => {
    const refuse = () => {
      throw new Error("no sum");
    };
    const { actions, calls, store } = page({ mixLoss: refuse });
    await actions.mixAdapters([{ id: "a", weight: 2 }]);
    expect(calls("mixAdapters")).toEqual([["mixAdapters", [{ id: "a", weight: 2 }]]]);
    await actions.saveMixFile("peft.zip", 4);
    expect(calls("mixFile")).toEqual([["mixFile", "peft.zip", 4]]);
    await expect(actions.mixLoss(4)).rejects.toThrow("no sum");
    expect(store.get().problem).toBeNull();
  });
});
