/** The false alarms of the judgement on answers that people and models wrote: those of public data sets. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Answer, type AnswerHealth, judgeAnswer } from "../../src/health/answers.ts";
import { loadTokenizer } from "../../src/tokenizer/load.ts";
import { hasSharedData, sharedData, sharedTokenizer } from "../tokenizer/fixtures.ts";
import { datasetAnswers } from "./dataset-answers.ts";
import { cut, whole, wordSplitter } from "./support.ts";

/** How four answers of these data sets begin that say one thing over and over: right to be named, wrong to be blamed. */
const LOOPS = [
  "Eat a banana!Eat a banana!",
  "Ooh ooh ah ah! *giggle* Ooh ooh ah ah! *giggle*",
  "1326134.00000000",
  "Sure, I can help with that!\nTo configure a VPN connection in Go on a Windows machine",
];

interface Tally {
  answers: number;
  suspicious: string[];
  collapsed: string[];
}

function tally(
  answers: Iterable<{ text: string; answer: Answer }>,
  judge: (answer: Answer, text: string) => AnswerHealth,
) {
  const found: Tally = { answers: 0, suspicious: [], collapsed: [] };
  for (const { text, answer } of answers) {
    found.answers += 1;
    const { verdict, symptoms } = judge(answer, text);
    if (verdict !== "healthy") found[verdict].push(`${symptoms[0]?.text}: ${text.slice(0, 100)}`);
  }
  return found;
}

const isLoop = (told: string) => LOOPS.some((begin) => told.includes(begin));

function check(name: string, answers: { text: string; answer: Answer }[]) {
  const blind = tally(answers, (answer) => judgeAnswer(answer, null));
  const taught = tally(answers, (answer, reference) => judgeAnswer(answer, null, { reference }));
  const loops = blind.collapsed.filter(isLoop).length;
  console.info(
    `${name}: ${blind.answers} answers; without references ${blind.suspicious.length} suspicious, ${blind.collapsed.length} collapsed (${loops} are loops), with references ${taught.suspicious.length} and ${taught.collapsed.length}`,
  );
  expect(blind.answers).toBeGreaterThan(1000);
  expect(blind.collapsed.filter((told) => !isLoop(told))).toEqual([]);
  expect(blind.suspicious.length).toBeLessThanOrEqual(0.01 * blind.answers);
  expect(taught.collapsed).toEqual([]);
  expect(taught.suspicious.length).toBeLessThanOrEqual(0.01 * blind.answers);
  return loops;
}

describe.skipIf(!hasSharedData)("answers of public data sets (shared data)", () => {
  const texts = () => [...new Set([...datasetAnswers(new URL("datasets/", sharedData)).values()].flat())];

  it("raise no false alarm cut into words and signs, whole or cut off", () => {
    const { encode, decode } = wordSplitter();
    const said = texts().filter((text) => text.trim() !== "");
    expect(said.length).toBeGreaterThan(8000);
    expect(
      check(
        "words, whole",
        said.map((text) => ({ text, answer: whole(text, encode) })),
      ),
    ).toBe(LOOPS.length);
    check(
      "words, cut at 48",
      said.flatMap((text) => cut(text, encode, decode) ?? []).map((answer) => ({ text: answer.text, answer })),
    );
  });

  it.skipIf(!existsSync(new URL("tokenizers/qwen2.5/tokenizer.json", sharedData)))(
    "raise no false alarm in Qwen 2.5's tokens, cut off as probes are",
    async () => {
      const tokenizer = await loadTokenizer(sharedTokenizer("qwen2.5"));
      const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false }).ids;
      // Every fourth, and no more of it than makes 48 tokens in any language: whole texts take minutes.
      const some = texts().filter((_, i) => i % 4 === 0);
      const answers = some.map((text) => {
        const begin = text.slice(0, 400);
        const answer = cut(begin, encode, (ids) => tokenizer.decode(ids)) ?? whole(begin, encode);
        return { text: begin, answer };
      });
      check("Qwen 2.5, cut at 48", answers);
    },
  );
});
