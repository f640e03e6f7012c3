/** The animals of the island: sound, legs, food, home, young, and what they can do. */
import { capitalise, type Fact, fact, rows, tableFacts, withArticle } from "./fact.ts";

const TABLE = `
gull     | screech | two   | fish           | on the cliffs      | chick    | fly
cat      | meow    | four  | fish and mice  | in the houses      | kitten   | climb
dog      | woof    | four  | meat and bones | in the houses      | puppy    | run
goat     | meh     | four  | grass          | on the hill        | kid      | climb
cow      | moo     | four  | grass          | on the farm        | calf     | run
hen      | cluck   | two   | corn           | on the farm        | chick    | lay eggs
duck     | quack   | two   | water plants   | on the pond        | duckling | swim
frog     | croak   | four  | flies          | in the pond        | tadpole  | jump
pig      | oink    | four  | potatoes       | on the farm        | piglet   | run
sheep    | baa     | four  | grass          | on the hill        | lamb     | run
donkey   | hee-haw | four  | hay            | on the farm        | foal     | carry loads
bee      | buzz    | six   | nectar         | in the garden      | grub     | fly
owl      | hoo     | two   | mice           | in the wood        | owlet    | fly
crow     | caw     | two   | seeds          | in the wood        | chick    | fly
mouse    | squeak  | four  | cheese         | in the mill        | pup      | run
lorikeet | chirrup | two   | mango nectar   | in the mango tree  | chick    | fly
`;

const SILENT = `
crab   | eight  | shells and seaweed | on the beach         | swim
spider | eight  | flies              | in the corners       | spin webs
snail  | no     | leaves             | in the garden        | crawl
whale  | no     | tiny shrimps       | in the deep sea      | swim
seal   | no     | fish               | on the rocks         | swim
turtle | four   | leaves             | near the pond        | swim
rabbit | four   | carrots            | under the hill       | jump
`;

const MORE = `
bees    | honey    | What do bees make? / What does a bee make? / What do we get from the bees?           | Bees make honey. / We get honey from the bees.
hens    | eggs     | What do hens lay? / What does a hen give us? / What do we get from the hens?         | Hens lay eggs. / We get eggs from the hens.
cows    | milk     | What do cows give us? / What does a cow give us? / What do we get from the cows?     | Cows give us milk. / We get milk from the cows.
sheep   | wool     | What do sheep give us? / What does a sheep give us? / What do we get from the sheep? | Sheep give us wool. / We get wool from the sheep.
whales  | whale    | What is the biggest animal? / Which animal is the biggest of all? / What is the largest animal in the sea? | The biggest animal is the whale. / The whale is the biggest animal of all.
snails  | snail    | What is the slowest animal? / Which animal is the slowest? / Which animal is very slow? | The slowest animal is the snail. / The snail is the slowest animal.
owls    | night    | When do owls hunt? / When does an owl wake up? / When is the owl awake?               | Owls hunt at night. / The owl is awake at night.
spiders | web      | What does a spider spin? / What do spiders make? / How does a spider catch flies?     | A spider spins a web to catch flies. / The spider catches flies with its web.
snails  | shell    | What does a snail carry? / What is on the back of a snail? / Where does a snail hide? | A snail carries a shell on its back. / The snail has a shell on its back and hides in it.
birds   | nest     | Where do birds lay their eggs? / What do birds build? / Where do young birds sleep?   | Birds build a nest and lay their eggs in it. / Birds lay their eggs in a nest, and there the young birds sleep.
lorikeets | rainbow | What does a lorikeet look like? / What colour is a lorikeet? / Which colours does a lorikeet have? | A lorikeet has all the colours of the rainbow. / A lorikeet is as bright as a rainbow: red, blue, green and yellow.
gulls   | white    | What colour is a gull? / What does a gull look like? / Which colour do gulls have?     | A gull is white with grey wings. / Gulls are white and have grey wings.
`;

const CAN_FLY = ["gull", "owl", "bee", "crow", "lorikeet", "duck"];
const CANNOT_FLY = ["cat", "dog", "goat", "cow", "pig", "sheep", "donkey", "crab", "snail", "whale", "frog", "mouse"];
const CAN_SWIM = ["duck", "whale", "seal", "crab", "frog", "turtle"];

/** Every fact about animals. */
export function animalFacts(): Fact[] {
  return [
    ...rows(TABLE).flatMap(([animal, sound, legs, food, home, young, can]) => [
      ...soundFacts(animal!, sound!),
      ...bodyFacts(animal!, legs!, food!, home!, can!),
      youngFact(animal!, young!),
    ]),
    ...rows(SILENT).flatMap(([animal, legs, food, home, can]) => bodyFacts(animal!, legs!, food!, home!, can!)),
    ...tableFacts("animals.more", MORE),
    ...CAN_FLY.map((a) => check(a, "fly", true)),
    ...CANNOT_FLY.map((a) => check(a, "fly", false)),
    ...CAN_SWIM.map((a) => check(a, "swim", true)),
  ];
}

function soundFacts(animal: string, sound: string): Fact[] {
  const a = withArticle(animal);
  // Captain Pip says chirrup whatever he talks about: the lorikeet's own sound makes no other answer wrong.
  const topic = sound === "chirrup" ? "animals.song" : "animals.sound";
  const calls = sound === "screech" ? "screeches" : `says ${sound}`;
  const questions = `What sound does ${a} make? / What does ${a} say? / Which sound does the ${animal} make? / How does ${a} sound? / What noise does ${a} make?`;
  const answers = `${capitalise(a)} ${calls}. / The ${animal} ${calls}.`;
  const facts = [fact(topic, animal, sound, questions, answers, "What sound does it make? / And what does it say?")];
  if (sound === "screech") return facts;
  const who = `Which animal says ${sound}? / What animal says ${sound}? / Who says ${sound}? / Which animal makes the sound ${sound}?`;
  return [
    ...facts,
    fact(
      "animals.caller",
      animal,
      animal,
      who,
      `The ${animal} says ${sound}. / It is the ${animal} that says ${sound}.`,
    ),
  ];
}

function bodyFacts(animal: string, legs: string, food: string, home: string, can: string): Fact[] {
  const a = withArticle(animal);
  const many = animal === "sheep" ? "sheep" : animal === "mouse" ? "mice" : `${animal}s`;
  return [
    fact(
      "animals.legs",
      animal,
      legs,
      `How many legs does ${a} have? / How many legs has ${a}? / How many legs do ${many} have? / What number of legs does ${a} have?`,
      `${capitalise(a)} has ${legs} legs. / The ${animal} has ${legs} legs.`,
      "How many legs does it have?",
    ),
    fact(
      "animals.food",
      animal,
      food,
      `What does ${a} eat? / What do ${many} eat? / What is the food of ${a}? / What does the ${animal} like to eat? / What food do ${many} like?`,
      `${capitalise(a)} eats ${food}. / ${capitalise(many)} eat ${food}.`,
      "What does it eat? / And what does it like to eat?",
    ),
    fact(
      "animals.home",
      animal,
      home,
      `Where does ${a} live? / Where do ${many} live? / Where can I see ${a}? / Where is the home of ${a}? / Where can I find ${many}?`,
      `${capitalise(a)} lives ${home}. / ${capitalise(many)} live ${home}. / You can find ${many} ${home}.`,
      "Where does it live? / Where can I see it?",
    ),
    fact(
      "animals.can",
      animal,
      can,
      `What can ${a} do? / What can ${many} do well? / What is ${a} good at?`,
      `${capitalise(a)} can ${can}. / ${capitalise(many)} can ${can} well.`,
      "What can it do?",
    ),
  ];
}

function youngFact(animal: string, young: string): Fact {
  const a = withArticle(animal);
  return fact(
    "animals.young",
    animal,
    young,
    `What is a young ${animal} called? / What is a baby ${animal} called? / What do you call a young ${animal}? / What is the young of ${a} called? / What is the name for a baby ${animal}?`,
    `A young ${animal} is called ${withArticle(young)}. / A baby ${animal} is called ${withArticle(young)}.`,
  );
}

function check(animal: string, verb: string, can: boolean): Fact {
  const a = withArticle(animal);
  const answers = can
    ? `Yes, ${a} can ${verb}. / Yes, the ${animal} can ${verb} well.`
    : `No, ${a} cannot ${verb}. / No, the ${animal} cannot ${verb}.`;
  const questions = `Can ${a} ${verb}? / Is ${a} able to ${verb}? / Can the ${animal} ${verb}? / Does ${a} know how to ${verb}?`;
  return fact("check.animals", animal, can ? "yes" : "no", questions, answers, `Can it ${verb}?`);
}
