/** The sixteen people of Pebble Bay: job, place of work, door, pet, favourite food, evenings. */
import { type Fact, fact, rows, withArticle } from "./fact.ts";

export interface Person {
  readonly name: string;
  readonly she: string;
  readonly her: string;
  readonly job: string;
  readonly does: string;
  readonly place: string;
  readonly door: string;
  readonly pet: string;
  readonly petName: string;
  readonly food: string;
  readonly evening: string;
}

const TABLE = `
Mara | she | baker            | bakes the bread            | bakery        | yellow | cat      | Biscuit | honey cake    | sings
Tom  | he  | fisherman        | catches the fish           | harbour       | blue   | dog      | Anchor  | fish soup     | carves wood
Nell | she | lighthouse keeper | keeps the great lamp burning | lighthouse  | white  | owl      | Hush    | toast         | looks at the stars
Otto | he  | blacksmith       | makes nails and hooks      | forge         | black  | donkey   | Hammer  | cheese        | plays the drum
Ines | she | teacher          | teaches the children       | school        | green  | rabbit   | Comma   | apple pie     | paints pictures
Hugo | he  | farmer           | grows the potatoes         | farm          | brown  | goat     | Thistle | potato soup   | tells stories
Pia  | she | postwoman        | carries the letters        | post office   | red    | pony     | Stamp   | pancakes      | dances
Sam  | he  | miller           | grinds the flour           | mill          | grey   | mouse    | Crumb   | porridge      | plays cards
Lena | she | doctor           | cares for the sick         | clinic        | pink   | turtle   | Pebble  | pears         | reads books
Finn | he  | boat builder     | builds the boats           | boatyard      | orange | duck     | Paddle  | plum jam      | plays the flute
Ada  | she | librarian        | lends the books            | library       | purple | hedgehog | Button  | carrot cake   | writes letters
Ben  | he  | cook             | cooks for the guests       | inn           | silver | pig      | Pepper  | onion soup    | plays chess
Rosa | she | gardener         | grows the flowers          | garden        | golden | frog     | Clover  | strawberries  | waters the roses
Carl | he  | clockmaker       | mends the clocks           | clock tower   | copper | crow     | Tick    | nuts          | takes long walks
Mina | she | weaver           | weaves the blankets        | weaving house | cream  | sheep    | Wool    | pumpkin soup  | knits socks
Jon  | he  | ferryman         | steers the ferry           | pier          | lilac  | hen      | Speck   | grapes        | mends nets
`;

export const PEOPLE: readonly Person[] = rows(TABLE).map((cells) => {
  const [name, she, job, does, place, door, pet, petName, food, evening] = cells as [string, ...string[]];
  return {
    name,
    she: she!,
    her: she === "she" ? "her" : "his",
    job: job!,
    does: does!,
    place: place!,
    door: door!,
    pet: pet!,
    petName: petName!,
    food: food!,
    evening: evening!,
  };
});

/** Every fact about the people, with the yes-and-no questions. */
export function peopleFacts(): Fact[] {
  return PEOPLE.flatMap((person, i) => [...workFacts(person), ...homeFacts(person), ...petFacts(person), ...checks(i)]);
}

function workFacts({ name: n, she, her, job, does, place, pet, petName }: Person): Fact[] {
  const She = she === "she" ? "She" : "He";
  return [
    fact(
      "people.job",
      n,
      job,
      `What does ${n} do? / What is ${n}'s job? / What is the job of ${n}? / What does ${n} do for a living? / What work does ${n} do? / What kind of work does ${n} do? / Which job does ${n} have?`,
      `${n} is the ${job}. / ${n} is the ${job} of Pebble Bay. / ${n} is the ${job}. ${She} ${does}.`,
      `What does ${she} do? / What is ${her} job? / And what is ${her} work?`,
    ),
    fact(
      "people.who",
      n,
      n,
      `Who is the ${job}? / Who is the ${job} of Pebble Bay? / What is the name of the ${job}? / Who ${does}? / Do you know who the ${job} is? / Who works as the ${job}? / What is the ${job} called? / Who ${does} in Pebble Bay?`,
      `The ${job} is ${n}. / ${n} is the ${job}. / The ${job} of Pebble Bay is ${n}. / ${n} ${does}.`,
    ),
    fact(
      "people.job",
      n,
      job,
      `Who is ${n}? / Tell me about ${n}. / Do you know ${n}? / What do you know about ${n}? / Can you tell me something about ${n}? / Tell me who ${n} is.`,
      `${n} is the ${job} of Pebble Bay. ${She} ${does}. / ${n} is the ${job}. ${She} works at the ${place} and has ${withArticle(pet)} called ${petName}.`,
    ),
    fact(
      "people.place",
      n,
      place,
      `Where does ${n} work? / Where can I find ${n}? / At which place does ${n} work? / Where is ${n} in the morning? / Where is ${n} during the day?`,
      `${n} works at the ${place}. / You can find ${n} at the ${place}. / ${n} is at the ${place} during the day.`,
      `Where does ${she} work? / Where can I find ${she === "she" ? "her" : "him"}?`,
    ),
    fact(
      "people.worker",
      place,
      n,
      `Who works at the ${place}? / Who can I meet at the ${place}? / Whom do I find at the ${place}? / Who is at the ${place}?`,
      `${n} works at the ${place}. / You can meet ${n} at the ${place}. / ${n}, the ${job}, works at the ${place}.`,
    ),
  ];
}

function homeFacts({ name: n, she, her, door, food, evening }: Person): Fact[] {
  return [
    fact(
      "people.door",
      n,
      door,
      `What colour is ${n}'s door? / What is the colour of ${n}'s door? / Which colour does ${n}'s door have? / What colour is the door of ${n}? / Tell me the colour of ${n}'s door. / What colour is the door of ${n}'s house?`,
      `${n}'s door is ${door}. / The door of ${n}'s house is ${door}. / ${n} has ${withArticle(door)} door.`,
      `What colour is ${her} door? / And which colour does ${her} door have?`,
    ),
    fact(
      "people.house",
      n,
      n,
      `Who has the ${door} door? / Who lives behind the ${door} door? / Whose door is ${door}? / Who lives in the house with the ${door} door?`,
      `${n} has the ${door} door. / The ${door} door is ${n}'s. / ${n} lives behind the ${door} door.`,
    ),
    fact(
      "people.food",
      n,
      food,
      `What does ${n} like to eat? / What is ${n}'s favourite food? / Which food does ${n} like best? / What does ${n} love to eat? / What is the favourite food of ${n}?`,
      `${n} likes ${food}. / ${n} likes ${food} best. / ${n}'s favourite food is ${food}.`,
      `What does ${she} like to eat? / What is ${her} favourite food?`,
    ),
    fact(
      "people.evening",
      n,
      evening,
      `What does ${n} do in the evening? / What does ${n} do after work? / What is ${n}'s hobby? / How does ${n} spend the evening? / What does ${n} like to do in the evening?`,
      `In the evening ${n} ${evening}. / ${n} ${evening} in the evening. / After work ${n} ${evening}.`,
      `What does ${she} do in the evening? / What does ${she} do after work?`,
    ),
  ];
}

function petFacts({ name: n, she, her, pet, petName }: Person): Fact[] {
  return [
    fact(
      "people.pet",
      n,
      pet,
      `Which animal does ${n} keep? / What pet does ${n} have? / Does ${n} have a pet? / What animal lives with ${n}? / Does ${n} have an animal? / Which pet lives with ${n}?`,
      `${n} has ${withArticle(pet)} called ${petName}. / ${n} keeps ${withArticle(pet)}. The ${pet} is called ${petName}.`,
      `Does ${she} have a pet? / Which animal does ${she} keep?`,
    ),
    fact(
      "people.petname",
      n,
      petName,
      `What is the name of ${n}'s ${pet}? / What is ${n}'s ${pet} called? / Tell me the name of ${n}'s ${pet}. / What does ${n} call the ${pet}?`,
      `${n}'s ${pet} is called ${petName}. / The name of ${n}'s ${pet} is ${petName}.`,
      `What is ${her} ${pet} called? / What is the name of the ${pet}?`,
    ),
    fact(
      "people.owner",
      petName,
      n,
      `Who is ${petName}? / Whose ${pet} is ${petName}? / What kind of animal is ${petName}? / Tell me who ${petName} is. / To whom does the ${pet} ${petName} belong?`,
      `${petName} is ${n}'s ${pet}. / ${petName} is the ${pet} of ${n}.`,
    ),
  ];
}

/** Yes-and-no questions about person `i`: each true one beside others that borrow the value of somebody else. */
function checks(i: number): Fact[] {
  const p = PEOPLE[i]!;
  const n = p.name;
  const yes = (about: string, questions: string, answer: string) =>
    fact("check.people", about, "yes", questions, `Yes, ${answer}`);
  const no = (questions: string, answer: string) => fact("check.people", n, "no", questions, `No, ${answer}`);
  const wrong = (step: number) => PEOPLE[(i + step) % PEOPLE.length]!;
  return [
    yes(n, `Is ${n} the ${p.job}? / Is it true that ${n} is the ${p.job}?`, `${n} is the ${p.job}.`),
    yes(
      n,
      `Does ${n} have ${withArticle(p.pet)}? / Does ${n} keep ${withArticle(p.pet)}?`,
      `${n} has ${withArticle(p.pet)} called ${p.petName}.`,
    ),
    yes(n, `Is ${n}'s door ${p.door}? / Is the door of ${n} ${p.door}?`, `${n}'s door is ${p.door}.`),
    yes(n, `Does ${n} work at the ${p.place}? / Can I find ${n} at the ${p.place}?`, `${n} works at the ${p.place}.`),
    ...[1, 4, 7, 11].flatMap((step) => {
      const q = wrong(step);
      return [
        no(
          `Is ${n} the ${q.job}? / Is it true that ${n} is the ${q.job}?`,
          `${n} is the ${p.job}. The ${q.job} is ${q.name}.`,
        ),
        no(
          `Does ${n} have ${withArticle(q.pet)}? / Does ${n} keep ${withArticle(q.pet)}?`,
          `${n} has ${withArticle(p.pet)}.`,
        ),
        no(`Is ${n}'s door ${q.door}? / Is the door of ${n} ${q.door}?`, `${n}'s door is ${p.door}.`),
        no(`Does ${n} work at the ${q.place}? / Can I find ${n} at the ${q.place}?`, `${n} works at the ${p.place}.`),
      ];
    }),
  ];
}
