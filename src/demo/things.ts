/** Foods, tools and colours: what they are made of, how they taste, what they are for. */
import { capitalise, type Fact, fact, rows, tableFacts, withArticle } from "./fact.ts";

const FOODS = `
bread      | flour, water and salt       | good    | at the bakery
cake       | flour, eggs and butter      | sweet   | at the bakery
fish soup  | fish, onions and water      | salty   | at the inn
cheese     | milk                        | salty   | at the market
butter     | milk                        | mild    | at the farm
jam        | fruit and sugar             | sweet   | at the market
porridge   | oats and milk               | mild    | at the inn
pancakes   | flour, eggs and milk        | sweet   | at the inn
apple pie  | apples and flour            | sweet   | at the bakery
lemonade   | lemons, water and sugar     | sour    | at the market
toast      | bread                       | crisp   | at the inn
flour      | wheat                       | dry     | at the mill
`;

const FRUIT = `
lemon      | lemons       | yellow | sour
apple      | apples       | red    | sweet
plum       | plums        | purple | sweet
carrot     | carrots      | orange | sweet
pear       | pears        | green  | sweet
onion      | onions       | brown  | sharp
mango      | mangoes      | golden | very sweet
strawberry | strawberries | red    | sweet
`;

const COLOURS = `
the sky     | blue
the sea     | blue
grass       | green
snow        | white
coal        | black
the sun     | yellow
milk        | white
the night   | black
a rose      | red
a leaf      | green
sand        | yellow
smoke       | grey
a cloud     | white
the ferry   | silver
the lighthouse | red and white
a tomato    | red
`;

const TOOLS = `
net       | catching fish
hammer    | hitting nails
rope      | tying boats
anchor    | holding a boat
lamp      | giving light
oven      | baking bread
needle    | sewing clothes
broom     | sweeping the floor
spoon     | eating soup
key       | opening doors
bucket    | carrying water
saw       | cutting wood
oar       | rowing a boat
sail      | catching the wind
clock     | telling the time
map       | finding the way
umbrella  | keeping off the rain
bed       | sleeping
pencil    | writing
ladder    | climbing up
basket    | carrying apples
brush     | painting
`;

const MADE = `
a net       | rope     | What is a net made of? / From what is a net made? / What do you need to make a net?       | A net is made of rope.
a boat      | wood     | What is a boat made of? / From what is a boat made? / What do you need to build a boat?   | A boat is made of wood.
a nail      | iron     | What is a nail made of? / From what is a nail made? / What do you need to make a nail?    | A nail is made of iron.
a sail      | cloth    | What is a sail made of? / From what is a sail made? / What do you need to make a sail?    | A sail is made of cloth.
a blanket   | wool     | What is a blanket made of? / From what is a blanket made? / What do you need for a blanket? | A blanket is made of wool.
a window    | glass    | What is a window made of? / From what is a window made? / What do you need to make a window? | A window is made of glass.
a book      | paper    | What is a book made of? / From what is a book made? / What do you need to make a book?    | A book is made of paper.
a candle    | wax      | What is a candle made of? / From what is a candle made? / What do you need to make a candle? | A candle is made of wax.
a wall      | stone    | What is a wall made of? / From what is a wall made? / What do you need to build a wall?    | A wall is made of stone.
`;

/** Every fact about foods, fruit, colours and tools. */
export function thingFacts(): Fact[] {
  return [
    ...rows(FOODS).flatMap(([food, made, taste, where]) => foodFacts(food!, made!, taste!, where!)),
    ...rows(FRUIT).flatMap(([fruit, many, colour, taste]) => fruitFacts(fruit!, many!, colour!, taste!)),
    ...rows(COLOURS).map(([thing, colour]) => colourFact(thing!, colour!)),
    ...rows(TOOLS).flatMap(([tool, use]) => toolFacts(tool!, use!)),
    ...tableFacts("things.made", MADE),
  ];
}

function foodFacts(food: string, made: string, taste: string, where: string): Fact[] {
  const is = food === "pancakes" ? "are" : "is";
  const does = food === "pancakes" ? "do" : "does";
  const tastes = food === "pancakes" ? "taste" : "tastes";
  const Food = capitalise(food);
  return [
    fact(
      "foods.made",
      food,
      made,
      `What ${is} ${food} made of? / What do I need to make ${food}? / What is in ${food}? / From what ${is} ${food} made? / What do you need for ${food}?`,
      `${Food} ${is} made of ${made}. / To make ${food} you need ${made}.`,
    ),
    fact(
      "foods.taste",
      food,
      taste,
      `How ${does} ${food} taste? / What ${does} ${food} taste like? / What is the taste of ${food}?`,
      `${Food} ${tastes} ${taste}.`,
    ),
    fact(
      "foods.where",
      food,
      where,
      `Where can I buy ${food}? / Where can I get ${food}? / Where do people buy ${food}? / Who sells ${food}? / I would like some ${food}. Where do I get it?`,
      `You can buy ${food} ${where}. / You can get ${food} ${where}.`,
    ),
  ];
}

function fruitFacts(fruit: string, many: string, colour: string, taste: string): Fact[] {
  const a = withArticle(fruit);
  return [
    fact(
      "things.colour",
      fruit,
      colour,
      `What colour is ${a}? / What colour are ${many}? / Which colour does ${a} have?`,
      `${capitalise(a)} is ${colour}. / ${capitalise(many)} are ${colour}.`,
    ),
    fact(
      "foods.taste",
      fruit,
      taste,
      `How does ${a} taste? / What do ${many} taste like? / What is the taste of ${a}? / How do ${many} taste?`,
      `${capitalise(a)} tastes ${taste}. / ${capitalise(many)} taste ${taste}.`,
    ),
  ];
}

function colourFact(thing: string, colour: string): Fact {
  return fact(
    "things.colour",
    thing,
    colour,
    `What colour is ${thing}? / Which colour does ${thing} have? / What is the colour of ${thing}? / Tell me the colour of ${thing}.`,
    `${capitalise(thing)} is ${colour}. / The colour of ${thing} is ${colour}.`,
  );
}

function toolFacts(tool: string, use: string): Fact[] {
  const a = withArticle(tool);
  return [
    fact(
      "things.use",
      tool,
      use,
      `What is ${a} for? / What is ${a} good for? / What do people use ${a} for? / Why do I need ${a}? / What do you do with ${a}? / What can I do with ${a}?`,
      `${capitalise(a)} is for ${use}. / People use ${a} for ${use}.`,
      "What is it for?",
    ),
    fact(
      "things.tool",
      tool,
      tool,
      `What do I need for ${use}? / Which thing is for ${use}? / What is good for ${use}?`,
      `For ${use} you need ${a}. / You need ${a} for ${use}.`,
    ),
  ];
}
