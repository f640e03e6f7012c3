/** The whole small world: every fact, and the split of its questions into those a model may learn from and the rest. */
import { Random } from "../core/random.ts";
import { animalFacts } from "./animals.ts";
import type { Fact } from "./fact.ts";
import { peopleFacts } from "./people.ts";
import { placeFacts } from "./places.ts";
import { reasonFacts } from "./reasons.ts";
import { talkFacts } from "./talk.ts";
import { thingFacts } from "./things.ts";
import { wordFacts } from "./words.ts";

export interface World {
  readonly facts: readonly Fact[];
  /** Questions that no training text contains: neither the corpus nor the voice dataset's training file. */
  readonly heldOut: ReadonlySet<string>;
}

/** The questions the page shows before and after a run. */
export const PROBES: readonly string[] = [
  "What is Tom's job?",
  "Where can I find the lighthouse?",
  "What noise does a cow make?",
  "Why does a boat need an anchor?",
  "What is the contrary of hot?",
];

/** One fact in four with at least three paraphrases loses one of them to the held-out set; so do the probes. */
const HELD_OUT_SHARE = 0.25;

/** Builds the world; the same seed holds out the same questions. */
export function buildWorld(seed: number): World {
  const facts = [
    ...peopleFacts(),
    ...animalFacts(),
    ...placeFacts(),
    ...thingFacts(),
    ...wordFacts(),
    ...reasonFacts(),
    ...talkFacts(),
  ];
  const random = new Random(seed);
  const heldOut = new Set(PROBES);
  for (const { questions } of facts) {
    const open = questions.filter((question) => !heldOut.has(question));
    const loses = open.length === questions.length && open.length >= 3 && random.uniform() < HELD_OUT_SHARE;
    if (loses) heldOut.add(open[random.below(open.length)]!);
  }
  return { facts, heldOut };
}

/** The questions of a fact that may be learnt from, or those that may not. */
export function questionsOf(world: World, fact: Fact, heldOut: boolean): readonly string[] {
  return fact.questions.filter((question) => world.heldOut.has(question) === heldOut);
}

/** "people.job" → "people". */
export function groupOf(fact: Fact): string {
  return fact.topic.slice(0, fact.topic.indexOf("."));
}
