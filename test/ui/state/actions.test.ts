/** The page's actions and events with an engine that only notes what it is asked. */
import { describe, expect, it, vi } from "vitest";
import { modelError } from "../../../src/core/errors.ts";
import { type AppState, currentCard, INITIAL_STATE, isOpen } from "../../../src/ui/state/app-state.ts";
import { page } from "./support.ts";

const chosen = { ...INITIAL_STATE.model, choice: { kind: "demo" }, phase: "ready", title: "Built-in demo" } as const;

describe("knobs", () => {
  it("come from a preset, follow the model's size, and become custom when one is set", async () => {
    const { store, actions } = page();
    actions.choosePreset("trial");
    expect(store.get()).toMatchObject({ preset: "trial", config: { steps: 20, learningRate: 3e-3 } });
    store.set({ model: { ...chosen, facts: { parameters: 5e8 } as never } });
    actions.choosePreset("standard");
    expect(store.get().config).toMatchObject({ epochs: 2, steps: "auto", learningRate: 2e-4 });
    actions.setKnob("rank", 4);
    expect(store.get()).toMatchObject({ preset: "custom", config: { rank: 4, epochs: 2 } });
    actions.setKnob("steps", 7);
    expect(store.get().config).toMatchObject({ steps: 7, epochs: "auto" });
    actions.setKnob("rank", undefined);
    expect(store.get().config).toMatchObject({ rank: 8 });
  });

  it("keep a wrong value and say what is wrong with it; no run starts", async () => {
    const { store, actions, calls } = page();
    actions.choosePreset("trial");
    actions.setKnob("rank", 0);
    expect(store.get()).toMatchObject({ config: null, knobs: { rank: 0 } });
    expect(store.get().knobProblem?.message).toMatch(/rank: expected whole number ≥ 1, got 0/);
    await actions.startRun();
    expect(calls("startRun")).toEqual([]);
  });

  it("have the data examined again when they change what is seen of it", () => {
    const { actions, calls } = page();
    actions.choosePreset("trial");
    actions.setKnob("learningRate", 1e-4);
    expect(calls("examineData")).toEqual([]);
    actions.setKnob("maxSeqLength", 64);
    expect(calls("examineData")).toHaveLength(1);
  });
});

describe("actions", () => {
  it("show a refusal at their card, and take it back with the next try", async () => {
    const refuse = vi.fn().mockImplementationOnce(() => {
      throw modelError("no such model", "Check the name.");
    });
    const { store, actions } = page({ chooseModel: refuse });
    await actions.chooseModel({ kind: "hub", id: "a/b" });
    expect(store.get().problem).toEqual({
      card: "model",
      error: { kind: "model", message: "no such model", hint: "Check the name." },
    });
    await actions.chooseModel({ kind: "hub", id: "a/c" });
    expect(store.get().problem).toBeNull();
  });

  it("remember the page as it is", async () => {
    const { store, actions, calls } = page();
    actions.choosePreset("thorough");
    expect(calls("saveDraft")).toEqual([]); // nothing is chosen yet
    store.set({ model: chosen });
    actions.setProbes(["Who are you?"]);
    expect(calls("saveDraft").at(-1)![1]).toMatchObject({
      ...{ model: { kind: "demo" }, preset: "thorough", probes: ["Who are you?"], data: { kind: "sample" } },
    });
  });

  it("send a chat with all that was said before", async () => {
    const { store, actions, calls, hear } = page();
    const first = actions.say("Hello");
    hear({ type: "answer", answer: { id: 1, side: "tuned", text: "Chirrup", ended: null } });
    hear({ type: "answer", answer: { id: 1, side: "tuned", text: "Chirrup!", ended: true } });
    await first;
    expect(store.get().chat).toEqual([{ question: "Hello", answer: "Chirrup!", ended: true }]);
    await actions.say("And now?");
    expect(calls("ask").at(-1)![1]).toMatchObject({
      sides: ["tuned"],
      messages: [
        { role: "user", content: "Hello" },
        { role: "assistant", content: "Chirrup!" },
        { role: "user", content: "And now?" },
      ],
    });
  });

  it("fill both sides of a comparison", async () => {
    const { store, actions, hear } = page();
    const asked = actions.compare("Who?");
    hear({ type: "answer", answer: { id: 1, side: "base", text: "I", ended: true } });
    hear({ type: "answer", answer: { id: 1, side: "tuned", text: "Pip", ended: true } });
    await asked;
    expect(store.get()).toMatchObject({
      answering: null,
      comparison: { question: "Who?", sides: { base: { text: "I" }, tuned: { text: "Pip" } } },
    });
  });
});

describe("events", () => {
  it("reach the state at most four times a second, the run's own at once", () => {
    vi.useFakeTimers();
    const { store, hear } = page();
    const changes = vi.fn();
    store.subscribe(changes);
    for (let step = 1; step <= 100; step++) {
      const numbers = { epoch: 0, loss: 1, gradNorm: 1, learningRate: 1, tokens: 1, supervisedTokens: 1, seconds: 1 };
      hear({ type: "progress", events: [{ type: "step", step, finite: true, ...numbers }] });
      vi.advanceTimersByTime(10);
    }
    expect(changes.mock.calls.length).toBeLessThanOrEqual(5);
    hear({ type: "run", state: { ...store.get().run, phase: "done" } });
    expect(store.get()).toMatchObject({ step: 100, run: { phase: "done" } });
    vi.useRealTimers();
  });

  it("count requests by address", () => {
    const { store, hear } = page();
    hear({ type: "request", url: "https://a/x", bytes: 5 });
    hear({ type: "request", url: "https://a/x", bytes: 7 });
    hear({ type: "request", url: "https://a/y", bytes: null });
    expect(store.get().requests).toEqual([
      { url: "https://a/x", bytes: 12, count: 2 },
      { url: "https://a/y", bytes: null, count: 1 },
    ]);
  });
});

describe("the journey", () => {
  it("opens one card after the other, unless a hand says otherwise", () => {
    const at = (changes: Partial<AppState>) => currentCard({ ...INITIAL_STATE, ...changes });
    expect(at({})).toBe("model");
    expect(at({ model: chosen })).toBe("data");
    const data = { ...INITIAL_STATE.data, phase: "ready" } as const;
    expect(at({ model: chosen, data })).toBe("train");
    const run = { ...INITIAL_STATE.run, phase: "training" } as const;
    expect(at({ run })).toBe("train");
    const outcome = { usable: true } as never;
    expect(at({ model: chosen, data, run: { ...run, phase: "done", outcome } })).toBe("check");
    expect(at({ model: chosen, data, run: { ...run, phase: "failed" } })).toBe("train");
    const state = { ...INITIAL_STATE, opened: { runs: true, model: false } };
    expect([isOpen(state, "runs"), isOpen(state, "model"), isOpen(state, "train")]).toEqual([true, false, false]);
  });
});
