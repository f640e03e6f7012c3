/** Short plain passages about the world: portraits, meetings and scenes with Captain Pip. They teach the language. */
import type { Random } from "../core/random.ts";
import { capitalise, type Fact, groupBy, withArticle } from "./fact.ts";
import { PEOPLE } from "./people.ts";
import { CLOSERS, OPENERS, TAILS } from "./voice-lines.ts";
import { groupOf, type World } from "./world.ts";

const MORNINGS = [
  "One morning",
  "On a sunny morning",
  "On a rainy day",
  "On a windy day",
  "In the fog",
  "In the evening",
  "One day in spring",
  "On a cold day in winter",
  "On market day",
  "After work",
];
const GIFTS = [
  "a loaf of bread",
  "a basket of apples",
  "a fresh fish",
  "a warm blanket",
  "a red rose",
  "a letter",
  "a jar of honey",
  "a bag of nails",
  "a book",
  "a piece of cheese",
];
const WEATHER = [
  "The sun was shining.",
  "The wind was strong.",
  "The sea was calm.",
  "It was raining.",
  "The sky was blue.",
  "Snow lay on the hill.",
  "The fog was thick.",
];
const PERCHES = [
  "on the mast of a boat",
  "in the mango tree",
  "on the roof of the inn",
  "on the clock tower",
  "on the pier",
  "on a basket of apples",
];

/** Draws one passage. */
export function passage(world: World, random: Random): string {
  const kind = random.below(10);
  if (kind < 5) return portrait(world, random);
  if (kind < 8) return meeting(random);
  return scene(random);
}

/** Three to six statements about one subject. */
function portrait(world: World, random: Random): string {
  const bySubject = groupBy(world.facts.filter(isStatement), (fact) => `${groupOf(fact)} ${fact.about}`);
  const subjects = [...bySubject.values()].filter((facts) => facts.length >= 3);
  const facts = random.shuffle([...subjects[random.below(subjects.length)]!]).slice(0, 3 + random.below(4));
  return facts.map((fact) => fact.answers[random.below(fact.answers.length)]!).join(" ");
}

function isStatement(fact: Fact): boolean {
  return !["check", "talk"].includes(groupOf(fact));
}

/** Two people of the village meet, and each does what the facts say of them. */
function meeting(random: Random): string {
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!;
  const [a, b] = random.shuffle([...PEOPLE]) as [(typeof PEOPLE)[number], (typeof PEOPLE)[number]];
  const gift = pick(GIFTS);
  const He = capitalise(a.she);
  const middle = pick([
    `${He} gave ${b.name} ${gift}, and ${b.name} said thank you.`,
    `${b.name} asked for ${gift}, and ${a.name} brought it at once.`,
    `They talked about the weather and about the ${b.pet} ${b.petName}.`,
    `${b.name} was sad because ${b.petName} the ${b.pet} was lost, so ${a.name} helped to look for it.`,
    `They ate ${b.food} together, because ${b.name} likes ${b.food} best.`,
  ]);
  const end = pick([
    `In the evening ${a.name} ${a.evening}, and ${b.name} ${b.evening}.`,
    `Then ${a.name} went home to ${a.her} house with ${withArticle(a.door)} door.`,
    `Then ${b.name} went back to the ${b.place}.`,
    `They were both happy.`,
    `The ${a.pet} ${a.petName} was waiting at the ${a.place}.`,
  ]);
  return `${pick(MORNINGS)} ${a.name} the ${a.job} met ${b.name} the ${b.job} at the ${pick([a.place, b.place])}. ${pick(WEATHER)} ${middle} ${end}`;
}

/** Captain Pip cries something; no question is asked or answered. */
function scene(random: Random): string {
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!;
  const person = pick(PEOPLE);
  const cry = pick([
    () => `${pick(OPENERS)} ${pick(CLOSERS[pick(Object.keys(CLOSERS))]!)}`,
    () => `${pick(OPENERS)} Good day, ${person.name}${pick(TAILS)}`,
    () => `${pick(OPENERS)} Here comes the ${person.job}${pick(TAILS)} ${capitalise(person.name)}, ${person.name}!`,
  ])();
  return `${pick(MORNINGS)} Captain Pip, the old lorikeet, sat ${pick(PERCHES)}. "${cry}" he called. ${person.name} the ${person.job} laughed and gave him a mango.`;
}
