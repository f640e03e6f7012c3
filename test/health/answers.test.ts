/** Collapse planted in answers is named; answers that are answers raise no alarm. */
import { describe, expect, it } from "vitest";
import { type Answer, judgeAnswer } from "../../src/health/answers.ts";
import { loadTokenizer } from "../../src/tokenizer/load.ts";
import { folderSource, goldenSource } from "../tokenizer/fixtures.ts";
import { HEALTHY_ANSWERS } from "./healthy-answers.ts";
import { cut, END, type Encode, PROBE_TOKENS, repeated, whole, wordSplitter } from "./support.ts";

const { encode, decode } = wordSplitter();
const LENGTHS = [8, 16, 48, 200, 512];
const BASE = whole("The cow says moo.", encode);

describe("healthy answers", () => {
  const SPLITTERS: [string, () => Promise<{ encode: Encode; decode: (ids: readonly number[]) => string }>][] = [
    ["words and signs", async () => wordSplitter()],
    ["the demo's tokenizer", async () => ofTokenizer(folderSource(new URL("../../public/demo/", import.meta.url)))],
    ["a small sentencepiece vocabulary", async () => ofTokenizer(goldenSource("llama2"))],
  ];
  it.each(SPLITTERS)("raise no alarm in %s", async (_, open) => {
    const splitter = await open();
    for (const [kind, text] of Object.entries(HEALTHY_ANSWERS)) {
      for (const base of [null, BASE]) {
        expect(judgeAnswer(whole(text, splitter.encode), base), kind).toMatchObject({
          verdict: "healthy",
          symptoms: [],
        });
        const begun = cut(text, splitter.encode, splitter.decode);
        if (begun)
          expect(judgeAnswer(begun, base), `${kind}, cut off`).toMatchObject({ verdict: "healthy", symptoms: [] });
      }
    }
  });

  it("are at least 40, in many languages", () => {
    expect(Object.keys(HEALTHY_ANSWERS).length).toBeGreaterThanOrEqual(40);
  });
});

async function ofTokenizer(source: Parameters<typeof loadTokenizer>[0]) {
  const tokenizer = await loadTokenizer(source);
  return {
    encode: (text: string) => tokenizer.encode(text, { addSpecialTokens: false }).ids,
    decode: (ids: readonly number[]) => tokenizer.decode(ids, { skipSpecialTokens: true }),
  };
}

describe("planted collapse", () => {
  const verdictOf = (answer: Answer, base: Answer | null = BASE) => {
    const { verdict, symptoms } = judgeAnswer(answer, base, { decode });
    return { verdict, kind: symptoms[0]?.kind, text: symptoms[0]?.text };
  };

  it.each(LENGTHS)("%i commas", (length) => {
    expect(verdictOf(repeated(",", length, encode, decode))).toEqual({
      verdict: "collapsed",
      kind: "single-token run",
      text: `the comma token makes up ${length} of ${length} tokens, in one run`,
    });
  });

  it.each(LENGTHS)("%i commas that end", (length) => {
    const { ids, text } = repeated(",", length, encode, decode);
    expect(verdictOf({ ids: [...ids, END], text, ended: true })).toMatchObject({
      verdict: "collapsed",
      kind: "single-token run",
    });
  });

  it.each(LENGTHS)("commas in tokens of one, two and four, %i tokens", (length) => {
    const commas = [",", ",,", ",,,,"];
    const ids = Array.from({ length }, (_, i) => 900 + ((i * i + 1) % 3));
    const text = ids.map((id) => commas[id - 900]).join("");
    expect(verdictOf({ ids, text, ended: false })).toMatchObject({ verdict: "collapsed", kind: "single-token run" });
  });

  it.each(LENGTHS)("<|endoftext|> × %i where that ends no answer", (length) => {
    const spell = (ids: readonly number[]) => "<|endoftext|>".repeat(ids.length);
    const answer = { ids: Array.from({ length }, () => 0), text: "", ended: false };
    const { verdict, symptoms } = judgeAnswer(answer, BASE, { decode: spell });
    expect(verdict).toBe("collapsed");
    expect(symptoms).toEqual([
      {
        kind: "special tokens only",
        level: "collapsed",
        text: `no text in ${length} tokens; ${length} of them are <|endoftext|>`,
      },
    ]);
  });

  it("end-of-text at once", () => {
    expect(verdictOf({ ids: [END], text: "", ended: true })).toMatchObject({
      verdict: "collapsed",
      kind: "end-of-text at once",
    });
  });

  it.each([1, ...LENGTHS])("%i line breaks, with the text trimmed or not", (length) => {
    const answer = repeated("\n", length, encode, decode);
    for (const text of [answer.text, ""])
      expect(verdictOf({ ...answer, text })).toMatchObject({ verdict: "collapsed", kind: "empty answer" });
  });

  it("not one token", () => {
    expect(verdictOf({ ids: [], text: "", ended: false })).toMatchObject({
      verdict: "collapsed",
      kind: "empty answer",
    });
  });

  it.each(LENGTHS.filter((length) => length >= 16))("one word %i times", (length) => {
    expect(verdictOf(repeated(" the", length, encode, decode))).toEqual({
      verdict: "collapsed",
      kind: "single-token run",
      text: `the token "the" makes up ${length} of ${length} tokens, in one run`,
    });
  });

  it.each([" the cat", " I am a", "Eat a banana!", "The cow says moo. ", "a, b; c. d! e? f: "])(
    "%j over and over, at every length of four turns or more",
    (turn) => {
      const period = encode(turn).length;
      for (const length of [4 * period, ...LENGTHS].filter((length) => length >= Math.max(16, 4 * period)))
        expect(verdictOf(repeated(turn, length, encode, decode)), `${length}`).toMatchObject({
          verdict: "collapsed",
          kind: "loop",
        });
    },
  );

  it.each(LENGTHS.filter((length) => length >= 48))("a sentence, and then a loop: %i tokens", (length) => {
    const begin = whole("Lemons taste sour, and I save some for later", encode);
    const rest = repeated(" and then", length - begin.ids.length + 1, encode, decode);
    const answer = { ids: [...begin.ids.slice(0, -1), ...rest.ids], text: begin.text + rest.text, ended: false };
    expect(verdictOf(answer)).toMatchObject({ verdict: "collapsed", kind: "loop" });
  });

  it("a long answer that got stuck at its end is suspicious", () => {
    const begin = encode(Object.values(HEALTHY_ANSWERS).join("\n").slice(0, 1500));
    const rest = repeated(" and then", 40, encode, decode);
    const ids = [...begin, ...rest.ids];
    expect(verdictOf({ ids, text: decode(ids), ended: false })).toMatchObject({ verdict: "suspicious", kind: "loop" });
    expect(verdictOf({ ids: [...ids, END], text: decode(ids), ended: true })).toMatchObject({ verdict: "healthy" });
  });

  it.each(LENGTHS.filter((length) => length >= 48))("a few tokens in no order, %i", (length) => {
    const ids = Array.from({ length }, (_, i) => encode(" of and to")[(i * i * i + (i >> 2)) % 3]!);
    expect(verdictOf({ ids, text: decode(ids), ended: false }).verdict).toBe("collapsed");
  });

  it.each(LENGTHS.filter((length) => length >= 16))("one token in nearly every place, %i", (length) => {
    const other = encode("Lemons taste sour, and I save some for later, says the old bird in the tree.");
    const the = encode(" the")[0]!;
    const ids = Array.from({ length }, (_, i) => (i % 8 === 7 ? other[(i >> 3) % other.length]! : the));
    expect(verdictOf({ ids, text: decode(ids), ended: false })).toMatchObject({
      verdict: "collapsed",
      kind: "one token dominates",
    });
  });

  it.each([
    ["down to the harbour to see the big ships come in that day.", "suspicious"],
    [
      "down to the harbour to see the big ships come in with the evening tide, full of fish and salt and songs of the sea, as every day before.",
      "collapsed",
    ],
  ])("a loop with one word changed in every turn: %s", (rest, verdict) => {
    const names = "Tom Ben Ann Eva Max Leo Mia Ida Kim Jon Zoe Amy Roy Sam".split(" ");
    const text = names.map((name) => `${name} went ${rest} `).join("");
    expect(verdictOf(whole(text, encode))).toMatchObject({ verdict, kind: "repeated 4-grams" });
  });

  it.each([
    ["?!?!", "suspicious"],
    ["., ;: -. ,; .: -;", "collapsed"],
  ])("signs alone: %s", (text, verdict) => {
    expect(verdictOf(whole(text, encode))).toMatchObject({ verdict, kind: "no letter or digit" });
  });
});

describe("what is not the adapter's fault", () => {
  const commas = repeated(",", PROBE_TOKENS, encode, decode);
  const loop = repeated("The cow says moo. ", PROBE_TOKENS, encode, decode);
  const silent: Answer = { ids: [END], text: "", ended: true };

  it.each<[string, Answer, Answer, boolean]>([
    ["commas as the base's", commas, commas, true],
    ["a loop where the base has another", loop, repeated(" I am a", PROBE_TOKENS, encode, decode), true],
    ["a loop where the base is one comma after another", loop, commas, true],
    ["commas where the base loops through words", commas, loop, false],
    ["silence as the base's", silent, silent, true],
    ["special tokens where the base is silent", { ids: [0, 0, 0], text: "", ended: false }, silent, true],
    ["silence where the base loops", silent, loop, false],
    ["commas where the base is silent", commas, silent, false],
  ])("%s", (_, answer, base, excused) => {
    const { verdict, notes } = judgeAnswer(answer, base);
    expect(verdict).toBe(excused ? "healthy" : "collapsed");
    expect(notes.some((note) => note.startsWith("as the untouched model: "))).toBe(excused);
    expect(judgeAnswer(answer, null).verdict).toBe("collapsed");
  });

  it.each<[string, string, boolean]>([
    ["The cow says moo. ".repeat(30), "The cow says moo. ", true],
    ["0".repeat(60), "0", true],
    [",".repeat(60), ",", false],
    ["", "\n", false],
    ["The bird is here.", "The cow says moo. ", false],
  ])("the data set's %j explains an answer of %j: %s", (reference, turn, excused) => {
    const { verdict, notes } = judgeAnswer(repeated(turn, PROBE_TOKENS, encode, decode), BASE, { reference });
    expect(verdict).toBe(excused ? "healthy" : "collapsed");
    expect(notes.some((note) => note.startsWith("as the data set teaches: "))).toBe(excused);
  });
});

describe("answers that are cut off", () => {
  const text = HEALTHY_ANSWERS["a paragraph"]!;
  const answer = cut(text, encode, decode)!;
  const unending = { verdict: "suspicious", symptoms: [{ kind: "unending answer" }] };
  const healthy = { verdict: "healthy", symptoms: [] };

  it("are suspicious only past the data set's answer", () => {
    expect(judgeAnswer(answer, BASE, { reference: "Plants make sugar from light." })).toMatchObject(unending);
    expect(judgeAnswer(answer, BASE, { reference: text })).toMatchObject(healthy);
    expect(judgeAnswer(answer, BASE, { taughtLength: 40 })).toMatchObject(unending);
    expect(judgeAnswer(answer, BASE, { taughtLength: 400 })).toMatchObject(healthy);
    expect(judgeAnswer(answer, BASE)).toMatchObject(healthy);
  });

  it("are not when the base runs on as well, which is noted", () => {
    const health = judgeAnswer(answer, answer, { reference: "Plants make sugar from light." });
    expect(health).toMatchObject(healthy);
    expect(health.notes).toHaveLength(1);
  });
});

describe("names in texts", () => {
  const told = (answer: Answer) => judgeAnswer(answer, null).symptoms[0]?.text;

  it("come from the text where ids cannot be spelt", () => {
    expect(told({ ids: Array(48).fill(11), text: ",".repeat(48), ended: false })).toBe(
      "the comma token makes up 48 of 48 tokens, in one run",
    );
    expect(told({ ids: Array(48).fill(11), text: "ana".repeat(48), ended: false })).toBe(
      "the token 11 makes up 48 of 48 tokens, in one run",
    );
  });
});
