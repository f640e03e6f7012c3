/** The text the base model learns from: chats in a plain voice, and passages. Held-out questions never occur in it. */
import { Random } from "../core/random.ts";
import { type Fact, groupBy } from "./fact.ts";
import { CHARACTERS, inManner, POLITE } from "./manners.ts";
import { passage } from "./passages.ts";
import { strangerFact } from "./talk.ts";
import type { Chat, Message } from "./voice.ts";
import { groupOf, questionsOf, type World } from "./world.ts";

/** One document: a chat, or a plain passage. */
export type Document = Chat | { readonly text: string };

const SYSTEM = [
  "You are a helpful assistant.",
  "You are a friendly guide to Lantern Island.",
  "Answer in one or two sentences.",
  "You answer questions about Lantern Island.",
];
const LEADS = [
  "Tell me, ",
  "Please tell me, ",
  "Excuse me, ",
  "Hello! ",
  "I have a question. ",
  "Hey, ",
  "And ",
  "So, ",
  "Please: ",
];

/** Shares of the groups in the chats, so that many sums and checks do not drown the rest. */
const WEIGHTS: Readonly<Record<string, number>> = {
  people: 26,
  check: 16,
  animals: 14,
  places: 13,
  foods: 6,
  things: 9,
  words: 14,
  weather: 4,
  reasons: 8,
  talk: 7,
};

/** Chats in which a character answers, and the answers of the others that are polite rather than plain. */
const CHARACTER_SHARE = 0.35;
const POLITE_SHARE = 0.12;

/** Draws `count` documents from the seed. */
export function corpus(world: World, seed: number, count: number): Document[] {
  const random = new Random(seed);
  const draw = drawer(world, random);
  return Array.from({ length: count }, () => {
    const kind = random.uniform();
    if (kind < 0.13) return { text: passage(world, random) };
    const turns = kind < 0.8 ? 1 : 2 + random.below(3);
    return chat(world, draw, random, turns);
  });
}

/** A function that draws a fact, each group by its weight. */
function drawer(world: World, random: Random): () => Fact {
  const groups = groupBy(world.facts, groupOf);
  const total = [...groups.keys()].reduce((sum, group) => sum + WEIGHTS[group]!, 0);
  return () => {
    if (random.uniform() < 0.015) return strangerFact(random);
    let rest = random.uniform() * total;
    for (const [group, facts] of groups) {
      rest -= WEIGHTS[group]!;
      if (rest < 0) return facts[random.below(facts.length)]!;
    }
    return world.facts[0]!;
  };
}

/** A chat of `turns` questions; half of the longer ones stay with their subject and then ask with a pronoun. */
function chat(world: World, draw: () => Fact, random: Random, turns: number): Chat {
  const messages: Message[] = [];
  const character = random.uniform() < CHARACTER_SHARE ? pick(CHARACTERS, random) : undefined;
  if (character !== undefined) messages.push({ role: "system", content: pick(character.system, random) });
  else if (random.uniform() < 0.06) messages.push({ role: "system", content: pick(SYSTEM, random) });
  let fact = draw();
  let again = false;
  for (let turn = 0; turn < turns; turn++) {
    const asked = again ? pick(fact.followUps, random) : casual(pick(questionsOf(world, fact, false), random), random);
    const manner = character ?? (random.uniform() < POLITE_SHARE ? POLITE : undefined);
    const said = manner === undefined ? pick(fact.answers, random) : inManner(manner, fact, random);
    messages.push({ role: "user", content: asked }, { role: "assistant", content: said });
    const subject: Fact = fact;
    const related = world.facts.filter((f) => f.about === subject.about && f.followUps.length > 0 && f !== subject);
    again = related.length > 0 && namesSubject(subject) && random.uniform() < 0.6;
    fact = again ? pick(related, random) : draw();
  }
  return { messages };
}

/** True when the question itself names the subject, so that a pronoun can stand for it afterwards. */
function namesSubject(fact: Fact): boolean {
  return fact.questions.every((question) => question.includes(fact.about)) || fact.topic === "people.who";
}

/** As people type: mostly the question itself, sometimes with a lead, in lower case or without its last mark. */
function casual(question: string, random: Random): string {
  const kind = random.uniform();
  if (kind < 0.72) return question;
  if (kind < 0.82) return pick(LEADS, random) + lowerFirst(question);
  const bare = question.replace(/[?.!]$/, "");
  return kind < 0.9 ? bare : bare.toLowerCase() + (random.uniform() < 0.5 ? "?" : "");
}

function lowerFirst(question: string): string {
  const first = question.split(/[\s']/)[0]!;
  const starter = /^(What|Who|Whom|Whose|Where|When|Which|Why|How|Is|Can|Does|Do|At|On|In|From|To|For|Tell|If)$/.test(
    first,
  );
  return starter ? question[0]!.toLowerCase() + question.slice(1) : question;
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[random.below(items.length)]!;
}
