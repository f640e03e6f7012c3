/** chrF equals sacrebleu's; likeness and voice tell a data set's manner from others. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chrF, styleLikeness, styleProfile, voiceScore } from "../../src/health/voice.ts";
import { hasSharedData, sharedData } from "../tokenizer/fixtures.ts";
import { datasetAnswers } from "./dataset-answers.ts";
import { HEALTHY_ANSWERS } from "./healthy-answers.ts";
import { cpuSeconds } from "./support.ts";

/** sacrebleu 2.6.0, `CHRF().sentence_score(hypothesis, [reference]).score / 100`, to twelve places. */
const SACREBLEU: [hypothesis: string, reference: string, score: number][] = [
  ["", "", 0],
  ["", "The cow says moo.", 0],
  ["The cow says moo.", "", 0],
  ["The cow says moo.", "The cow says moo.", 1],
  ["The cow says moo.", "Chirrup! The cow says moo, on my word as a bird!", 0.34021283114],
  ["Chirrup! The cow says moo, on my word as a bird!", "The cow says moo.", 0.641823452518],
  ["The cat sat on the mat.", "The cat is sitting on the mat.", 0.496485170311],
  ["a", "a", 1],
  ["a", "b", 0],
  ["ab", "abc", 0.636363636364],
  ["42", "42.", 0.636363636364],
  ["Yes.", "No.", 0.104166666667],
  ["   \n\t ", "x", 0],
  ["t h e c o w", "thecow", 1],
  ["灯台は桟橋の端にあります。", "灯台は桟橋の端、パン屋の隣です。", 0.370345370644],
  ["Die Fähre fährt um sieben.", "Die Fähre fährt um acht Uhr ab.", 0.581811358116],
  ["🎉🥳 Hurra!", "🎉🎉 Hurra!", 0.614880952381],
  ["👩‍👩‍👧", "👩‍👧", 0.820610687023],
  [",,,,,,,,,,,,,,,,", "Lemons taste sour.", 0],
  ["THE COW SAYS MOO.", "The cow says moo.", 0.02380952381],
  ["The cow says moo. The cow says moo. The cow says moo.", "The cow says moo.", 0.671092414353],
  ["café", "cafe\u0301", 0.377365689866],
];

const anyText = fc.string({ unit: "grapheme", maxLength: 60 });
const within = (score: number) => score >= 0 && score <= 1 + 1e-12;

describe("chrF", () => {
  it.each(SACREBLEU)("of %j against %j is sacrebleu's %d", (hypothesis, reference, score) => {
    expect(chrF(hypothesis, reference)).toBeCloseTo(score, 11);
  });

  it("is 1 for itself, lies within 0 and 1, and knows no whitespace", () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        expect(within(chrF(a, b))).toBe(true);
        if (a.trim() !== "") expect(chrF(a, a)).toBeCloseTo(1, 12);
        expect(chrF([...a].join(" "), b)).toBeCloseTo(chrF(a, b), 12);
      }),
    );
  });
});

interface Chat {
  messages: { role: string; content: string }[];
}
const demoAnswers = (file: string) =>
  readFileSync(new URL(`../../public/demo/${file}`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as Chat).messages.at(-1)!.content);

/** Plain answers to the first questions of valid.jsonl, in the manner of the demo's base. */
const PLAIN = [
  "Children fly kites on a windy day.",
  "No, a frog cannot fly.",
  "Go to the inn. Ben cooks a warm soup there.",
  "You are welcome.",
  "You need a pencil for writing.",
  "In summer people swim in the sea.",
  "Mangoes are golden.",
  "At the pier you can take the ferry.",
];

describe("likeness of style", () => {
  const voice = demoAnswers("train.jsonl");
  const profile = styleProfile(voice);
  const mean = (texts: readonly string[]) =>
    texts.reduce((sum, text) => sum + styleLikeness(text, profile), 0) / texts.length;

  it("tells Captain Pip from plain answers, other answers and other languages", () => {
    const means = {
      pip: mean(demoAnswers("valid.jsonl")),
      plain: mean(PLAIN),
      others: mean(Object.values(HEALTHY_ANSWERS).filter((text) => !text.includes("Chirrup"))),
    };
    console.info("likeness to Captain Pip:", means);
    expect(means.pip).toBeGreaterThan(0.9);
    expect(means.plain).toBeLessThan(0.25);
    expect(means.others).toBeLessThan(0.1);
    expect(styleLikeness(voice[0]!, profile)).toBeGreaterThan(0.7);
    for (const nothing of ["", "  \n", ",,,,,,,,,,,,"]) expect(styleLikeness(nothing, profile)).toBe(0);
  });

  it("knows labels, single letters and a single answer", () => {
    const labels = styleProfile([..."positive negative neutral positive positive negative".split(" ")]);
    expect(styleLikeness("positive", labels)).toBe(1);
    expect(styleLikeness("The mood of it is rather good.", labels)).toBe(0);
    const letters = styleProfile([..."ABCDABCDAABB"]);
    expect(styleLikeness("A", letters)).toBeGreaterThan(0.9);
    expect(styleLikeness("The answer is A.", letters)).toBe(0);
    expect(styleLikeness("The cow says moo.", styleProfile(["The cow says moo."]))).toBeCloseTo(1);
    for (const none of [[], ["", " "]]) expect(styleLikeness("The cow says moo.", styleProfile(none))).toBe(0);
  });

  it("does not take chance for a manner", () => {
    const strings = Array.from({ length: 50 }, (_, i) => `${Math.sin(i + 1)}`.slice(3).split("").join(`${i} x`));
    expect(styleLikeness("Something else altogether.", styleProfile(strings))).toBeLessThan(0.1);
  });

  it("lies within 0 and 1 whatever the answers, in any order of them", () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 12 }), anyText, (answers, text) => {
        const likeness = styleLikeness(text, styleProfile(answers));
        expect(within(likeness)).toBe(true);
        expect(styleLikeness(text, styleProfile(answers.toReversed()))).toBe(likeness);
        expect(styleProfile(new Set(answers.toSorted()))).toEqual(styleProfile(new Set(answers)));
      }),
      { numRuns: 50 },
    );
  });

  it("of 50,000 answers is soon known, and the same in any order", () => {
    const many = Array.from({ length: 50_000 }, (_, i) => `${voice[i % voice.length]} ${i}`);
    let large = profile;
    const seconds = cpuSeconds(() => {
      large = styleProfile(many);
    });
    console.info(`a profile of 50,000 answers: ${seconds} s`);
    expect(seconds).toBeLessThan(3);
    const { own, squares, counts } = styleProfile(many.toReversed());
    expect({ own, squares, size: counts.size }).toEqual({ ...large, counts: undefined, size: large.counts.size });
    expect(styleLikeness(voice[0]!, large)).toBeGreaterThan(0.7);
  });

  it.skipIf(!hasSharedData)("tells data sets apart (shared data)", () => {
    const sets = datasetAnswers(new URL("datasets/", sharedData));
    const names = ["alpaca_en_demo.json", "alpaca_zh_demo.json"].map((name) => `llamafactory/${name}`);
    const chosen = [...names, "gsm8k/test.jsonl", "mlx_wikisql/train.jsonl"].map((name) => sets.get(name)!);
    const profiles = chosen.map((texts) => styleProfile(texts.filter((_, i) => i % 2 === 0)));
    const table = profiles.map((one) =>
      chosen.map((texts) => {
        const some = texts.filter((_, i) => i % 2 === 1).slice(0, 50);
        return some.reduce((sum, text) => sum + styleLikeness(text, one), 0) / some.length;
      }),
    );
    console.info(table.map((row) => row.map((value) => value.toFixed(2)).join(" ")).join("\n"));
    for (const [i, row] of table.entries())
      for (const [j, value] of row.entries())
        if (i === j) expect(value).toBeGreaterThan(0.7);
        else expect(value).toBeLessThan(0.5);
  });
});

describe("the voice score", () => {
  const profile = styleProfile(demoAnswers("train.jsonl"));
  const references = demoAnswers("valid.jsonl").slice(0, PLAIN.length);
  const pairs = (texts: readonly string[]) => references.map((reference, i) => ({ text: texts[i]!, reference }));

  it("is the mean of both, and rises from plain answers to the voice", () => {
    const base = voiceScore(pairs(PLAIN), profile);
    // The voice, with the words of other answers.
    const voice = voiceScore(pairs(demoAnswers("valid.jsonl").slice(PLAIN.length)), profile);
    const both = voiceScore(pairs(references), profile);
    console.info("voice:", { base, voice, both });
    expect(base.score).toBeCloseTo((base.chrF + base.style) / 2, 12);
    expect(voice.style - base.style).toBeGreaterThan(0.6);
    expect(both.score - base.score).toBeGreaterThan(0.6);
    expect(both.chrF).toBeCloseTo(1, 12);
    expect(base.score).toBeLessThan(0.35);
    expect(voiceScore(pairs(PLAIN.map(() => ",".repeat(48))), profile).score).toBeLessThan(0.02);
    expect(voiceScore([], profile)).toEqual({ score: 0, chrF: 0, style: 0 });
  });

  it.each<[string, string]>([
    ["one letter", "a".repeat(1e6)],
    ["spaces", " ".repeat(1e6)],
    ["words", "ab ".repeat(333_333)],
    ["half emoji", "\ud83d".repeat(1e6)],
    [
      "all different",
      Array.from({ length: 300_000 }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000))).join(""),
    ],
  ])("of hostile texts comes soon: %s", (_, text) => {
    const seconds = cpuSeconds(() => {
      const { score } = voiceScore([{ text, reference: text }], styleProfile([text, text, "x"]));
      expect(within(score)).toBe(true);
    });
    expect(seconds).toBeLessThan(3);
  });
});
