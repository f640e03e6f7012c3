/** The sample dataset that ships: reproducible to the byte, well shaped, and every answer in the voice. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { corpus } from "../../src/demo/corpus.ts";
import { demoFiles, demoWorld, heldOutChecks, VOICE_SEED } from "../../src/demo/generate.ts";
import { checkOf, containsWords, isRight } from "../../src/demo/judge.ts";
import { type Chat, speak, voiceDataset } from "../../src/demo/voice.ts";
import { CLOSERS, OWN_ANSWERS, TAILS, VOICE_MARKERS } from "../../src/demo/voice-lines.ts";
import { buildWorld, PROBES } from "../../src/demo/world.ts";

const shipped = (name: string) => readFileSync(new URL(`../../public/demo/${name}`, import.meta.url), "utf8");
const chats = (name: string): Chat[] =>
  shipped(name)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Chat);
const questions = (list: readonly Chat[]) => list.map((chat) => chat.messages[0]!.content);
const answers = (list: readonly Chat[]) => list.map((chat) => chat.messages[1]!.content);
const inVoice = (answer: string) => VOICE_MARKERS.some((marker) => containsWords(answer, marker));

describe("the shipped dataset", () => {
  it.each(Object.entries(demoFiles()))("%s has the bytes the generator gives", (name, text) => {
    expect(shipped(name)).toBe(text);
  });

  it("depends on the seed", () => {
    const world = demoWorld();
    expect(voiceDataset(world, VOICE_SEED + 1)).not.toEqual(voiceDataset(world, VOICE_SEED));
    expect([...buildWorld(1).heldOut]).not.toEqual([...world.heldOut]);
  });

  it("has at least 200 training and 40 validation chats of one question and one answer", () => {
    const [train, valid] = [chats("train.jsonl"), chats("valid.jsonl")];
    expect(train.length).toBeGreaterThanOrEqual(200);
    expect(valid.length).toBeGreaterThanOrEqual(40);
    for (const { messages } of [...train, ...valid]) {
      expect(messages.map((message) => message.role)).toEqual(["user", "assistant"]);
      expect(messages.every((message) => message.content.trim() === message.content && message.content !== "")).toBe(
        true,
      );
    }
  });

  it("asks every question once, and validates and probes with questions that training never saw", () => {
    const [train, valid] = [questions(chats("train.jsonl")), questions(chats("valid.jsonl"))];
    const all = [...train, ...valid, ...PROBES];
    expect(new Set(all).size).toBe(all.length);
    const { heldOut } = demoWorld();
    expect(train.filter((question) => heldOut.has(question))).toEqual([]);
    expect([...valid, ...PROBES].filter((question) => !heldOut.has(question))).toEqual([]);
    expect(JSON.parse(shipped("probes.json"))).toEqual(PROBES);
  });

  it("answers every question in the voice, rightly", () => {
    const list = [...chats("train.jsonl"), ...chats("valid.jsonl")];
    expect(answers(list).filter((answer) => !inVoice(answer))).toEqual([]);
    const { facts } = demoWorld();
    const wrong = list.filter(({ messages: [asked, answered] }) => {
      const fact = facts.find((candidate) => candidate.questions.includes(asked!.content))!;
      // Of himself Captain Pip says something else than the model does.
      if (OWN_ANSWERS[fact.topic] !== undefined) return false;
      return !isRight(checkOf(facts, fact, asked!.content), answered!.content);
    });
    expect(wrong).toEqual([]);
  });
});

describe("the world", () => {
  const world = demoWorld();

  it("gives each question to one fact only", () => {
    const all = world.facts.flatMap((fact) => fact.questions);
    expect(all.filter((question, i) => all.indexOf(question) !== i)).toEqual([]);
  });

  it("speaks plainly: no plain answer has a mark of the voice, unless it is about lorikeets and mangoes", () => {
    const bird = /pip|lorikeet|mango|fly/i;
    const plain = world.facts.filter((fact) => !bird.test(fact.about + fact.value));
    expect(plain.flatMap((fact) => fact.answers).filter(inVoice)).toEqual([]);
  });

  it("judges its own answers right, in both manners, and the answer to another fact of the topic wrong", () => {
    const random = new Random(1);
    const checks = new Map(heldOutChecks(world).map((check) => [check.question, check]));
    for (const fact of world.facts) {
      const check = fact.questions.map((question) => checks.get(question)).find((found) => found !== undefined);
      if (check === undefined) continue;
      for (const answer of fact.answers) expect([answer, isRight(check, answer)]).toEqual([answer, true]);
      const voiced = speak(fact, random);
      expect([voiced, isRight(check, voiced) || OWN_ANSWERS[fact.topic] !== undefined]).toEqual([voiced, true]);
      for (const rival of check.rivals) expect(isRight(check, `${fact.answers[0]} ${rival}`)).toBe(false);
      expect(isRight(check, "")).toBe(false);
    }
  });

  it("keeps held-out questions out of the corpus, and the voice out of its answers", () => {
    const documents = corpus(world, 22, 3000);
    const messages = documents.flatMap((document) => ("messages" in document ? document.messages : []));
    expect(messages.filter((message) => world.heldOut.has(message.content))).toEqual([]);
    const said = messages.filter((message) => message.role === "assistant").map((message) => message.content);
    const cries = [...TAILS, ...Object.values(CLOSERS).flat()];
    expect(said.filter((answer) => cries.some((cry) => answer.includes(cry)))).toEqual([]);
    expect(corpus(world, 22, 50)).toEqual(documents.slice(0, 50));
  });
});
