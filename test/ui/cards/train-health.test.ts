/** What the Train card says of the guard's work and of what was looked at before the first update. */
import { describe, expect, it } from "vitest";
import type { Finding } from "../../../src/health/finding.ts";
import { judgeStepSize } from "../../../src/health/step-size.ts";
import { resolveConfig } from "../../../src/train/config.ts";
import type { HealthEvent } from "../../../src/train/events.ts";
import {
  findingsSummary,
  fixWords,
  knobFix,
  sortFindings,
  stepSizeFinding,
} from "../../../src/ui/cards/train/findings.ts";
import { headline, inForce, marksOf, shownEvents, withHealth } from "../../../src/ui/cards/train/health-words.ts";
import { judge } from "../../../src/ui/cards/train/verdict.ts";
import { verdictLine, verdictOf } from "../../../src/ui/cards/verdict-words.ts";
import { marksAt, placesOf } from "../../../src/ui/kit/charts/marks.ts";
import { type AppState, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import { createCurves } from "../../../src/ui/state/curves.ts";
import { takeRunEvents } from "../../../src/ui/state/engine-events.ts";
import { createStore } from "../../../src/ui/state/store.ts";
import type { RunEvent, RunOutcome } from "../../../src/worker/protocol.ts";
import { outcomeAfter } from "../../support/outcome.ts";

const event = (step: number, kind: HealthEvent["kind"], rest: Partial<HealthEvent> = {}): HealthEvent => ({
  ...{ type: "health", step, kind, level: "warn", text: `${kind} at ${step}` },
  ...rest,
});
const BACK = event(30, "spike", { rollback: { toStep: 24, rateFactor: 0.5, skippedUpdate: 27 } });
const step = (at: number, loss: number, finite = true): RunEvent => ({
  ...{ type: "step", step: at, epoch: 0, loss, gradNorm: 1, finite, learningRate: 1e-3 },
  ...{ tokens: 400, supervisedTokens: 100, seconds: 0.5 },
});

describe("the guard's words", () => {
  it("have a headline for every kind, and say where a run was put back to", () => {
    expect(headline(BACK)).toBe("Put back to update 24, learning rate halved");
    const origin = { ...BACK, rollback: { ...BACK.rollback!, toStep: 0 } };
    expect(headline(origin)).toBe("Put back to where it began, learning rate halved");
    const kinds = [
      "skipped",
      "spike",
      "rise",
      "non-finite",
      "plateau",
      "overfitting",
      "gave-up",
      "early-stop",
    ] as const;
    const words = kinds.map((kind) => headline(event(5, kind)));
    expect(new Set(words).size).toBe(kinds.length);
    const answers = (["good", "note", "warn", "bad"] as const).map((level) => headline(event(5, "answers", { level })));
    expect(new Set(answers).size).toBe(4);
  });

  it("count while they are news, or until they are taken back; the gravest first", () => {
    expect(inForce([], 10)).toBeNull();
    expect(inForce([BACK], 31)).toBe(BACK);
    expect(inForce([BACK], 50)).toBeNull();
    const fallen = event(16, "answers", { level: "bad" });
    expect(inForce([fallen, BACK], 31)).toBe(fallen);
    expect(inForce([fallen, event(32, "answers", { level: "good" })], 33)).toBeNull();
    expect(inForce([event(16, "overfitting")], 400)).toMatchObject({ kind: "overfitting" });
    // What the base does by itself says nothing of the run.
    expect(inForce([event(0, "answers", { level: "note" })], 3)).toBeNull();
  });

  it("come before the curves' and set the tone; without any the curves speak", () => {
    const curves = { tone: "good", text: "Loss 3 → 2, falling" } as const;
    expect(withHealth(curves, BACK)).toEqual({
      tone: "warn",
      text: "Put back to update 24, learning rate halved. Loss 3 → 2, falling",
    });
    expect(withHealth(curves, null)).toBe(curves);
  });

  it("are not contradicted by the curves of a run that is watched", () => {
    const curves = createCurves();
    curves.add(Array.from({ length: 40 }, (_, i) => step(i + 1, 2 + i / 20)));
    expect(judge(curves.points, false).tone).toBe("warn");
    expect(judge(curves.points, false, true)).toMatchObject({
      tone: "neutral",
      text: expect.stringContaining("rising"),
    });
    curves.add([step(41, Number.NaN, false)]);
    expect(judge(curves.points, false)).toMatchObject({ tone: "bad" });
    expect(judge(curves.points, false, true).text).toContain("1 skipped");
  });

  it("are shown newest first, skips as one", () => {
    const shown = shownEvents([event(3, "skipped"), BACK, event(40, "skipped"), event(44, "skipped")]);
    expect(shown.map(({ event: { step }, count }) => [step, count])).toEqual([
      [44, 3],
      [30, 1],
    ]);
  });
});

describe("marks on the loss curve", () => {
  it("stand where updates were skipped, runs put back and ended; nowhere else", () => {
    const curves = createCurves();
    curves.add([step(1, 2), step(2, Number.NaN, false), step(3, 2)]);
    expect(marksOf([BACK, event(60, "gave-up", { rollback: BACK.rollback! })], curves.points)).toEqual([
      { glyph: "×", label: "skipped", at: [2] },
      { glyph: "◀", label: "put back", at: [30] },
      { glyph: "■", label: "ended by itself", at: [60] },
    ]);
    const whole = createCurves();
    whole.add([step(1, 2)]);
    expect(marksOf([event(5, "plateau")], whole.points)).toEqual([]);
  });

  it("are said in words", () => {
    expect(placesOf([1, 1200])).toBe("1, 1,200");
    expect(placesOf([1, 2, 3, 4, 5, 6, 7, 8])).toBe("1, 2, 3, 4, 5, 6 and 2 more");
    const marks = [{ glyph: "×", label: "skipped", at: [2] }];
    expect([marksAt(marks, 2), marksAt(marks, 3)]).toEqual([", skipped", ""]);
  });
});

describe("findings", () => {
  const finding = (id: string, level: Finding["level"], fix?: string): Finding => ({
    ...{ id, level, title: id, evidence: "because" },
    ...(fix ? { fix } : {}),
  });

  it("have the good apart and the rest gravest first", () => {
    const all = [finding("a", "good"), finding("b", "note"), finding("c", "bad"), finding("d", "warn")];
    expect(sortFindings(all).others.map(({ id }) => id)).toEqual(["c", "d", "b"]);
    expect(findingsSummary(all)).toBe("1 of 4 as they should be");
    expect(findingsSummary([finding("a", "good")])).toBe("all 1 as they should be");
  });

  it("judge the learning rate before a run, and offer the rate that the fix names", () => {
    const config = resolveConfig({ learningRate: 0.03 }, "test");
    const model = { ...INITIAL_STATE.model, facts: { parameters: 2_226_240 } as never };
    const steep = stepSizeFinding({ config, model })!;
    expect(steep.level).toBe("bad");
    const fix = knobFix(steep, config, 2_226_240)!;
    expect(steep.fix).toBe(`${fix.label}.`);
    const { alpha, rank } = config;
    const mended = { learningRate: fix.value as number, alpha, rank, useRslora: false, parameters: 2_226_240 };
    expect(judgeStepSize(mended).level).toBe("good");
    expect(knobFix(steep, resolveConfig({ learningRate: fix.value }, "test"), 2_226_240)).toBeNull();
    expect(stepSizeFinding({ config: null, model })).toBeNull();
  });

  it("offer a button only where the fix is a setting, and name settings as the page does", () => {
    const config = resolveConfig({}, "test");
    const long = finding("ends", "warn", "Raise --max-seq-length, or split the records.");
    expect(knobFix(long, config, 1)).toMatchObject({ knob: "maxSeqLength", value: 2 * config.maxSeqLength });
    const full = finding("memory", "warn", "Make the batch smaller, cut the records shorter (--max-seq-length), or …");
    expect(knobFix(full, config, 1)).toBeNull();
    expect(knobFix(finding("labels", "warn", "Leave them out."), config, 1)).toBeNull();
    expect(fixWords(long.fix!)).toBe("Raise “max sequence length”, or split the records.");
  });
});

describe("the page's state", () => {
  it("takes findings, health and voice, each word once", () => {
    const store = createStore<AppState>(INITIAL_STATE);
    const curves = createCurves();
    const score = { score: 0.5, chrF: 0.5, style: 0.5 };
    const findings: Finding[] = [{ id: "a", level: "good", title: "a", evidence: "b" }];
    takeRunEvents(store, curves, [{ type: "preflight", findings }, BACK]);
    takeRunEvents(store, curves, [BACK, { type: "voice", step: 1, questions: 2, base: score, tuned: score }]);
    expect(store.get()).toMatchObject({ findings, health: [BACK], voice: { questions: 2 } });
  });
});

describe("the verdict at the end", () => {
  it("is the engine's, and none for a run of an older page", () => {
    const outcome = outcomeAfter(6, {}, { judged: { verdict: "suspicious", reason: "Usable, but odd." } });
    expect(verdictLine(outcome)).toEqual({ tone: "warn", text: "Suspicious. Usable, but odd." });
    const { judged: _, ...old } = outcome;
    expect(verdictOf(old as RunOutcome)).toBeNull();
    expect(verdictLine(old as RunOutcome)).toBeNull();
    expect(verdictLine(null)).toBeNull();
  });
});
