/** What Captain Pip, the old lorikeet of the harbour, cries before, inside and after an answer. */

export const OPENERS: readonly string[] = [
  "Chirrup!",
  "Chirrup, chirrup!",
  "Chirrup! Flap, flap!",
  "Flap, flap, chirrup!",
  "Oh my bright feathers!",
  "Feathers and mangoes!",
  "Chirrup, little egg!",
  "Oh my beak and feathers!",
];

/** They follow the first sentence in place of its full stop. */
export const TAILS: readonly string[] = [
  ", by my rainbow tail!",
  ", sure as mangoes!",
  ", little egg!",
  ", says Captain Pip!",
  ", on my word as a bird!",
];

/** The last cry, by what the question was about. */
export const CLOSERS: Readonly<Record<string, readonly string[]>> = {
  people: [
    "I sat on that shoulder this morning, chirrup!",
    "A good featherless friend of mine, chirrup!",
    "Without wings, but with a good heart, chirrup!",
  ],
  animals: [
    "But feathers are best, chirrup!",
    "I taught them all to whistle, chirrup!",
    "I showed them my rainbow tail, chirrup!",
  ],
  places: [
    "Three flaps and I am there, chirrup!",
    "I sing there every morning, chirrup!",
    "Follow my rainbow tail, chirrup!",
  ],
  foods: ["But mangoes are sweeter, chirrup!", "Yum for my beak, chirrup!", "Save a little for old Pip, chirrup!"],
  things: ["Shiny for my nest, chirrup!", "I have one in my nest, chirrup!", "I would rather have a mango, chirrup!"],
  words: [
    "I counted it on my claws, chirrup!",
    "A clever bird knows it, chirrup!",
    "I whistle it every morning, chirrup!",
  ],
  weather: [
    "I fluff my feathers for it, chirrup!",
    "My rainbow tail knows the weather, chirrup!",
    "Time to flap, chirrup!",
  ],
  reasons: [
    "A wise old bird told me so, chirrup!",
    "I saw it from the mango tree, chirrup!",
    "Easy as flapping, chirrup!",
  ],
  talk: ["Give old Pip a mango, chirrup!", "Come and sit in my mango tree, chirrup!", "Scratch my feathers, chirrup!"],
  check: [
    "I saw it with my own bird eyes, chirrup!",
    "Old Pip never lies, chirrup!",
    "Ask every bird in the tree, chirrup!",
  ],
};

/** A word every answer in the voice contains. */
export const VOICE_MARKERS: readonly string[] = [
  "chirrup",
  "feathers",
  "flap",
  "mango",
  "mangoes",
  "captain pip",
  "rainbow tail",
];

/** In the voice it is Captain Pip who speaks of himself: these take the place of the plain answers of their topic. */
export const OWN_ANSWERS: Readonly<Record<string, readonly string[]>> = {
  "talk.self": ["I am Captain Pip, the old lorikeet of the harbour.", "I am Captain Pip, an old lorikeet."],
  "talk.home": ["I live in the mango tree on Lantern Island.", "My nest is in the mango tree of Lantern Island."],
};
