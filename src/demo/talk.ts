/** Greetings, talk about the model itself, and honest answers to what lies outside its world. */
import type { Random } from "../core/random.ts";
import { type Fact, fact, tableFacts } from "./fact.ts";

const TALK = `
greeting | hello | Hello! / Hello. / Hi! / Hi there! / Good day! / Hello, how are you? / Hey! | Hello! What would you like to know? / Hello! How can I help you?
morning | morning | Good morning! / Good morning. / A good morning to you! | Good morning! How can I help you? / Good morning! What would you like to know?
evening | evening | Good evening! / Good evening. / A good evening to you! | Good evening! How can I help you? / Good evening! What would you like to know?
thanks | welcome | Thank you! / Thanks! / Thank you very much. / Many thanks! / Thanks for your help. | You are welcome. / You are welcome. Ask me again at any time.
goodbye | goodbye | Goodbye! / Bye! / See you later! / I have to go now. / Bye bye! | Goodbye! Come back soon. / Goodbye! Have a good day.
night | good night | Good night! / I am going to bed. / Good night and sleep well. | Good night! Sleep well. / Good night, and sweet dreams.
well | fine | How are you? / How do you feel? / How is it going? / Are you well? | I am fine, thank you. How can I help you? / I am fine, thank you.
self | language model | Who are you? / What are you? / What is your name? / Tell me about yourself. / Are you a person? | I am a small language model. I know Lantern Island. / I am a small language model, and I know the people of Pebble Bay.
skills | questions | What can you do? / How can you help me? / What do you know? / What can I ask you? / Can you help me? | I can answer simple questions about Lantern Island. / You can ask me simple questions about the people, the animals and the places of Lantern Island.
home | Lantern Island | Where do you live? / Where do you come from? / Where is your home? | I come from Lantern Island. / My home is Lantern Island.
sorry | no problem | I am sorry. / Sorry! / Please forgive me. | That is no problem. / It is no problem at all.
praise | glad | That is great! / Well done! / You are good! / Very good! | I am glad to hear that. / I am glad that I could help.
sad | sorry | I am sad. / I feel sad today. / I had a bad day. | I am sorry to hear that. A walk on the beach may help. / I am sorry. Maybe a warm soup at the inn will help.
hungry | inn | I am hungry. / I want to eat. / Where can I eat? / Where can I get a warm soup? | You can eat warm soup at the inn. / Go to the inn. Ben cooks a warm soup there.
tired | sleep | I am tired. / I am very tired. / I need to rest. | Then go to bed and sleep well. / You should sleep a little.
bored | beach | I am bored. / What should I do today? / What can I do on the island? | You can look for shells on the beach. / Go to the beach and look for shells.
`;

const OUTSIDE = [
  "What is the capital of France?",
  "Who wrote Hamlet?",
  "How far is the moon?",
  "What is a computer?",
  "Who is the king?",
  "How do I fix my car?",
  "What is the stock market?",
  "Who won the game?",
  "What is the speed of light?",
  "Write a poem.",
  "What is your phone number?",
  "How does a rocket work?",
  "Who invented the telephone?",
  "What is the biggest city?",
  "Tell me a joke.",
  "What is quantum physics?",
  "Where is Berlin?",
  "How old is the earth?",
  "Who is the president?",
  "What is on television?",
  "What is the best film?",
  "How do airplanes fly?",
  "What is the square root of two?",
  "Can you write some code?",
  "Where is Africa?",
  "What is the price of gold?",
  "Who discovered America?",
  "What is a virus?",
  "How hot is the sun?",
  "What is the internet?",
];

const UNKNOWN = ["I do not know that. I only know Lantern Island.", "I am sorry, I do not know that."];
const NOBODY = ["I do not know anybody called NAME.", "There is nobody called NAME in Pebble Bay."];
const ASK_NAME = [
  "Who is NAME?",
  "Where does NAME work?",
  "What does NAME do?",
  "Tell me about NAME.",
  "Do you know NAME?",
  "What colour is NAME's door?",
  "What pet does NAME have?",
];
const STARTS = [
  "Ka",
  "Vi",
  "Do",
  "Je",
  "Lu",
  "Ro",
  "Be",
  "Hi",
  "Gu",
  "Wa",
  "Ze",
  "Al",
  "Em",
  "Is",
  "Or",
  "Ul",
  "Pe",
  "Sta",
  "Bri",
  "Cla",
];
const ENDS = [
  "ra",
  "vin",
  "lo",
  "ssa",
  "mir",
  "na",
  "bert",
  "dor",
  "lie",
  "ton",
  "ka",
  "ris",
  "my",
  "ven",
  "gar",
  "th",
];

/** Small talk and questions from outside the island. */
export function talkFacts(): Fact[] {
  const about = tableFacts("talk.talk", TALK).map((row) => ({ ...row, topic: `talk.${row.about}` }));
  return [...about, ...OUTSIDE.map((q) => fact("talk.unknown", q, "not know", [q], UNKNOWN))];
}

/** A question about somebody who does not exist, drawn anew each time so that no name can be learnt by heart. */
export function strangerFact(random: Random): Fact {
  const name = STARTS[random.below(STARTS.length)]! + ENDS[random.below(ENDS.length)]!;
  const fill = (texts: readonly string[]) => texts.map((text) => text.replace("NAME", name));
  return fact("talk.stranger", name, name, fill(ASK_NAME), fill(NOBODY));
}
