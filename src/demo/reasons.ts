/** Weather and seasons, simple reasons and simple instructions. */
import { type Fact, fact, rows, tableFacts } from "./fact.ts";

const SEASONS = `
spring | mild and fresh   | plant potatoes   | March
summer | warm and sunny   | swim in the sea  | June
autumn | windy and wet    | pick apples      | September
winter | cold and snowy   | sit by the fire  | December
`;

const WEATHER = `
rain | coat | What should I wear in the rain? / What do I need when it rains? / What do people wear when it rains? / It is raining. What should I wear? | In the rain you should wear a coat. / When it rains, people wear a coat.
sun | hat | What should I wear in the sun? / What do I need when the sun is hot? / What do people wear in the sun? / It is very sunny. What should I wear? | In the sun you should wear a hat. / When the sun is hot, people wear a hat.
snow | boots | What should I wear in the snow? / What do I need when it snows? / What do people wear in the snow? / It is snowing. What should I wear? | In the snow you should wear warm boots. / When it snows, people wear warm boots.
wind | kites | What do the children do in the wind? / What can I do when it is windy? / What do children do on a windy day? | In the wind the children fly kites. / On a windy day the children fly kites.
fog | bell | What happens in the fog? / What do people do in the fog? / How do boats find the harbour in the fog? | In the fog Nell rings the bell for the boats. / When there is fog, Nell rings the bell, and the boats find the harbour.
storm | harbour | Where do the boats go in a storm? / What do the boats do in a storm? / What happens to the boats when a storm comes? | In a storm the boats stay in the harbour. / When a storm comes, the boats stay in the harbour.
rainbow | rain | When can I see a rainbow? / When does a rainbow come? / What makes a rainbow? | You can see a rainbow when the sun shines after the rain. / A rainbow comes when the sun shines through the rain.
night | stars | What can I see at night? / What shines at night? / What is in the sky at night? | At night you can see the moon and the stars. / The moon and the stars shine at night.
morning | east | Where does the sun rise? / Where does the sun come up? / On which side does the sun rise? | The sun rises in the east.
evening | west | Where does the sun set? / Where does the sun go down? / On which side does the sun set? | The sun sets in the west.
`;

const WHY = `
anchors | drift | Why do boats have anchors? / Why does a boat need an anchor? / Why do sailors drop the anchor? | A boat has an anchor so that it does not drift away. / Without an anchor a boat would drift away.
lighthouse | rocks | Why does the lighthouse shine at night? / Why do we need a lighthouse? / Why is there a lighthouse on the cliff? | The lighthouse shines so that the boats do not hit the rocks. / The light shows the boats where the rocks are.
sleep | tired | Why do people sleep? / Why do we sleep at night? / Why must I sleep? | People sleep because they are tired. / We sleep at night because we are tired after the day.
eating | hungry | Why do people eat? / Why do we eat? / Why must I eat? | People eat because they are hungry. / We eat because we are hungry and need strength.
coats | warm | Why do people wear coats in winter? / Why do we wear coats in winter? / Why do I need a coat in winter? | People wear coats in winter to keep warm. / A coat keeps you warm in winter.
wool | soft | Why do people like wool? / Why is wool good for blankets? / Why do we make blankets from wool? | People like wool because it is soft and warm. / Wool is good because it is soft and warm.
mill | wind | Why is the mill on the hill? / Why does the mill stand on the hill? / Why did they build the mill on the hill? | The mill is on the hill because there the wind is strong. / It stands on the hill because the wind turns its wings.
fire | wood | Why does Otto need wood? / Why does the blacksmith need wood? / Why is there wood at the forge? | Otto needs wood for the fire of the forge. / The blacksmith burns the wood to make the iron hot.
books | learn | Why do children read books? / Why should I read books? / Why do we read books? | Children read books to learn new things. / We read books because we can learn new things from them.
flowers | bees | Why do flowers smell sweet? / Why do flowers have a sweet smell? / Why do the roses smell so sweet? | Flowers smell sweet to call the bees. / The sweet smell calls the bees to the flowers.
birds | wings | Why can birds fly? / Why can a bird fly? / How can it be that birds fly? | Birds can fly because they have wings. / A bird can fly because it has light bones and wings.
ice | cold | Why does the pond freeze? / Why is there ice on the pond in winter? / Why does water turn to ice? | The pond freezes because it is very cold in winter. / Water turns to ice when it is very cold.
sea | salt | Why can we not drink the sea? / Why should I not drink sea water? / Why is sea water bad to drink? | We cannot drink sea water because it is full of salt. / Sea water has too much salt to drink.
friends | alone | Why do people have friends? / Why do we need friends? / Why is it good to have friends? | People have friends so that they are not alone. / With friends you are not alone, and work is light.
clock | time | Why do people look at the clock? / Why is there a big clock in the village? / Why do we need a clock? | People look at the clock to know the time. / The clock tells everybody the time.
nets | holes | Why does Jon mend nets? / Why must nets be mended? / Why do people mend nets? | Nets must be mended because they have holes. / The fish swim out when the nets have holes.
hands | clean | Why should I wash my hands? / Why do we wash our hands? / Why do people wash their hands? | You should wash your hands to keep them clean. / We wash our hands so that they are clean before we eat.
letters | far | Why do people write letters? / Why do we write letters? / Why should I write a letter? | People write letters to friends who are far away. / A letter can tell your news to somebody far away.
rain | plants | Why is rain good? / Why does the farmer like rain? / Why do we need rain? | Rain is good because the plants need water. / Without rain the plants would die.
bell | boats | Why does Nell ring the bell? / Why is there a bell at the lighthouse? / Why do we hear a bell in the fog? | Nell rings the bell to guide the boats in the fog. / The bell guides the boats when there is fog.
`;

const HOW = `
bread | oven | How do I bake bread? / How do you bake bread? / How is bread made? / Can you tell me how to bake bread? | Mix flour, water and salt. Let the dough rest, and bake it in the oven. / First mix flour, water and salt. Then bake the dough in the oven.
soup | pot | How do I cook soup? / How do you make soup? / How is soup made? / Can you tell me how to make soup? | Cut the vegetables, put them in a pot with water and let it boil. / Put vegetables and water in a pot and let it boil.
fish | net | How do I catch a fish? / How do you catch fish? / How does Tom catch fish? / Can you tell me how to catch a fish? | Row out in a boat, throw the net and wait. / You throw the net from a boat, wait and pull it in.
tea | hot water | How do I make tea? / How do you make tea? / How is tea made? / Can you tell me how to make tea? | Pour hot water over the leaves and wait a little. / Put the leaves in a cup and pour hot water over them.
garden | seeds | How do I grow flowers? / How do you grow flowers? / How does Rosa grow flowers? / Can you tell me how to grow flowers? | Put the seeds in the earth and give them water. / Plant the seeds in good earth and water them every day.
kite | string | How do I make a kite? / How do you make a kite? / How is a kite made? / Can you tell me how to make a kite? | Tie two sticks, put paper over them and add a long string. / You need two sticks, paper and a long string.
letter | stamp | How do I send a letter? / How do you send a letter? / How can I send a letter? / Can you tell me how to send a letter? | Write it, put a stamp on it and bring it to the post office. / Put a stamp on the letter and give it to Pia.
fire | sticks | How do I make a fire? / How do you make a fire? / How is a fire made? / Can you tell me how to make a fire? | Lay dry sticks on a little straw and light it. / Take dry sticks and straw, and light the straw first.
boat | oars | How do I row a boat? / How do you row a boat? / How does one row a boat? / Can you tell me how to row a boat? | Sit down, take both oars and pull them together. / Pull both oars at the same time.
cow | bucket | How do I milk a cow? / How do you milk a cow? / How is a cow milked? / Can you tell me how to milk a cow? | Sit beside the cow, put a bucket under it and pull gently. / Put the bucket under the cow and pull gently.
butter | cream | How do I make butter? / How do you make butter? / How is butter made? / Can you tell me how to make butter? | Shake the cream until it is thick. / Take cream and shake it until butter comes.
room | broom | How do I clean a room? / How do you clean a room? / How can I clean the floor? / Can you tell me how to clean a room? | Take a broom and sweep the floor, then open the window. / Sweep the floor with a broom and open the window.
honey | hive | How do people get honey? / How do you get honey? / Where does honey come from? / Can you tell me how to get honey? | People take the honey from the hive of the bees. / The bees make it in the hive, and people take a little of it.
wool | spin | How do people make wool into blankets? / How does Mina make a blanket? / How is a blanket made? / Can you tell me how to make a blanket? | Cut the wool, spin it into yarn and weave it. / First you spin the wool, and then you weave the blanket.
`;

/** Every fact about weather and seasons, reasons and instructions. */
export function reasonFacts(): Fact[] {
  return [
    ...rows(SEASONS).flatMap(([season, weather, doing, month]) => seasonFacts(season!, weather!, doing!, month!)),
    ...tableFacts("weather.wear", WEATHER),
    ...tableFacts("reasons.why", WHY),
    ...tableFacts("reasons.how", HOW),
    fact(
      "weather.seasons",
      "seasons",
      "spring, summer, autumn and winter",
      "What are the four seasons? / Which seasons are there? / Tell me the seasons. / How many seasons are there?",
      "The four seasons are spring, summer, autumn and winter. / There are four seasons: spring, summer, autumn and winter.",
    ),
  ];
}

function seasonFacts(season: string, weather: string, doing: string, month: string): Fact[] {
  return [
    fact(
      "weather.season",
      season,
      weather,
      `What is the weather like in ${season}? / How is the weather in ${season}? / What is ${season} like? / Which weather does ${season} bring?`,
      `In ${season} it is ${weather}. / The weather in ${season} is ${weather}.`,
    ),
    fact(
      "weather.doing",
      season,
      doing,
      `What do people do in ${season}? / What can I do in ${season}? / What do the people of Pebble Bay do in ${season}?`,
      `In ${season} the people ${doing}. / You can ${doing} in ${season}.`,
    ),
    fact(
      "weather.begins",
      season,
      month,
      `When does ${season} begin? / In which month does ${season} begin? / When does ${season} start?`,
      `${season[0]!.toUpperCase()}${season.slice(1)} begins in ${month}.`,
    ),
  ];
}
