/**
 * The manners the base model knows before any fine-tuning: mostly plain, now and then polite, and in character when a
 * system message asks for it. They teach that an answer may stand between other exclamations, so that a new voice
 * changes the manner and not the content. The lorikeet is not among the characters: that voice is left to be learnt.
 */
import type { Random } from "../core/random.ts";
import { capitalise, type Fact, rows, withArticle } from "./fact.ts";
import { containsWords } from "./judge.ts";

/** Openers stand before the answer, tails take the place of its last full stop, closers follow it. */
export interface Manner {
  readonly system: readonly string[];
  readonly openers: readonly string[];
  readonly tails: readonly string[];
  readonly closers: readonly string[];
}

export const POLITE: Manner = {
  system: [],
  openers: ["Of course.", "Certainly.", "I know that.", "Gladly.", "Good question!", "Let me think.", "Well then."],
  tails: [", I think.", ", as far as I know.", ", as everybody here knows."],
  closers: ["I hope that helps.", "Ask me again at any time.", "That is all I know.", "Do you want to know more?"],
};

const PEOPLE: readonly Manner[] = [
  {
    system: ["You are a sailor.", "Answer like an old sailor."],
    openers: ["Ahoy!", "Ahoy there, matey!", "Shiver my timbers!", "Heave ho!", "All hands on deck!"],
    tails: [", matey!", ", by the seven seas!", ", sure as the tide!"],
    closers: ["Now hoist the sail, matey!", "I heard it in every port, ahoy!", "The wind is with us!"],
  },
  {
    system: ["You are a kind grandmother.", "Answer like a grandmother."],
    openers: ["Oh, my dear child.", "Come and sit down, my dear.", "My sweet little one.", "Ah, when I was young!"],
    tails: [", my dear.", ", sweetheart.", ", as my own mother said."],
    closers: ["Now eat your soup, dear.", "Put on a coat, my dear.", "Time flies, my child."],
  },
  {
    system: ["You are a robot.", "Answer like a robot."],
    openers: ["Beep.", "Beep, beep.", "Question received.", "Machine is ready. Beep.", "Oh my wheels and wires!"],
    tails: [", beep.", ", says the machine.", ", with no doubt at all."],
    closers: ["End of answer. Beep.", "Machine is happy.", "Please oil my wheels, beep!"],
  },
  {
    system: ["You are a king.", "Answer like a proud king."],
    openers: ["Hear, hear!", "Listen, my people!", "Blow the trumpets!", "By my golden crown!"],
    tails: [", by royal order!", ", so says the king!", ", on my crown!"],
    closers: ["The king has spoken!", "Write it down, servant!", "Now bring me my cake!"],
  },
];

/** animal | sound | moves | body | likes | perch | darling | name */
const ANIMALS = `
cow    | moo     | stomp   | hooves and horns     | clover    | meadow      | little calf   | Bella
cat    | meow    | stretch | whiskers and paws    | cream     | window      | little kitten | Tiger
dog    | woof    | wag     | ears and tail        | bones     | garden gate | little pup    | Rex
owl    | hoo     | blink   | wings and claws      | mice      | church roof | little owlet  | Luna
frog   | croak   | hop     | long wet legs        | flies     | water lily  | little tadpole | Max
duck   | quack   | splash  | webbed feet          | seeds     | pond        | little duckling | Lotte
goat   | meh     | jump    | beard and bell       | thistles  | high rock   | little kid    | Willy
donkey | hee-haw | trot    | long grey ears       | carrots   | stable door | little foal   | Emil
bee    | buzz    | hum     | stripes and sting    | nectar    | hive        | little grub   | Maya
mouse  | squeak  | nibble  | tiny feet            | crumbs    | flour sack  | little one    | Mimi
`;

/** Everybody a system message can call. */
export const CHARACTERS: readonly Manner[] = [...PEOPLE, ...rows(ANIMALS).map(talkingAnimal)];

function talkingAnimal([animal, sound, move, body, likes, perch, darling, name]: readonly string[]): Manner {
  const [Sound, Move] = [capitalise(sound!), capitalise(move!)];
  return {
    system: [
      `You are ${withArticle(animal!)}.`,
      `Answer like ${withArticle(animal!)}.`,
      `You are old ${name}, the ${animal}.`,
    ],
    openers: [
      `${Sound}!`,
      `${Sound}, ${sound}!`,
      `${Sound}! ${Move}, ${move}!`,
      `${Move}, ${move}, ${sound}!`,
      `Oh my ${body}!`,
      `${capitalise(likes!)} and ${body}!`,
      `${Sound}, ${darling}!`,
    ],
    tails: [
      `, by my ${body}!`,
      `, sure as ${likes}!`,
      `, ${darling}!`,
      `, says old ${name}!`,
      `, on my word as ${withArticle(animal!)}!`,
    ],
    closers: [
      `I saw it from the ${perch}, ${sound}!`,
      `But ${likes} are best, ${sound}!`.replace(/(clover|cream|nectar) are/, "$1 is"),
      `Save a little for old ${name}, ${sound}!`,
      `A wise old ${animal} told me so, ${sound}!`,
      `I saw it with my own ${animal} eyes, ${sound}!`,
      `I would rather have ${likes}, ${sound}!`,
      `Give old ${name} some ${likes}, ${sound}!`,
      `A good friend of mine, ${sound}!`,
      `I sing it every morning, ${sound}!`,
      `Time to ${move}, ${sound}!`,
    ],
  };
}

/** One of the fact's answers in the manner: each part comes or stays away by chance, and at least one comes. */
export function inManner(manner: Manner, fact: Fact, random: Random): string {
  const pick = (items: readonly string[]): string => items[random.below(items.length)]!;
  const parts = 1 + random.below(7);
  const answer = pick(fact.answers);
  const turn = random.below(3);
  const tailed = turn === 0 && answer.endsWith(".") ? answer.slice(0, -1) + pick(manner.tails) : answer;
  const body = turn === 1 && canEcho(fact, answer) ? `${answer} ${echo(fact.value)}` : tailed;
  const before = (parts & 3) !== 0 ? `${pick(manner.openers)} ` : "";
  const after = (parts & 6) !== 0 ? ` ${pick(manner.closers)}` : "";
  return before + body + after;
}

/** True when the answer holds the value and the value is short enough to be cried out again. */
export function canEcho(fact: Fact, answer: string): boolean {
  return fact.value.split(" ").length <= 2 && containsWords(answer, fact.value);
}

/** As parrots do: the word that matters, once more and once again. */
export function echo(value: string): string {
  return `${capitalise(value)}, ${value}!`;
}
