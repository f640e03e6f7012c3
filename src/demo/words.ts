/** Opposites, numbers, days and months. */
import { capitalise, type Fact, fact, rows } from "./fact.ts";

const OPPOSITES = `
hot | cold
big | small
day | night
up | down
old | young
wet | dry
fast | slow
happy | sad
full | empty
light | dark
open | closed
long | short
hard | soft
rich | poor
loud | quiet
high | low
early | late
clean | dirty
sweet | sour
strong | weak
near | far
left | right
`;

export const NUMBERS = [
  "zero",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
  "thirteen",
  "fourteen",
  "fifteen",
  "sixteen",
  "seventeen",
  "eighteen",
  "nineteen",
  "twenty",
] as const;
const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** Every fact about words, numbers and the calendar. */
export function wordFacts(): Fact[] {
  return [
    ...rows(OPPOSITES).flatMap(([a, b]) => [opposite(a!, b!), opposite(b!, a!)]),
    ...NUMBERS.slice(0, 20).flatMap((_, n) => neighbours(n)),
    ...range(1, 9).flatMap((a) => range(1, 9).map((b) => sum(a, b))),
    ...cycle("words.day", "day", DAYS),
    ...cycle("words.month", "month", MONTHS),
    fact(
      "words.count",
      "week",
      "seven",
      "How many days are in a week? / How many days does a week have? / How long is a week?",
      "A week has seven days.",
    ),
    fact(
      "words.count",
      "year",
      "twelve",
      "How many months are in a year? / How many months does a year have? / How long is a year?",
      "A year has twelve months.",
    ),
  ];
}

function opposite(a: string, b: string): Fact {
  return fact(
    "words.opposite",
    a,
    b,
    `What is the opposite of ${a}? / Which word is the opposite of ${a}? / Tell me the opposite of ${a}. / What is the contrary of ${a}? / If it is not ${a}, what is it?`,
    `The opposite of ${a} is ${b}. / ${capitalise(b)} is the opposite of ${a}.`,
  );
}

function neighbours(n: number): Fact[] {
  const here = NUMBERS[n]!;
  const next = NUMBERS[n + 1]!;
  return [
    fact(
      "words.number",
      here,
      next,
      `What comes after ${here}? / Which number comes after ${here}? / What is the next number after ${here}? / Which number follows ${here}?`,
      `After ${here} comes ${next}. / The next number is ${next}.`,
    ),
    fact(
      "words.number",
      next,
      here,
      `What comes before ${next}? / Which number comes before ${next}? / What is the number before ${next}? / Which number is just before ${next}?`,
      `Before ${next} comes ${here}. / The number before ${next} is ${here}.`,
    ),
  ];
}

function sum(a: number, b: number): Fact {
  const [x, y, z] = [NUMBERS[a]!, NUMBERS[b]!, NUMBERS[a + b]!];
  return fact(
    "words.sum",
    `${x} and ${y}`,
    z,
    `What is ${x} plus ${y}? / How much is ${x} plus ${y}? / What is ${a} + ${b}? / What is the sum of ${x} and ${y}? / How much is ${x} and ${y}?`,
    `${capitalise(x)} plus ${y} is ${z}. / ${capitalise(x)} and ${y} make ${z}.`,
  );
}

function cycle(topic: string, kind: string, names: readonly string[]): Fact[] {
  return names.flatMap((name, i) => {
    const next = names[(i + 1) % names.length]!;
    return [
      fact(
        topic,
        name,
        next,
        `Which ${kind} comes after ${name}? / What comes after ${name}? / Which ${kind} follows ${name}? / What is the next ${kind} after ${name}?`,
        `After ${name} comes ${next}. / The ${kind} after ${name} is ${next}.`,
      ),
      fact(
        topic,
        next,
        name,
        `Which ${kind} comes before ${next}? / What comes before ${next}? / Which ${kind} is just before ${next}? / What is the ${kind} before ${next}?`,
        `Before ${next} comes ${name}. / The ${kind} before ${next} is ${name}.`,
      ),
    ];
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
