/** What the Train card says while and after training. */
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../../src/core/errors.ts";
import { resolveConfig } from "../../../src/train/config.ts";
import { answersAt, roundName, roundsOf } from "../../../src/ui/cards/train/probe-rounds.ts";
import { remedyFor } from "../../../src/ui/cards/train/remedy.ts";
import { cardState, leftWords, summaryLine } from "../../../src/ui/cards/train/summary.ts";
import { certificateChecks, finalFigures, keptWords, lowerRate, totalsOf } from "../../../src/ui/cards/train/totals.ts";
import { voiceSentence } from "../../../src/ui/cards/train/voice-text.ts";
import { type AppState, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import { createCurves } from "../../../src/ui/state/curves.ts";
import type { MemoryPlan, ProbeEvent, RunEvent, RunState, StartEvent } from "../../../src/worker/protocol.ts";
import { HEALTHY, outcomeAfter } from "../../support/outcome.ts";

const probe = (step: number, index: number, text: string): ProbeEvent => ({
  ...{ type: "probe", step, index, text, ended: true, health: HEALTHY },
});
const step = (at: number, loss: number): RunEvent => ({
  ...{ type: "step", step: at, epoch: 0, loss, gradNorm: 1, finite: true, learningRate: 1e-3 },
  ...{ tokens: 400, supervisedTokens: 100, seconds: 0.5 },
});
const OUTCOME = outcomeAfter(64, { chosen: "best", chosenStep: 48 });
const CONFIG = resolveConfig({}, "test");

describe("answers by round", () => {
  const answers = [probe(0, 0, "a"), probe(0, 1, "x"), probe(16, 0, "b"), probe(16, 1, "y"), probe(32, 0, "c")];

  it("shows each against the one before, and the one before training", () => {
    expect(answersAt(["p", "q"], answers, 16)).toEqual([
      { question: "p", text: "b", before: "a", first: "a", ended: true, health: HEALTHY },
      { question: "q", text: "y", before: "x", first: "x", ended: true, health: HEALTHY },
    ]);
    expect(answersAt(["p"], answers, 0)[0]).toMatchObject({ text: "a", before: null, first: null });
  });

  it("keeps the earlier answer while a round is under way", () => {
    const [p, q] = answersAt(["p", "q"], answers, 32);
    expect([p?.text, p?.before, q?.text, q?.before]).toEqual(["c", "b", "y", "x"]);
  });

  it("has nothing for a question not asked yet", () => {
    expect(answersAt(["p", "q", "r"], answers, 32)[2]).toMatchObject({ text: null, before: null, first: null });
  });

  it("takes the later answer of a round that came twice", () => {
    const again = [...answers, probe(16, 0, "b2")];
    expect(answersAt(["p"], again, 16)[0]).toMatchObject({ text: "b2", before: "a" });
    expect(roundsOf(again)).toEqual([0, 16, 32]);
  });

  it("names rounds", () => {
    expect([roundName(0), roundName(1600)]).toEqual(["Before training", "After update 1,600"]);
  });
});

describe("the card's line", () => {
  const curves = createCurves();
  curves.add([step(1, 2.31), step(2, 1.42)]);
  const start = { totalSteps: 64 } as StartEvent;
  const line = (run: Partial<RunState>, rest: Partial<AppState> = {}) => {
    const state = { ...INITIAL_STATE, step: 12, ...rest, run: { ...INITIAL_STATE.run, start, ...run } };
    return [summaryLine(state, curves.points), cardState(state)];
  };
  const plan = { updates: 20, verdict: "fits" } as MemoryPlan;

  it("follows the run", () => {
    expect(line({ phase: "idle" })).toEqual(["Trial · waits for a model", "empty"]);
    expect(line({ phase: "idle" }, { plan })).toEqual(["Trial · 20 updates · fits", "empty"]);
    expect(line({ phase: "idle" }, { plan: { ...plan, updates: 0 } })[0]).toBe("Trial · waits for a model");
    expect(line({ phase: "idle" }, { plan, preset: "custom" })[0]).toBe("Own settings · 20 updates · fits");
    expect(line({ phase: "starting", doing: "Loading the model" })).toEqual(["Loading the model", "loading"]);
    expect(line({ phase: "training" })).toEqual(["Update 12 of 64 · loss 1.82", "loading"]);
    expect(line({ phase: "training" }, { step: 0 })[0]).toContain("Before the first of 64 updates");
    expect(line({ phase: "paused" })).toEqual(["Paused · update 12 of 64 · loss 1.82", "partial"]);
    expect(line({ phase: "done", outcome: OUTCOME }, { step: 64 })).toEqual([
      "64 updates · loss 2.31 → 1.82",
      "success",
    ]);
    const unusable = { ...OUTCOME, usable: false };
    expect(line({ phase: "done", outcome: unusable })[1]).toBe("error");
    expect(line({ phase: "done", outcome: unusable })[0]).toContain("a check failed");
    const error = { kind: "device", message: "x" } as const;
    expect(line({ phase: "failed", error })).toEqual(["Stopped by an error after update 12", "error"]);
    expect(line({ phase: "failed" })[0]).toBe("Broken off after update 12");
    expect(line({ phase: "failed", error }, { step: 0 })[0]).toBe("Stopped by an error before the first update");
  });

  it("tells a wrong knob", () => {
    const knobProblem = { kind: "config", message: "x" } as const;
    expect(line({ phase: "idle" }, { plan, knobProblem })).toEqual(["Trial · a setting is out of range", "error"]);
  });
});

describe("the time left", () => {
  it("is no more exact than a guess", () => {
    expect([3, 8, 43, 59, 100, 3599, 4000].map(leftWords)).toEqual([
      "a few seconds left",
      "about 10 s left",
      "about 45 s left",
      "about 1 min left",
      "about 2 min left",
      "about 1 h 00 min left",
      "about 1 h 07 min left",
    ]);
  });
});

describe("the end", () => {
  const curves = createCurves();
  const events: RunEvent[] = [
    { type: "validation", step: 0, loss: 2.5, tokens: 1, best: false },
    ...[step(1, 2.31), step(2, 1.42)],
    { type: "validation", step: 1, loss: 1.5, tokens: 1, best: true },
    { type: "validation", step: 2, loss: 1.7, tokens: 1, best: false },
  ];
  curves.add(events);

  it("has figures, with time and tokens once they are known", () => {
    expect(totalsOf(events)).toEqual({ seconds: 1, tokens: 800 });
    expect(finalFigures(curves.points, null).map(({ value }) => value)).toEqual(["2.31 → 1.82", "2.50 → 1.50"]);
    expect(finalFigures(curves.points, totalsOf(events)).slice(2)).toEqual([
      { name: "Training time", value: "1.0 s" },
      { name: "Tokens", value: "800" },
    ]);
    expect(finalFigures(createCurves().points, null)).toEqual([]);
  });

  it("says what is kept and what was skipped", () => {
    expect(keptWords(OUTCOME)).toBe("Kept: the adapter after update 48, which had the lowest validation loss.");
    expect(keptWords({ ...OUTCOME, done: { ...OUTCOME.done, steps: 0 } })).toMatch(/opened from files/);
    const stopped = { ...OUTCOME.done, chosen: "last", steps: 12, chosenStep: 12, stopped: true } as const;
    expect(keptWords({ ...OUTCOME, done: { ...stopped, skippedUpdates: 2 } })).toBe(
      "Stopped after update 12. Kept: the adapter after update 12. 2 updates were skipped because they were not finite.",
    );
  });

  it("tells rollbacks and an early end; runs of an older page have neither", () => {
    const done = { ...OUTCOME.done, rollbacks: 2, endedEarly: "gave-up" } as const;
    expect(keptWords({ ...OUTCOME, done })).toMatch(
      /^Ended by itself after update 64\. .*put back to a good state 2 times\.$/,
    );
    const { rollbacks: _, endedEarly: __, ...old } = OUTCOME.done;
    expect(keptWords({ ...OUTCOME, done: old as never })).not.toMatch(/put back|by itself/);
  });

  it("offers a lower rate where the rate is the trouble", () => {
    expect(lowerRate(OUTCOME, 3e-3)).toBeNull();
    const gaveUp = { ...OUTCOME, done: { ...OUTCOME.done, endedEarly: "gave-up" } } as const;
    expect(lowerRate(gaveUp, 1.6e-3)).toBe(1e-4);
    const check = { name: "the answers are coherent", passed: false, evidence: "", about: "answers" } as const;
    expect(lowerRate({ ...OUTCOME, checks: [check] }, 3e-3)).toBe(7.5e-4);
    expect(lowerRate({ ...OUTCOME, checks: [{ ...check, passed: true }] }, 3e-3)).toBeNull();
  });

  it("tells the voice in a sentence, and no change where there is next to none", () => {
    const score = (value: number) => ({ score: value, chrF: value, style: value });
    const voice = (base: number, tuned: number) =>
      voiceSentence({ type: "voice", step: 1, questions: 6, base: score(base), tuned: score(tuned) });
    expect(voice(0.21, 0.684)).toBe(
      "The answers came closer to the dataset's manner: 21 % before, 68 % with the adapter, on 6 questions it was not trained on.",
    );
    expect(voice(0.5, 0.51)).toContain("about as close");
    expect(voice(0.5, 0.1)).toContain("went away");
  });

  it("turns checks into the certificate, and keeps unknown ones", () => {
    const checks = [
      { name: "every number is finite", passed: false, evidence: "model.layers.0" },
      { name: "the base is unchanged", passed: true, evidence: "same hash" },
    ];
    const [finite, base] = certificateChecks({ ...OUTCOME, checks });
    expect(finite).toMatchObject({ title: "Every number in the adapter is finite", passed: false });
    expect(finite?.detail).toContain("lower learning rate");
    expect(base).toMatchObject({
      title: "The base model is unchanged",
      passed: true,
      detail: undefined,
      evidence: "same hash",
    });
  });
});

describe("remedies", () => {
  const remedy = (code?: (typeof ERROR_CODES)[number], saved = true, began = true) =>
    remedyFor({ kind: "device", message: "m", ...(code && { code }) }, { config: CONFIG, saved, began });

  it("goes on after a lost device, from what was saved", () => {
    expect(remedy("device-lost")).toMatchObject({ goOn: true, again: false, advice: [] });
    expect(remedy("device-lost", false)).toMatchObject({ goOn: false, again: true });
  });

  it("makes the run smaller when memory was short, and does not repeat it as it was", () => {
    const { goOn, again, advice } = remedy("out-of-memory", false);
    expect([goOn, again, advice.map(({ id }) => id)]).toEqual([false, false, ["checkpointing", "batch"]]);
  });

  it("makes the update smaller when a buffer cannot hold it, which recomputing does not", () => {
    const { title, goOn, again, advice } = remedy("update-too-large", true, false);
    expect(title).toBe("An update is too large for this GPU");
    expect([goOn, again, advice.map(({ id }) => id)]).toEqual([false, false, ["batch", "length"]]);
  });

  it("has a title for every code, and shows the way to another card where the remedy is there", () => {
    for (const code of ERROR_CODES) expect(remedy(code).title).not.toBe("");
    const cards = (code: (typeof ERROR_CODES)[number]) => remedy(code).cards.map(({ id }) => id);
    expect(cards("storage-full")).toEqual(["runs", "model"]);
    expect(cards("bad-dataset")).toEqual(["data"]);
    expect(remedy()).toMatchObject({ title: "Training stopped", goOn: true, cards: [] });
  });

  it("does not speak of a run that never began", () => {
    expect(remedy(undefined, true, false)).toMatchObject({ title: "Training could not start", goOn: false, text: "" });
  });
});
