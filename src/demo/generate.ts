/** The demo's files as text, from fixed seeds: the sample dataset that ships, and what the base model is made from. */
import { corpus, type Document } from "./corpus.ts";
import { type Check, checkOf } from "./judge.ts";
import { type Chat, voiceDataset } from "./voice.ts";
import { buildWorld, PROBES, questionsOf, type World } from "./world.ts";

export const WORLD_SEED = 20;
export const VOICE_SEED = 21;

/** The shipped files by name: train.jsonl, valid.jsonl (one chat per line) and probes.json (five questions). */
export function demoFiles(): Readonly<Record<string, string>> {
  const { train, valid } = voiceDataset(demoWorld(), VOICE_SEED);
  return {
    "train.jsonl": lines(train),
    "valid.jsonl": lines(valid),
    "probes.json": `${JSON.stringify(PROBES, null, 2)}\n`,
  };
}

/** What making the model needs beside them: corpus.jsonl with `count` documents from `seed`, and heldout.jsonl with the checks. */
export function trainingFiles(count: number, seed: number): Readonly<Record<string, string>> {
  const world = demoWorld();
  return { "corpus.jsonl": lines(corpus(world, seed, count)), "heldout.jsonl": lines(heldOutChecks(world)) };
}

/** The world of the shipped demo. */
export function demoWorld(): World {
  return buildWorld(WORLD_SEED);
}

/** One check for each held-out question. */
export function heldOutChecks(world: World): Check[] {
  return world.facts.flatMap((fact) =>
    questionsOf(world, fact, true).map((question) => checkOf(world.facts, fact, question)),
  );
}

function lines(records: readonly (Chat | Document | Check)[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join("");
}
