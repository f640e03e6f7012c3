/** One word for a run: each verdict, what leads to it, and which goes before which. */
import { describe, expect, it } from "vitest";
import type { AnswerHealth } from "../../src/health/answers.ts";
import type { HealthEvent, ValidationEvent } from "../../src/train/events.ts";
import { type JudgedRun, judgeRun } from "../../src/train/verdict.ts";
import type { Check } from "../../src/train/verify.ts";
import { doneAfter } from "../support/outcome.ts";

const GOOD: Check[] = [
  { name: "every number is finite", passed: true, evidence: "28 tensors" },
  { name: "the answers are coherent", passed: true, evidence: "compared", about: "answers" },
];
const FAILED: Check = { name: "the base is unchanged", passed: false, evidence: "changed: lm_head.weight" };
const answers = (verdict: AnswerHealth["verdict"]): AnswerHealth => ({
  verdict,
  notes: [],
  symptoms:
    verdict === "healthy"
      ? []
      : [{ kind: "single-token run", level: verdict, text: "the comma token makes up 48 of 48 tokens, in one run" }],
});
const COMMAS: Check = { name: "the answers are coherent", passed: false, evidence: "commas", about: "answers" };
const validation = (step: number, loss: number): ValidationEvent => ({
  ...{ type: "validation", step, loss, tokens: 10, best: false },
});

const judge = (done: Parameters<typeof doneAfter>[1], rest: Partial<JudgedRun> = {}) =>
  judgeRun({ done: doneAfter(20, done), checks: GOOD, validations: [], health: [], ...rest });

describe("the verdict", () => {
  it("is healthy when every check passed and the answers are sound", () => {
    expect(judge({})).toEqual({ verdict: "healthy", reason: "All 2 checks passed." });
  });

  it("is broken by any failed check, whatever the answers say, and names it", () => {
    for (const verdict of ["healthy", "collapsed"] as const) {
      const judged = judge({ answers: answers(verdict) }, { checks: [...GOOD, FAILED] });
      expect(judged.verdict).toBe("broken");
      expect(judged.reason).toMatch(/the base is unchanged.*lm_head\.weight/);
    }
  });

  it("is collapsed by the answers alone, and shows the sample", () => {
    const judged = judge({ answers: answers("collapsed") }, { checks: [GOOD[0]!, COMMAS] });
    expect(judged.verdict).toBe("collapsed");
    expect(judged.reason).toMatch(/comma token makes up 48 of 48/);
  });

  it.each<[string, Parameters<typeof doneAfter>[1], Partial<JudgedRun>, RegExp]>([
    ["answers that look odd", { answers: answers("suspicious") }, {}, /its answers look odd: the comma/],
    ["a run that gave up", { endedEarly: "gave-up", rollbacks: 4 }, {}, /diverged again and again/],
    ["many skipped updates", { skippedUpdates: 3 }, {}, /3 of its 20 updates were skipped/],
    [
      "a loss above the base's",
      {},
      { validations: [validation(0, 1), validation(20, 1.2)] },
      /1\.200, the base had 1\.000/,
    ],
  ])("is suspicious for %s", (_, done, rest, reason) => {
    const judged = judge(done, rest);
    expect(judged.verdict).toBe("suspicious");
    expect(judged.reason).toMatch(reason);
  });

  it.each<[string, Parameters<typeof doneAfter>[1], Partial<JudgedRun>, RegExp]>([
    ["a rollback that was made good", { rollbacks: 1 }, {}, /put back to a good state once/],
    ["two skipped updates of twenty", { skippedUpdates: 2 }, {}, /^All 2 checks passed\.$/],
    ["no question asked", { answers: null }, {}, /nobody has heard it answer/],
    ["an early stop", { endedEarly: "early-stop" }, {}, /^All/],
    [
      "a validation loss a hair above the base's",
      {},
      { validations: [validation(0, 1), validation(20, 1.01)] },
      /^All/,
    ],
    ["a lower validation loss", {}, { validations: [validation(0, 1), validation(20, 0.8)] }, /^All/],
    [
      "overfitting that was stopped in time",
      {},
      { health: [{ type: "health", step: 9, kind: "overfitting", level: "warn", text: "" } satisfies HealthEvent] },
      /from before the overfitting was kept/,
    ],
  ])("stays healthy with %s, and says so", (_, done, rest, reason) => {
    const judged = judge(done, rest);
    expect(judged.verdict).toBe("healthy");
    expect(judged.reason).toMatch(reason);
  });
});
