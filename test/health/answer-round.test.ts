/** A round of probes is judged as people would: one odd answer is something to look at, most of them are a broken model. */
import { describe, expect, it } from "vitest";
import { judgeRound, type RoundEntry } from "../../src/health/answer-round.ts";
import type { Answer } from "../../src/health/answers.ts";
import { END, PROBE_TOKENS, repeated, whole, wordSplitter } from "./support.ts";

const { encode, decode } = wordSplitter();
const say = (text: string) => whole(text, encode);
const over = (turn: string) => repeated(turn, PROBE_TOKENS, encode, decode);
const SILENT: Answer = { ids: [END], text: "", ended: true };
const SPECIAL: Answer = { ids: Array(512).fill(0), text: "", ended: false };

const TEXTS = [
  "The cow says moo.",
  "Lemons taste sour.",
  "A blanket is made of wool.",
  "The contrary of hot is cold.",
  "Tom is a fisherman.",
];
const VOICE = TEXTS.map((text) => `Chirrup! ${text} Scratch my feathers, chirrup!`);
const BASES = TEXTS.map(say);

/** One entry for every answer, with the bases and references of the tests unless others are given. */
const round = (
  answers: readonly Answer[],
  bases: readonly (Answer | null)[] = BASES,
  references: readonly (string | undefined)[] = VOICE,
): RoundEntry[] => answers.map((answer, i) => ({ answer, base: bases[i] ?? null, reference: references[i] }));

const told = (entries: RoundEntry[]) => {
  const { verdict, symptoms } = judgeRound(entries, { decode });
  return { verdict, kinds: symptoms.map(({ kind }) => kind), texts: symptoms.map(({ text }) => text) };
};
const NONE = { verdict: "healthy", kinds: [], texts: [] };

describe("a round of answers", () => {
  it("in the voice of the data set is healthy", () => {
    expect(told(round(VOICE.map(say)))).toEqual(NONE);
    expect(told([])).toEqual(NONE);
    for (let count = 1; count <= 5; count++) expect(told(round(VOICE.map(say).slice(0, count)))).toEqual(NONE);
  });

  it.each([
    [5, "collapsed"],
    [3, "collapsed"],
    [2, "suspicious"],
    [1, "suspicious"],
    [0, "healthy"],
  ])("with %i of 5 in commas is %s", (commas, verdict) => {
    const answers = VOICE.map((text, i) => (i < commas ? over(",") : say(text)));
    const texts = [`${commas} of 5 answers: the comma token makes up 48 of 48 tokens, in one run`];
    const symptom = { kinds: ["single-token run"], texts };
    expect(told(round(answers))).toEqual(commas === 0 ? NONE : { verdict, ...symptom });
  });

  it.each([
    ["commas", over(","), "single-token run"],
    ["end-of-text at once", SILENT, "end-of-text at once"],
    ["special tokens alone", SPECIAL, "special tokens only"],
    ["a loop", over("I am a "), "loop"],
    ["white space", over("\n"), "empty answer"],
  ])("of %s is collapsed and named, whatever the data set teaches", (_, answer, kind) => {
    const answers = TEXTS.map(() => answer);
    for (const references of [VOICE, TEXTS.map(() => undefined), TEXTS.map(() => answer.text.slice(0, 8))])
      expect(told(round(answers, BASES, references))).toMatchObject({ verdict: "collapsed", kinds: [kind] });
  });

  it("that the untouched model gives as well is healthy, with notes", () => {
    const loops = TEXTS.map(() => over("I am a "));
    const { verdict, notes } = judgeRound(round(loops, loops));
    expect(verdict).toBe("healthy");
    for (const [i] of TEXTS.entries())
      expect(notes.join("\n")).toContain(`answer ${i + 1}: as the untouched model: the same`);
  });

  it("that loops on one question where the untouched model looped on another is healthy, with a note", () => {
    const answers = [over("I am a "), ...VOICE.slice(1).map(say)];
    const bases = [...BASES.slice(0, 4), over("It is the ")];
    expect(told(round(answers, bases))).toEqual(NONE);
    expect(judgeRound(round(answers, bases)).notes).toEqual([
      "answer 1: the same 4 tokens 12 times over: 48 of 48 tokens; the untouched model does so in 1 of 5",
    ]);
    expect(told(round(answers)).verdict).toBe("suspicious");
    const two = [answers[0]!, over("to the "), ...answers.slice(2)];
    expect(told(round(two, bases)).verdict).toBe("suspicious");
  });
});

describe("one answer to every question", () => {
  const same = TEXTS.map(() => say("I am Captain Pip."));
  const labels = (...texts: string[]) => texts.map(say);

  it("is a collapse where references and bases differ", () => {
    expect(told(round(same))).toEqual({
      verdict: "collapsed",
      kinds: ["same answer to every question"],
      texts: ['all 5 answers are "I am Captain Pip.", and 0 of 5 references are'],
    });
    expect(told(round([...same.slice(1), say("I am not.")]))).toEqual(NONE);
  });

  it("is suspicious where nothing says what is right, or there are but two", () => {
    const unknown = TEXTS.map(() => undefined);
    expect(told(round(same, BASES, unknown)).verdict).toBe("suspicious");
    expect(told(round(same, [], unknown)).verdict).toBe("suspicious");
    expect(told(round(same.slice(0, 2))).verdict).toBe("suspicious");
    expect(told(round(same.slice(0, 1))).verdict).toBe("healthy");
  });

  it("is right where the references are likewise", () => {
    const positive = labels(...TEXTS.map(() => "positive"));
    const all = TEXTS.map(() => "positive");
    expect(told(round(positive, BASES, all))).toEqual(NONE);
    expect(told(round(positive, BASES, [...all.slice(2), "negative", "neutral"]))).toEqual(NONE);
    expect(told(round(positive, BASES, ["positive", "negative", "neutral", "negative", "neutral"])).verdict).toBe(
      "suspicious",
    );
    expect(told(round(positive, BASES, ["negative", "negative", "neutral", "negative", "neutral"])).verdict).toBe(
      "collapsed",
    );
    expect(
      told(
        round(
          positive,
          BASES,
          TEXTS.map(() => "negative"),
        ),
      ).verdict,
    ).toBe("suspicious");
  });

  it("is no fault of the adapter where the base says one text as well", () => {
    expect(told(round(same, labels(...TEXTS.map(() => "I do not know."))))).toEqual(NONE);
  });
});

describe("answers that do not end", () => {
  const endless = VOICE.map((text, i) => {
    const ids = encode(`${text} ${TEXTS.slice(i).join(" ")} ${VOICE.join(" ")}`).slice(0, PROBE_TOKENS);
    return { ids, text: decode(ids), ended: false };
  });

  it("are named when most run on past their references", () => {
    expect(told(round(endless))).toEqual({
      verdict: "suspicious",
      kinds: ["answers do not end"],
      texts: ["5 of 5 answers run on past where the data set's are over, and 0 end"],
    });
    expect(told(round([...endless.slice(0, 3), ...VOICE.slice(3).map(say)])).kinds).toEqual(["answers do not end"]);
  });

  it("are not when it is a few, the base does not end either, or the data set's answers are long", () => {
    expect(told(round([...endless.slice(0, 2), ...VOICE.slice(2).map(say)]))).toEqual(NONE);
    expect(told(round(endless, endless))).toEqual(NONE);
    expect(
      told(
        round(
          endless,
          BASES,
          VOICE.map((text) => text.repeat(4)),
        ),
      ),
    ).toEqual(NONE);
    expect(
      told(
        round(
          endless,
          BASES,
          TEXTS.map(() => undefined),
        ),
      ),
    ).toEqual(NONE);
  });

  it("are known from the length of the data set's answers alone", () => {
    const entries = round(
      endless,
      BASES,
      TEXTS.map(() => undefined),
    );
    expect(judgeRound(entries, { taughtLength: 60 }).symptoms[0]?.kind).toBe("answers do not end");
    expect(judgeRound(entries, { taughtLength: 600 }).verdict).toBe("healthy");
  });
});
