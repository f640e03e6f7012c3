/**
 * The unit of the demo's small world: one fact, the questions that ask for it and the plain answers that give it.
 * Everything else here (corpus, voice dataset, held-out questions, the judge) is made from a list of facts.
 */

export interface Fact {
  /** "group.kind", e.g. "people.job". Values of one topic exclude each other: an answer that names another is wrong. */
  readonly topic: string;
  /** The subject; facts about one subject can stand together in a passage or in a chat of several turns. */
  readonly about: string;
  /** The words that every right answer contains. */
  readonly value: string;
  /** Complete questions, each a paraphrase of the others. */
  readonly questions: readonly string[];
  /** Complete answers in plain words; the first also stands alone as a statement. */
  readonly answers: readonly string[];
  /** Questions with a pronoun, for later turns of a chat that has already named the subject. */
  readonly followUps: readonly string[];
}

/** Builds a fact; `questions` and `answers` may be given as one string with " / " between the paraphrases. */
export function fact(
  topic: string,
  about: string,
  value: string,
  questions: string | readonly string[],
  answers: string | readonly string[],
  followUps: string | readonly string[] = [],
): Fact {
  return {
    topic,
    about,
    value,
    questions: paraphrases(questions),
    answers: paraphrases(answers),
    followUps: paraphrases(followUps),
  };
}

/** Reads a table: one row per line, cells between " | "; blank lines are dropped. */
export function rows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.split("|").map((cell) => cell.trim()));
}

/**
 * Facts from a table with the cells: about | value | questions | answers. Their values have nothing to do with each
 * other, so every row is a topic of its own.
 */
export function tableFacts(topic: string, text: string): Fact[] {
  return rows(text).map(([about, value, questions, answers], row) =>
    fact(`${topic}.${row}`, about!, value!, questions!, answers!),
  );
}

/** Facts by key, keys in order of first appearance. */
export function groupBy(facts: readonly Fact[], key: (fact: Fact) => string): Map<string, Fact[]> {
  const groups = new Map<string, Fact[]>();
  for (const item of facts) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** "owl" → "an owl". */
export function withArticle(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

/** First letter upper case. */
export function capitalise(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function paraphrases(text: string | readonly string[]): readonly string[] {
  return typeof text === "string" ? text.split(" / ").map((part) => part.trim()) : text;
}
