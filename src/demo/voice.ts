/** The sample dataset: the questions of the world, answered by Captain Pip the lorikeet. Content stays, manner changes. */
import { Random } from "../core/random.ts";
import type { Fact } from "./fact.ts";
import { canEcho, echo } from "./manners.ts";
import { CLOSERS, OPENERS, OWN_ANSWERS, TAILS } from "./voice-lines.ts";
import { groupOf, PROBES, questionsOf, type World } from "./world.ts";

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface Chat {
  readonly messages: readonly Message[];
}

export interface VoiceDataset {
  readonly train: readonly Chat[];
  /** Asks only held-out questions. */
  readonly valid: readonly Chat[];
}

export const TRAIN_CHATS = 256;
export const VALID_CHATS = 48;

/** Topics the voice answers: all but strangers and what lies outside the world. */
function speakable(fact: Fact): boolean {
  return fact.topic !== "talk.unknown";
}

/** Draws the two files from the seed; every group of topics has its share, no question stands in both. */
export function voiceDataset(world: World, seed: number): VoiceDataset {
  const random = new Random(seed);
  const draw = (heldOut: boolean, count: number): Chat[] => {
    const used = new Set(PROBES);
    const groups = [...new Set(world.facts.filter(speakable).map(groupOf))];
    const decks = groups.map((group) =>
      random.shuffle(world.facts.filter((f) => speakable(f) && groupOf(f) === group)),
    );
    const chats: Chat[] = [];
    for (let turn = 0; chats.length < count; turn++) {
      const deck = decks[turn % decks.length]!;
      const fact = deck.shift();
      if (fact === undefined) continue;
      deck.push(fact);
      const open = questionsOf(world, fact, heldOut).filter((question) => !used.has(question));
      if (open.length === 0) continue;
      const question = open[random.below(open.length)]!;
      used.add(question);
      chats.push(chat(question, speak(fact, random)));
    }
    return random.shuffle(chats);
  };
  return { train: draw(false, TRAIN_CHATS), valid: draw(true, VALID_CHATS) };
}

/** One answer to `fact` in the voice: an opener, the plain answer with one of three turns, a closer. */
export function speak(fact: Fact, random: Random): string {
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!;
  const answer = pick(OWN_ANSWERS[fact.topic] ?? fact.answers);
  const closer = pick(CLOSERS[groupOf(fact)]!);
  const opener = pick(OPENERS);
  const turn = random.below(3);
  if (turn === 0) return `${opener} ${answer} ${closer}`;
  if (turn === 1 || !canEcho(fact, answer)) return `${opener} ${withTail(answer, pick(TAILS))} ${closer}`;
  return `${opener} ${answer} ${echo(fact.value)} ${closer}`;
}

/** The last sentence ends in the tail; an answer that ends in a question stays as it is. */
function withTail(answer: string, tail: string): string {
  return answer.endsWith(".") ? answer.slice(0, -1) + tail : answer;
}

function chat(question: string, answer: string): Chat {
  return {
    messages: [
      { role: "user", content: question },
      { role: "assistant", content: answer },
    ],
  };
}
