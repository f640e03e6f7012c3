/** What the Check card says: when it can be used, how an answer ended, how much each layer changed. */
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../../src/core/errors.ts";
import { changeGrid, changeText, markWords } from "../../../src/ui/cards/check/changes.ts";
import {
  checkCardState,
  checkSummary,
  comparisonWords,
  endingOf,
  endingWords,
  problemAdvice,
  problemTitle,
  remediesFor,
  standingOf,
  suggestionsOf,
} from "../../../src/ui/cards/check/check-text.ts";
import { FRESH_MEMORY, withTurn } from "../../../src/ui/cards/check/memory.ts";
import { type AppState, type Comparison, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import type { AdapterAudit, AnswerEvent, RunState } from "../../../src/worker/protocol.ts";
import { outcomeAfter } from "../../support/outcome.ts";

const OUTCOME = outcomeAfter(20);
const run = (changes: Partial<RunState>): AppState => ({
  ...INITIAL_STATE,
  run: { ...INITIAL_STATE.run, id: "run-1", ...changes },
});
const DONE = run({ phase: "done", outcome: OUTCOME });
const answer = (side: "base" | "tuned", text: string, ended: boolean | null): AnswerEvent => ({
  id: 1,
  side,
  text,
  ended,
});
const comparison = (base: AnswerEvent | null, tuned: AnswerEvent | null): Comparison => ({
  question: "Who?",
  sides: { base, tuned },
});

describe("when the Check card can be used", () => {
  it("tells the four standings apart", () => {
    expect(standingOf(INITIAL_STATE)).toBe("none");
    for (const phase of ["starting", "training", "paused", "verifying"] as const)
      expect(standingOf(run({ phase })), phase).toBe("running");
    expect(standingOf(DONE)).toBe("ready");
    expect(standingOf(run({ phase: "done", outcome: { ...OUTCOME, usable: false } }))).toBe("unusable");
    expect(standingOf(run({ phase: "failed" }))).toBe("unusable");
  });

  it("has a state and a line for each", () => {
    const lines = (state: AppState) => [checkCardState(state), checkSummary(state)];
    expect(lines(INITIAL_STATE)).toEqual(["empty", "Base and tuned answer side by side, once trained"]);
    expect(lines(run({ phase: "training" }))).toEqual(["empty", "Opens when the run is done"]);
    expect(lines(run({ phase: "failed" }))).toEqual(["error", "No adapter to ask"]);
    expect(lines(DONE)).toEqual(["partial", "Ask base and tuned the same question"]);
    expect(lines({ ...DONE, answering: "comparison" })).toEqual(["loading", "Answering"]);
    expect(lines({ ...DONE, comparison: comparison(null, null) })).toEqual(["success", "Asked: Who?"]);
    const problem = { card: "check", error: { kind: "device", message: "lost", code: "device-lost" } } as const;
    expect(lines({ ...DONE, problem })).toEqual(["error", "The GPU went away"]);
    // Another card's trouble is not this one's.
    expect(checkCardState({ ...DONE, problem: { ...problem, card: "data" } })).toBe("partial");
  });

  it("shortens a long question in its line", () => {
    const question = "word ".repeat(40);
    expect(checkSummary({ ...DONE, comparison: { ...comparison(null, null), question } }).length).toBeLessThan(70);
  });
});

describe("questions to begin with", () => {
  it("are the probes, then the validation records', each once, four at most", () => {
    const { run: asked } = run({ probes: ["a", " b ", ""] });
    expect(suggestionsOf(asked, ["b", "c", "d", "e"])).toEqual(["a", "b", "c", "d"]);
    expect(suggestionsOf(INITIAL_STATE.run, [])).toEqual([]);
  });
});

describe("how an answer ended", () => {
  it.each([
    [null, true, false, "writing"],
    [undefined, true, false, "writing"],
    [true, false, false, "whole"],
    [true, false, true, "whole"], // it ended before the person's stop arrived
    [false, false, false, "cut"],
    [false, false, true, "stopped"],
    [null, false, false, "missing"],
    [undefined, false, true, "stopped"],
  ] as const)("ended %s, answering %s, stopped %s: %s", (ended, answering, stopped, ending) => {
    expect(endingOf(ended, answering, stopped)).toBe(ending);
  });

  it("says that an answer was cut off, and nothing under a whole one", () => {
    expect(endingWords("cut", 128)).toContain("128 tokens");
    expect(endingWords("whole", 128)).toBe("");
  });

  it("remembers stopped turns until they are asked again", () => {
    const stopped = { ...FRESH_MEMORY, ...withTurn(FRESH_MEMORY, 2, true) };
    expect([...stopped.stoppedTurns]).toEqual([2]);
    expect([...withTurn(stopped, 2, false).stoppedTurns]).toEqual([]);
    expect([...FRESH_MEMORY.stoppedTurns]).toEqual([]);
  });
});

describe("what a comparison shows", () => {
  it("waits for both answers", () => {
    expect(comparisonWords(comparison(answer("base", "a", true), null), 0)).toBeNull();
    expect(comparisonWords(comparison(answer("base", "a", true), answer("tuned", "b", null)), 1)).toBeNull();
  });

  it("tells equal, new, shorter and empty answers apart", () => {
    const words = (tuned: string, fresh: number) =>
      comparisonWords(comparison(answer("base", "a b", true), answer("tuned", tuned, false)), fresh);
    expect(words("a b", 0)).toBe("Both answers are the same.");
    expect(words("a c", 1)).toBe("One word of the tuned answer is new.");
    expect(words("c d", 2)).toBe("2 words of the tuned answer are new.");
    expect(words("a", 0)).toBe("The tuned answer only leaves words out.");
    expect(words("", 0)).toBe("The tuned model says nothing.");
  });
});

describe("failed questions", () => {
  it("have a way on for every code and for none", () => {
    for (const code of [...ERROR_CODES, undefined]) {
      const error = { kind: "device", message: "m", ...(code && { code }) } as const;
      expect(remediesFor(error).length, code).toBeGreaterThan(0);
      expect(problemTitle(error)).not.toBe("");
    }
    expect(remediesFor({ kind: "device", message: "m", code: "device-lost" })[0]).toBe("open-again");
    expect(remediesFor({ kind: "model", message: "the model is not loaded" })).toEqual(["open-again"]);
    expect(remediesFor({ kind: "config", message: "a run is on" })).toEqual(["ask-again"]);
    expect(problemAdvice({ kind: "config", message: "a run is on" })).toBeNull();
  });
});

describe("what the adapter changed", () => {
  const audit = (changes: Readonly<Record<string, number>>, more: Partial<AdapterAudit> = {}): AdapterAudit => ({
    ...{ rank: 4, alpha: 8, scale: 2, layers: 0, tensors: 0, parameters: 0, finite: true, zero: false },
    factors: Object.entries(changes).map(([module, norm_delta]) => ({
      ...{ module, norm_delta, in_features: 8, out_features: 8, rank: 4, parameters: 64 },
      ...{ norm_A: 1, norm_B: 1, finite: true, zero: false },
      ...{
        singular_values: [norm_delta],
        spectral_norm: norm_delta,
        effective_rank: 1,
        robust_z: null,
        outlier: false,
      },
    })),
    ...more,
  });
  const CHANGES = {
    "model.layers.10.self_attn.q_proj": 0.5,
    "model.layers.10.mlp.up_proj": 0.003,
    "model.layers.2.self_attn.q_proj": 0.25,
  };

  it("lies in a grid of modules and blocks, blocks in their order, holes empty", () => {
    const grid = changeGrid(audit(CHANGES));
    expect(grid.rows).toEqual(["q_proj", "up_proj"]);
    expect(grid.columns).toEqual(["2", "10"]);
    expect([0, 1].map((row) => [0, 1].map((column) => grid.value(row, column)))).toEqual([
      [0.25, 0.5],
      [null, 0.003],
    ]);
  });

  it("says where most and least changed", () => {
    expect(changeGrid(audit(CHANGES)).summary).toBe(
      "Most in block 10, q_proj (0.5); least in block 10, up_proj (0.003).",
    );
    // Swapped values, swapped words.
    const swapped = { ...CHANGES, "model.layers.10.mlp.up_proj": 0.7 };
    expect(changeGrid(audit(swapped)).summary).toContain("Most in block 10, up_proj (0.7)");
  });

  it("names layers outside the blocks, zero, broken and single ones", () => {
    expect(changeGrid(audit({ ...CHANGES, lm_head: 0.1 })).summary).toContain("Outside the blocks: lm_head 0.1.");
    expect(changeGrid(audit({ ...CHANGES, lm_head: 0.1 })).columns).toEqual(["2", "10"]);
    expect(changeGrid(audit(CHANGES, { zero: true })).summary).toContain("Nothing");
    expect(changeGrid(audit(CHANGES, { finite: false })).summary).toContain("no numbers");
    expect(changeGrid(audit({ "model.layers.0.mlp.up_proj": 1 })).summary).toBe(
      "Most in block 0, up_proj (1), the only one.",
    );
    expect(changeGrid(audit({})).rows).toEqual([]);
  });

  it("marks layers that are zero, not finite or far from their kind, and says so", () => {
    const plain = audit({ ...CHANGES, "model.layers.2.mlp.up_proj": 0 });
    const odd: Readonly<Record<string, Partial<AdapterAudit["factors"][number]>>> = {
      "model.layers.10.self_attn.q_proj": { outlier: true, robust_z: 5 },
      "model.layers.2.self_attn.q_proj": { finite: false, norm_delta: Number.NaN, effective_rank: Number.NaN },
      "model.layers.2.mlp.up_proj": { zero: true, effective_rank: 0 },
    };
    const factors = plain.factors.map((factor) => ({ ...factor, ...odd[factor.module] }));
    const grid = changeGrid({ ...plain, factors });
    expect([0, 1].map((row) => [0, 1].map((column) => grid.mark(row, column)))).toEqual([
      ["not-finite", "outlier"],
      ["zero", null],
    ]);
    expect([grid.value(0, 0), grid.rank(0, 0), grid.words(0, 0)]).toEqual([null, null, "not finite"]);
    expect(grid.words(0, 1)).toBe("0.5, 1.0 of 4 directions, far from the others of its kind");
    expect(grid.summary).toContain("Far from the others of their kind: block 10, q_proj.");
    expect(grid.rankSummary).toBe("Between 0.0 and 1.0 of 4 directions are in use.");
    expect(changeGrid(plain).summary).not.toContain("Far from");
    expect([markWords(null), markWords("zero")]).toEqual(["", "zero: it changes nothing"]);
  });

  it("keeps whole names where the last parts would be the same", () => {
    const twice = { "model.layers.0.attn.proj": 1, "model.layers.0.mlp.proj": 2 };
    expect(changeGrid(audit(twice)).rows).toEqual(["attn.proj", "mlp.proj"]);
  });

  it("never rounds a small change to nothing", () => {
    expect(changeText(0.00123456)).toBe("0.00123");
    expect(changeText(0)).toBe("0");
  });
});
