/** Earlier runs in words, and beside each other. */
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/train/config.ts";
import { comparedRuns, comparedSeries, comparedSummary } from "../../../src/ui/cards/runs/compared.ts";
import { knobDifferences } from "../../../src/ui/cards/runs/knob-differences.ts";
import {
  dateWords,
  figureWords,
  interruptedRun,
  legendNames,
  offeredRun,
  runsSummary,
  sortedRuns,
  statusWords,
  updateWords,
} from "../../../src/ui/cards/runs/run-words.ts";
import { type AppState, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import type { RunDetail, RunSummary } from "../../../src/worker/protocol.ts";

const RUN: RunSummary = {
  ...{ id: "a", title: "Standard", model: { kind: "demo" }, modelTitle: "Built-in demo", dataTitle: "Sample" },
  ...{ began: 1000, status: "finished", doneSteps: 64, totalSteps: 64, savedStep: 64, lastLoss: 1.4213, bestLoss: 1.5 },
  ...{ resumable: false, usable: true, verdict: null, bytes: 2_140_000 },
};
const run = (changes: Partial<RunSummary>): RunSummary => ({ ...RUN, ...changes });

describe("a run in words", () => {
  it("tells how it ended", () => {
    expect(statusWords(RUN).text).toBe("Finished");
    expect(statusWords(run({ status: "stopped" })).text).toBe("Stopped, kept");
    expect(statusWords(run({ status: "interrupted", usable: false }))).toEqual({ tone: "warn", text: "Interrupted" });
    expect(statusWords(run({ usable: false }))).toEqual({ tone: "bad", text: "A check failed" });
    expect(statusWords(run({ usable: false, verdict: "collapsed" })).text).toBe("Kept, not to be trusted");
    expect(statusWords(run({ verdict: "suspicious" })).text).toBe("Finished");
    expect(statusWords(run({ totalSteps: 0, doneSteps: 0 }))).toEqual({ tone: "good", text: "Opened from files" });
    expect(statusWords(run({ totalSteps: 0, doneSteps: 0, usable: false })).text).toBe("A check failed");
  });

  it("tells its figures, and leaves out what was not measured", () => {
    expect(figureWords(RUN)).toBe("64 updates · loss 1.42 · lowest validation loss 1.50 · 2.1 MB");
    expect(figureWords(run({ lastLoss: null, bestLoss: null, doneSteps: 3 }))).toBe("3 of 64 updates · 2.1 MB");
    expect(updateWords(run({ doneSteps: 1, totalSteps: 1 }))).toBe("1 update");
    expect(updateWords(run({ doneSteps: 0, totalSteps: 0 }))).toBe("not trained here");
  });

  it("tells the date as people do", () => {
    const now = new Date(2026, 10, 21, 10, 0).getTime();
    const at = (...when: [number, number, number, number, number]) => dateWords(new Date(...when).getTime(), now);
    expect(at(2026, 10, 21, 0, 5)).toBe("today 00:05");
    expect(at(2026, 10, 20, 23, 59)).toBe("yesterday 23:59");
    expect(at(2026, 10, 3, 9, 12)).toBe("3 Nov 09:12");
    expect(at(2025, 10, 3, 9, 12)).toBe("3 Nov 2025");
  });
});

describe("the list", () => {
  const runs = [
    run({ id: "old", began: 1 }),
    run({ id: "new", began: 9 }),
    run({ id: "cut", began: 2, status: "interrupted", resumable: true, doneSteps: 37 }),
    run({ id: "lost", began: 3, status: "interrupted", resumable: false }),
  ];

  it("has interrupted runs first, then the newest", () => {
    expect(sortedRuns(runs).map(({ id }) => id)).toEqual(["lost", "cut", "new", "old"]);
  });

  it("offers to go on only with what can go on", () => {
    expect(interruptedRun(runs)?.id).toBe("cut");
    const opening = { blocked: null } as AppState["opening"];
    const offered = (changes: Partial<AppState>) => offeredRun({ ...INITIAL_STATE, runs, opening, ...changes })?.id;
    expect(offered({})).toBe("cut");
    expect(offered({ setAside: "cut" })).toBeUndefined();
    expect(offered({ run: { ...INITIAL_STATE.run, phase: "done" } })).toBeUndefined();
    expect(offered({ opening: null })).toBeUndefined();
    expect(interruptedRun(runs.filter(({ id }) => id !== "cut"))).toBeNull();
  });

  it("is summed up", () => {
    expect(runsSummary([])).toBe("None yet");
    expect(runsSummary([RUN])).toBe("1 run · 2.1 MB");
    expect(runsSummary(runs)).toBe("4 runs · 8.6 MB · 2 interrupted");
  });

  it("gives runs names that differ", () => {
    const names = legendNames([run({ title: "A" }), run({ title: "B" }), run({ title: "A" })], 1000);
    expect(names[1]).toBe("B");
    expect(new Set(names).size).toBe(3);
  });
});

describe("runs beside each other", () => {
  const detail = (id: string, losses: readonly number[], knobs = {}): RunDetail => ({
    ...{ summary: run({ id, title: id }), config: resolveConfig(knobs, "test"), probes: [], outcome: null },
    events: losses.map((loss, i) => ({
      ...{ type: "step", step: i + 1, epoch: 0, loss, gradNorm: 1, finite: true, learningRate: 1e-3 },
      ...{ tokens: 1, supervisedTokens: 1, seconds: 1 },
    })),
  });

  it("makes a series of each run that has points", () => {
    const compared = comparedRuns([detail("a", [2, 1]), detail("b", [])], ["a", "b"]);
    expect(comparedSeries(compared, "loss").map(({ label }) => label)).toEqual(["a"]);
    expect(comparedSeries(compared, "loss")[0]?.points().count).toBe(2);
    expect(comparedSeries(compared, "validationLoss")).toEqual([]);
    expect(comparedSummary(compared, "loss")).toBe("Ends: a at 1.00.");
    expect(comparedSummary(compared, "validationLoss")).toBe("Nothing was measured.");
  });

  it("gives neighbours colours that differ", () => {
    const five = comparedRuns(
      ["a", "b", "c", "d", "e"].map((id) => detail(id, [1])),
      [],
    );
    expect(new Set(comparedSeries(five, "loss").map(({ hue }) => hue)).size).toBe(5);
  });

  it("lists the knobs that differ, and no others", () => {
    const configs = [{}, { rank: 16, maskPrompt: false }, { rank: 16 }].map((knobs) => resolveConfig(knobs, "test"));
    expect(knobDifferences(configs)).toEqual([
      { name: "rank", label: "Rank", values: ["8", "16", "16"] },
      { name: "maskPrompt", label: "Mask prompt", values: ["on", "off", "on"] },
    ]);
    expect(knobDifferences([configs[0]!, configs[0]!])).toEqual([]);
  });
});
