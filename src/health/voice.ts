/** How close answers come to a data set's manner of speaking, 0 to 1, by two published measures: chrF and n-gram profiles. */

export interface VoiceScore {
  /** The mean of the two below. */
  readonly score: number;
  /** chrF against the reference answers. */
  readonly chrF: number;
  /** Likeness of character n-grams to all answers of the dataset. */
  readonly style: number;
}

type Counts = ReadonlyMap<number, number>;

/** How often the n-grams of a data set's answers occur; plain data. */
export interface StyleProfile {
  /** n-gram of bytes → how often. */
  readonly counts: Counts;
  /** The sum of their squares. */
  readonly squares: number;
  /** The likeness that is 1: that of the data set's own answers to the others. */
  readonly own: number;
}

/** Orders of chrF's n-grams, and how much more recall weighs than precision: the published defaults. */
const CHRF_ORDER = 6;
const CHRF_BETA = 2;
/** chrF compares texts up to here, in characters: far beyond any answer, and quick. */
const CHRF_MOST = 20_000;

/** Bytes in an n-gram of a profile: a short word in English, nearly two characters in Chinese. */
const STYLE_ORDER = 5;
const STYLE_REST = 256 ** (STYLE_ORDER - 1);
/** A profile of more answers than these, and of longer ones, changes no more. */
const PROFILE_ANSWERS = 1000;
const PROFILE_BYTES = 2000;
/** Likeness grows with a text's length, so all texts are compared by their begin: a probe's answer. */
const COMPARED_BYTES = 400;
/** Answers that are compared with the others to find the likeness that is 1. */
const OWN_ANSWERS = 100;
/** Answers that are no more alike than this have no common manner, and chance must not look like one. */
const LEAST_OWN = 0.05;

/**
 * chrF, 0 to 1: the F-score (beta 2) of character n-grams of orders 1 to 6, precision and recall averaged over the
 * orders that both texts have (Popović 2015, https://aclanthology.org/W15-3049). Whitespace does not count. Equal to
 * sacrebleu's default chrF2 / 100; two empty texts score 0 there and here. Compares the first 20,000 characters.
 */
export function chrF(hypothesis: string, reference: string): number {
  const [ours, theirs] = [charactersOf(hypothesis), charactersOf(reference)];
  const orders = Math.min(CHRF_ORDER, ours.length, theirs.length);
  let precision = 0;
  let recall = 0;
  for (let n = 1; n <= orders; n++) {
    const counts = countGrams(theirs, n);
    let matches = 0;
    for (const [gram, count] of countGrams(ours, n)) matches += Math.min(count, counts.get(gram) ?? 0);
    precision += matches / (ours.length - n + 1) / orders;
    recall += matches / (theirs.length - n + 1) / orders;
  }
  if (precision + recall === 0) return 0;
  return ((1 + CHRF_BETA ** 2) * precision * recall) / (CHRF_BETA ** 2 * precision + recall);
}

const charactersOf = (text: string): string[] => [...text.slice(0, CHRF_MOST).replace(/\s+/gu, "")];

function countGrams(characters: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= characters.length; i++) {
    const gram = characters.slice(i, i + n).join("");
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/**
 * The profile of a data set's answers: how often each n-gram of 5 bytes occurs (an author's profile of byte n-grams,
 * Kešelj, Peng, Cercone and Thomas 2003). Of more than 1,000 answers it takes those whose hashes are least, so that
 * neither order nor chance has a say.
 */
export function styleProfile(answers: Iterable<string>): StyleProfile {
  const chosen = chooseAnswers(answers);
  const each = chosen.map((text) => countBytes(text, PROFILE_BYTES));
  const counts = new Map<number, number>();
  for (const own of each) for (const [gram, count] of own) counts.set(gram, (counts.get(gram) ?? 0) + count);
  const squares = squaresOf(counts);
  const compared = chosen.slice(0, OWN_ANSWERS).map((text, i) => {
    const own = each[i]!;
    let rest = squares;
    for (const [gram, count] of own) rest -= counts.get(gram)! ** 2 - (counts.get(gram)! - count) ** 2;
    return cosine(countBytes(text, COMPARED_BYTES), (gram) => (counts.get(gram) ?? 0) - (own.get(gram) ?? 0), rest);
  });
  return { counts, squares, own: chosen.length < 2 ? 1 : Math.max(LEAST_OWN, mean(compared)) };
}

/**
 * How much a text is written like the answers of a profile, 0 to 1: the cosine between its counts of n-grams (of its
 * first 400 bytes) and the profile's, over the mean that the data set's own answers reach against all others, at most
 * 1. Raw cosines depend on the length of texts and on how alike the answers are: those of one voice reach .46, those
 * of a general data set .2; divided so, 1 means "as the data set's own".
 */
export function styleLikeness(text: string, { counts, squares, own }: StyleProfile): number {
  return Math.min(1, cosine(countBytes(text, COMPARED_BYTES), (gram) => counts.get(gram) ?? 0, squares) / own);
}

/** The voice of answers: the means over all pairs of chrF and of the likeness to the profile; 0 where there are none. */
export function voiceScore(
  pairs: readonly { readonly text: string; readonly reference: string }[],
  profile: StyleProfile,
): VoiceScore {
  const agreement = mean(pairs.map(({ text, reference }) => chrF(text, reference)));
  const style = mean(pairs.map(({ text }) => styleLikeness(text, profile)));
  return { score: (agreement + style) / 2, chrF: agreement, style };
}

/** Answers with something in them; of too many, those with the least hashes. */
function chooseAnswers(answers: Iterable<string>): string[] {
  const hashed: { text: string; hash: number }[] = [];
  for (const answer of answers) {
    const text = plain(answer, PROFILE_BYTES);
    if (text !== "  ") hashed.push({ text, hash: hashOf(text) });
  }
  hashed.sort((a, b) => a.hash - b.hash || (a.text < b.text ? -1 : Number(a.text > b.text)));
  return hashed.slice(0, PROFILE_ANSWERS).map(({ text }) => text);
}

/** One space for all white space, and one at each end, so that first and last words count as such. */
const plain = (text: string, most: number): string => ` ${text.slice(0, most).replace(/\s+/gu, " ").trim()} `;

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

const encoder = new TextEncoder();

/** n-grams of bytes as numbers below 2⁴⁰; a text of fewer bytes is one n-gram. Nothing is in a text of white space. */
function countBytes(text: string, most: number): Map<number, number> {
  const counts = new Map<number, number>();
  const bytes = encoder.encode(plain(text, most)).subarray(0, most);
  if (bytes.length <= 2) return counts;
  let gram = 0;
  for (const [i, byte] of bytes.entries()) {
    // Its last four bytes, and the new one.
    gram = (gram % STYLE_REST) * 256 + byte;
    if (i + 1 >= Math.min(STYLE_ORDER, bytes.length)) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

function squaresOf(counts: Counts): number {
  let sum = 0;
  for (const count of counts.values()) sum += count * count;
  return sum;
}

/** The cosine between the counts of a text and those of a profile, whose squares are known; 0 where one is empty. */
function cosine(text: Counts, profile: (gram: number) => number, squares: number): number {
  let product = 0;
  for (const [gram, count] of text) product += count * profile(gram);
  return product === 0 ? 0 : product / Math.sqrt(squaresOf(text) * squares);
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
