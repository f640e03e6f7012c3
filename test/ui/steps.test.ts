import { describe, expect, it } from "vitest";
import { type AppState, INITIAL_STATE } from "../../src/ui/state/app-state.ts";
import { stepsOf } from "../../src/ui/steps.ts";

const rail = (changes: Partial<AppState>) =>
  stepsOf({ ...INITIAL_STATE, ...changes }).map(({ id, state }) => `${id} ${state}`);
const model = { ...INITIAL_STATE.model, choice: { kind: "demo" }, phase: "ready" } as const;

describe("the rail", () => {
  it("begins with the model", () => {
    expect(rail({})).toEqual(["model active", "data todo", "train todo", "check todo", "download todo", "runs todo"]);
  });

  it("says what is on, what failed, and what broke off", () => {
    const error = { kind: "model", message: "no" } as const;
    expect(rail({ model: { ...model, phase: "failed", error } })).toContain("model problem");
    expect(rail({ model: { ...model, phase: "loading" } })).toContain("model busy");
    expect(rail({ model, run: { ...INITIAL_STATE.run, phase: "training" } })).toContain("train busy");
    expect(rail({ runs: [{ status: "interrupted" } as never] })).toContain("runs problem");
  });

  it("has one card where one is", () => {
    for (const state of [{}, { model }]) {
      expect(rail(state).filter((step) => step.endsWith("active"))).toHaveLength(1);
    }
  });

  it("says where one is while that card works", () => {
    const training = stepsOf({ ...INITIAL_STATE, model, run: { ...INITIAL_STATE.run, phase: "training" } });
    expect(training.filter(({ current }) => current)).toMatchObject([{ id: "train", state: "busy" }]);
  });
});
