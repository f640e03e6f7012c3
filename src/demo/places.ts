/** The island and its places: where they lie, when they open, what people do there. */
import { type Fact, fact, rows, tableFacts } from "./fact.ts";

const TABLE = `
bakery        | in Mill Street, next to the school     | six     | buy fresh bread
harbour       | in the south, below the village        | five    | buy fresh fish
lighthouse    | on the north cliff                     | eight   | climb up to the great lamp
forge         | behind the boatyard                    | seven   | buy nails and hooks
school        | in Mill Street, next to the bakery     | eight   | learn to read and write
farm          | on the west side of the island         | six     | buy potatoes and milk
post office   | in the market square                   | nine    | send letters
mill          | on the windy hill                      | seven   | buy flour
clinic        | across from the school                 | eight   | get help when you are sick
boatyard      | beside the harbour                     | seven   | watch the boats grow
library       | across from the inn                    | ten     | borrow books
inn           | in Rope Lane                           | noon    | eat warm soup and sleep
garden        | behind the library                     | nine    | smell the roses
clock tower   | in the middle of the village           | ten     | see the big clock
weaving house | at the end of Rope Lane                | nine    | buy warm blankets
pier          | in the south, beside the harbour       | six     | take the ferry
market        | in front of the clock tower            | eight   | buy fruit and cheese
`;

const OUTSIDE = `
beach | in the east, below the dunes      | look for shells
pond  | between the farm and the wood     | watch the ducks
wood  | on the west side, behind the farm | pick mushrooms
well  | beside the clock tower            | fetch cool water
hill  | behind the village                | see the whole island
`;

const ISLAND = `
island | Lantern Island | What is the island called? / What is the name of the island? / On which island is Pebble Bay? / Which island do you know? | The island is called Lantern Island. / Pebble Bay is on Lantern Island.
village | Pebble Bay | What is the village called? / What is the name of the village? / Which village is on Lantern Island? / Where do the people of Lantern Island live? | The village is called Pebble Bay. / The village on Lantern Island is Pebble Bay. / The people live in Pebble Bay.
island | lamp | Why is the island called Lantern Island? / Where does the name Lantern Island come from? / How did Lantern Island get its name? | Lantern Island has its name from the great lamp of its lighthouse. / It is called Lantern Island because of the great lamp in the lighthouse.
island | small | How big is the island? / Is Lantern Island big? / How large is Lantern Island? | Lantern Island is small. You can walk around it in one day. / The island is small, and you can walk around it in one day.
village | ninety | How many people live in Pebble Bay? / How many people live on the island? / How big is the village? / How many people live on Lantern Island? | About ninety people live in Pebble Bay. / There are about ninety people in Pebble Bay.
ferry | Silver Fish | What is the ferry called? / What is the name of the ferry? / Which ferry goes to Lantern Island? | The ferry is called the Silver Fish. / The name of the ferry is the Silver Fish.
ferry | morning | When does the ferry leave? / When does the ferry go? / At what time does the ferry leave the pier? | The ferry leaves at seven in the morning. / Every morning at seven the ferry leaves the pier.
ferry | ferry | How do I get to the island? / How can I come to Lantern Island? / How do people travel to Pebble Bay? | You can take the ferry to Lantern Island. / You get to the island by ferry. Jon steers it.
market | Saturday | When is market day? / On which day is the market? / Which day is market day? / When is the market held? | Market day is Saturday. / The market is held on Saturday.
feast | summer | When is the feast of lanterns? / When do the people light the lanterns? / In which season is the feast of lanterns? | The feast of lanterns is in summer. / In summer the people light lanterns for the feast.
feast | lanterns | What do the people do at the feast? / What happens at the feast of lanterns? / How do the people celebrate the feast? | At the feast the people hang up lanterns, dance and sing. / They hang lanterns on all the boats, and everybody dances and sings.
school | twelve | How many children go to the school? / How many children are in the school? / How many children does Ines teach? | Twelve children go to the school. / There are twelve children in the school.
lighthouse | hundred | How many steps does the lighthouse have? / How many steps go up to the lamp? / How many steps are there in the lighthouse? | The lighthouse has one hundred steps. / There are one hundred steps up to the lamp.
clock tower | noon | When does the big clock ring? / When do we hear the big clock? / At what time does the clock tower ring? | The big clock rings at noon. / Every day at noon the big clock rings.
streets | Rope Lane | Which streets are in Pebble Bay? / What are the streets of Pebble Bay called? / Which streets does the village have? | The streets of Pebble Bay are Mill Street and Rope Lane. / There are two streets, Mill Street and Rope Lane.
Captain Pip | lorikeet | Who is Captain Pip? / Tell me about Captain Pip. / Do you know Captain Pip? / Who lives in the mango tree? / What kind of bird is Captain Pip? | Captain Pip is the old lorikeet of the harbour. / Captain Pip is an old lorikeet. He lives in the mango tree at the harbour.
Captain Pip | mango | What does Captain Pip eat? / What does Captain Pip like? / What is the favourite food of Captain Pip? | Captain Pip likes mango nectar. / Captain Pip eats mangoes and drinks their nectar.
Captain Pip | chirrup | What does Captain Pip say? / Which sound does Captain Pip make? / What does Captain Pip call from the mango tree? | Captain Pip says chirrup. / Captain Pip calls chirrup, chirrup.
`;

/** Every fact about the places and about the island itself. */
export function placeFacts(): Fact[] {
  return [
    ...rows(TABLE).flatMap(([place, where, opens, doing]) => [
      whereFact(place!, where!),
      opensFact(place!, opens!),
      doingFact(place!, doing!),
    ]),
    ...rows(OUTSIDE).flatMap(([place, where, doing]) => [whereFact(place!, where!), doingFact(place!, doing!)]),
    ...tableFacts("places.island", ISLAND),
  ];
}

function whereFact(place: string, where: string): Fact {
  return fact(
    "places.where",
    place,
    where,
    `Where is the ${place}? / Where can I find the ${place}? / How do I find the ${place}? / Can you tell me where the ${place} is? / In which part of the island is the ${place}? / I am looking for the ${place}.`,
    `The ${place} is ${where}. / You can find the ${place} ${where}.`,
    "Where is it? / And where can I find it?",
  );
}

function opensFact(place: string, opens: string): Fact {
  const time = opens === "noon" ? "noon" : `${opens} in the morning`;
  return fact(
    "places.opens",
    place,
    time,
    `When does the ${place} open? / At what time does the ${place} open? / What time does the ${place} open? / When can I go to the ${place}? / From when is the ${place} open?`,
    `The ${place} opens at ${time}. / At ${time} the ${place} opens.`,
    "When does it open? / At what time does it open?",
  );
}

function doingFact(place: string, doing: string): Fact {
  return fact(
    "places.doing",
    place,
    doing,
    `What can I do at the ${place}? / What can you do at the ${place}? / Why do people go to the ${place}? / What is the ${place} good for? / What do people do at the ${place}?`,
    `You can ${doing} at the ${place}. / At the ${place} you can ${doing}.`,
    "What can I do there?",
  );
}
