/** Whatever a model says is judged, soon, and the same as the base is never a fault. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeRound } from "../../src/health/answer-round.ts";
import { judgeAnswer } from "../../src/health/answers.ts";
import { cpuSeconds } from "./support.ts";

describe("any answer", () => {
  const anyAnswer = fc.record({
    ids: fc.array(fc.nat(30), { maxLength: 300 }),
    text: fc.oneof(fc.string({ unit: "binary", maxLength: 400 }), fc.constant("")),
    ended: fc.boolean(),
  });

  it("is judged, and is never blamed for being the base's", () => {
    fc.assert(
      fc.property(anyAnswer, (answer) => {
        const { verdict, symptoms } = judgeAnswer(answer, null);
        expect(verdict).toBe(symptoms[0]?.level ?? "healthy");
        expect(judgeAnswer(answer, answer).verdict).toBe("healthy");
      }),
    );
  });

  it("counts the same in any order of a round", () => {
    fc.assert(
      fc.property(fc.array(anyAnswer, { maxLength: 6 }), (answers) => {
        const entries = answers.map((answer, i) => ({ answer, base: null, reference: `The answer ${i}.` }));
        const { verdict, symptoms } = judgeRound(entries);
        expect(verdict).toBe(symptoms[0]?.level ?? "healthy");
        expect(judgeRound(entries.toReversed()).verdict).toBe(verdict);
        expect(judgeRound(answers.map((answer) => ({ answer, base: answer }))).verdict).toBe("healthy");
      }),
    );
  });

  it.each<[string, string, readonly number[]]>([
    ["one letter", "a".repeat(1e6), []],
    ["commas", ",".repeat(1e6), []],
    ["spaces", " ".repeat(1e6), []],
    ["words", "ab ".repeat(333_333), []],
    ["half emoji", "\ud83d".repeat(1e6), []],
    ["marks upon marks", "\u0301".repeat(1e6), []],
    ["a million ids", "x", Array.from({ length: 1e6 }, (_, i) => i % 7)],
  ])("of a million characters or tokens is judged within a second: %s", (_, text, ids) => {
    const answer = { ids: ids.length > 0 ? ids : Array(512).fill(1), text, ended: false };
    expect(cpuSeconds(() => judgeAnswer(answer, null, { reference: text }))).toBeLessThan(1);
  });
});
