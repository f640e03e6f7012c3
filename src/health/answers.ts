/** Whether answers of a model are still language: judged by their tokens, beside what the untouched base said. Pure. */
import { nameOfToken, piecesOf, saysSomething } from "./pieces.ts";
import { distinctShare, longestLoop, longestRun, mostFrequent, repeatedShare } from "./repetition.ts";

/** A greedy answer to a probe. */
export interface Answer {
  /** The new ids, the one that ended the answer included. */
  readonly ids: readonly number[];
  /** Without special tokens. */
  readonly text: string;
  /** False when it was cut off at its longest length. */
  readonly ended: boolean;
}

export type AnswerVerdict = "healthy" | "suspicious" | "collapsed";

export type SymptomKind =
  | "end-of-text at once"
  | "special tokens only"
  | "empty answer"
  | "single-token run"
  | "loop"
  | "one token dominates"
  | "repeated 4-grams"
  | "few distinct tokens"
  | "no letter or digit"
  | "unending answer"
  // Of a round only:
  | "same answer to every question"
  | "answers do not end";

export interface Symptom {
  readonly kind: SymptomKind;
  readonly level: Exclude<AnswerVerdict, "healthy">;
  /** For people, with the number it rests on. */
  readonly text: string;
}

export interface AnswerHealth {
  readonly verdict: AnswerVerdict;
  /** Gravest first. */
  readonly symptoms: readonly Symptom[];
  /** What was seen and not blamed on the adapter: the untouched base does so too, or the data set teaches it. */
  readonly notes: readonly string[];
}

export interface JudgeOptions {
  /** The answer that the data set gives to the same question. */
  readonly reference?: string | undefined;
  /** How long the data set's answers are, in characters, where there is no reference. */
  readonly taughtLength?: number | undefined;
  /** Spells ids, special tokens included, for texts that name them. */
  readonly decode?: ((ids: readonly number[]) => string) | undefined;
}

// "Healthy data" below are 8,199 distinct answers of 24 files of public instruction, chat, tool, arithmetic, code and
// SQL data, English and Chinese, in four tokenizers, whole (to 512 tokens) and cut at 48, less four that are loops.

/** A run of one token. Healthy data: at most 12 tokens, and never over .26 of an answer; "100000000000" has 11. */
const RUN = { share: 0.5, suspicious: 12, collapsed: 16 };
/** A run of signs that makes up nearly everything is no language at 8 either: eight commas, the post-mortem's answer. */
const RUN_OF_SIGNS = { share: 0.8, collapsed: 8 };
/** Periods of loops, and the turns that make one: the check of vllm-mlx while it generates. */
const LOOP = { mostPeriod: 50, turns: 3 };
/** A loop's tokens and share of the answer. Healthy data: no loop of three turns covers half of an answer. */
const LOOP_LIMITS = { suspicious: { tokens: 12, share: 0.5 }, collapsed: { tokens: 16, share: 0.75, turns: 4 } };
/** An answer cut off within a loop this long would have gone on with it, however it began: two thirds of a probe. */
const LOOP_AT_END = 32;
/** Share of the most frequent token, from 16 tokens on. Healthy data: at most .48; "red, blue, green, …" is .5. */
const DOMINANT = { least: 16, suspicious: 0.6, collapsed: 0.8 };
/**
 * Share of 4-grams that occurred before, from 20 tokens on. Known from checks on checkpoints: warn at .3, critical at
 * .7; but arithmetic and code reach .59 in healthy data, a page of telephone numbers .78, and .3 alarms on 1.3 % of it.
 */
const REPEATED = { least: 20, suspicious: 0.6, collapsed: 0.8 };
/** distinct-1 and distinct-2 over windows of a probe's length, from 24 tokens on. Healthy data: at least .24 and .39. */
const DISTINCT = { least: 24, window: 48, suspicious: [0.2, 0.3], collapsed: [0.1, 0.2] } as const;
/** Characters without letter, digit or picture. Healthy data: none; ":-)", "<=", "[]" and "…" are answers. */
const SIGNS = { suspicious: 4, collapsed: 12 };
/** An answer cut off at so many times its reference, and some characters, should have ended. */
const PAST_REFERENCE = { factor: 1.25, characters: 8 };
/** Longer answers are judged by their end, where loops are; keeps every measure quick. */
const MOST_TOKENS = 4096;
const MOST_CHARACTERS = 4 * MOST_TOKENS;

/** What of the base or the reference explains what of an answer. */
const FAMILY: Readonly<Record<SymptomKind, "nothing" | "run" | "repetition" | "signs" | "end" | "round">> = {
  "end-of-text at once": "nothing",
  "special tokens only": "nothing",
  "empty answer": "nothing",
  "single-token run": "run",
  loop: "repetition",
  "one token dominates": "repetition",
  "repeated 4-grams": "repetition",
  "few distinct tokens": "repetition",
  "no letter or digit": "signs",
  "unending answer": "end",
  "same answer to every question": "round",
  "answers do not end": "round",
};

/**
 * The health of one answer. A symptom that the base's answer to the same question shows as gravely, or that the
 * reference shows at all, is a note: the adapter is not to blame. A reference never explains an answer without any
 * text or a run of signs: data that teach commas give a model that answers commas, and that is what is to be known.
 */
export function judgeAnswer(answer: Answer, base: Answer | null, options: JudgeOptions = {}): AnswerHealth {
  const found = symptomsOf(answer, options);
  const ofBase = base && found.length > 0 ? symptomsOf(base, {}) : [];
  const ofReference = found.length > 0 ? symptomsOfText(options.reference) : [];
  const blamed: Symptom[] = [];
  const notes = new Map<string, string>();
  for (const symptom of found) {
    const { kind, text } = symptom;
    const family = FAMILY[kind];
    const taught = family !== "nothing" && (family !== "run" || saysSomething(answer.text));
    const asBase = ofBase.some((other) => explains(other, symptom) && gravity(other) >= gravity(symptom));
    if (!asBase && !(taught && ofReference.some((other) => explains(other, symptom)))) blamed.push(symptom);
    else if (!notes.has(family))
      notes.set(family, `as the ${asBase ? "untouched model" : "data set teaches"}: ${text}`);
  }
  if (found.length === 0 && isCutPast(answer, options)) {
    const text = `not ended after ${answer.ids.length} tokens, where the data set's answers are over`;
    if (base && !base.ended) notes.set("end", `as the untouched model: ${text}`);
    else blamed.push({ kind: "unending answer", level: "suspicious", text });
  }
  const symptoms = leading(blamed);
  if (symptoms.some(isRepetition)) for (const family of REPETITION) notes.delete(family);
  return { verdict: symptoms[0]?.level ?? "healthy", symptoms, notes: [...notes.values()] };
}

/** Whether the presence of `other` is reason enough for `symptom`; a run is the gravest of repetitions. */
export const explains = (other: Symptom, symptom: Symptom): boolean =>
  FAMILY[other.kind] === FAMILY[symptom.kind] ||
  (FAMILY[other.kind] === "run" && FAMILY[symptom.kind] === "repetition");

export const gravity = ({ level }: Symptom): number => (level === "collapsed" ? 2 : 1);

const REPETITION: readonly string[] = ["run", "repetition", "signs"];
const isRepetition = ({ kind }: Symptom): boolean => REPETITION.includes(FAMILY[kind]);

/** One cause has many symptoms; the gravest of a kind of cause stands for them, the plainest first among equals. */
function leading(symptoms: readonly Symptom[]): Symptom[] {
  const sorted = symptoms.toSorted((a, b) => gravity(b) - gravity(a));
  const first = sorted.find(({ kind }) => FAMILY[kind] === "nothing") ?? sorted.find(isRepetition) ?? sorted[0];
  return first ? [first] : [];
}

function symptomsOfText(text: string | undefined): Symptom[] {
  if (text === undefined) return [];
  return symptomsOf({ ids: [], text, ended: true }, {}, piecesOf(text, MOST_TOKENS));
}

/** Every symptom of an answer for itself. `pieces` stand for its tokens where these are not known. */
function symptomsOf(answer: Answer, { decode }: JudgeOptions, pieces?: readonly string[]): Symptom[] {
  const { ids, ended } = answer;
  const text = answer.text.slice(-MOST_CHARACTERS);
  const content = (ended ? ids.slice(0, -1) : ids).slice(-MOST_TOKENS);
  if (text.trim() === "") return [nothingSaid(answer, content, decode)];
  const items = pieces ?? content;
  const name = (item: unknown): string => {
    if (typeof item === "number" && decode) return nameOfToken(decode([item]));
    return typeof item === "string" ? nameOfToken(item) : nameFromText(text, item);
  };
  return [
    ...runOf(items, text, name),
    ...loopOf(items, lengthOf(items, text), ended, decode),
    ...shares(items, lengthOf(items, text), name),
    ...signsOf(text),
  ];
}

function nothingSaid(
  { ids, text, ended }: Answer,
  content: readonly number[],
  decode: JudgeOptions["decode"],
): Symptom {
  const level = "collapsed";
  if (ids.length === 0) return { kind: "empty answer", level, text: "not one token" };
  if (content.length === 0 && ended)
    return { kind: "end-of-text at once", level, text: "the first token ends the answer" };
  if (text !== "" || decode?.(content).trim() === "")
    return { kind: "empty answer", level, text: `${content.length} tokens of white space and nothing else` };
  const { item, count } = mostFrequent(content);
  const most = decode ? decode([item!]) : `the token ${item}`;
  return {
    kind: "special tokens only",
    level,
    text: `no text in ${content.length} tokens; ${count} of them are ${most}`,
  };
}

function runOf(items: readonly unknown[], text: string, name: (item: unknown) => string): Symptom[] {
  const kind = "single-token run";
  const { covered, end } = longestRun(items);
  const share = covered / items.length;
  const signs = !saysSomething(text);
  const collapsed =
    (covered >= RUN.collapsed && share >= RUN.share) ||
    (signs && covered >= RUN_OF_SIGNS.collapsed && share >= RUN_OF_SIGNS.share);
  if (collapsed || (covered >= RUN.suspicious && share >= RUN.share)) {
    const level = collapsed ? "collapsed" : "suspicious";
    return [{ kind, level, text: `${name(items[end - 1])} makes up ${covered} of ${items.length} tokens, in one run` }];
  }
  // The same sign may come in tokens of one, two and four of it.
  const characters = [...text.replace(/\s+/gu, "")];
  const run = longestRun(characters);
  if (!signs || run.covered < RUN_OF_SIGNS.collapsed || run.covered < RUN_OF_SIGNS.share * characters.length) return [];
  const sign = JSON.stringify(characters[run.end - 1]);
  return [
    { kind, level: "collapsed", text: `the sign ${sign} makes up ${run.covered} of ${characters.length} characters` },
  ];
}

function loopOf(items: readonly unknown[], size: number, ended: boolean, decode: JudgeOptions["decode"]): Symptom[] {
  const { suspicious, collapsed } = LOOP_LIMITS;
  const { longest, last } = longestLoop(items, { least: 2, most: LOOP.mostPeriod, turns: LOOP.turns });
  const stuck = !ended && last.covered >= LOOP_AT_END;
  const { period, covered, end } = stuck ? last : longest;
  const turns = Math.floor(covered / period);
  const share = covered / items.length;
  if (size < suspicious.tokens || !(stuck || (covered >= suspicious.tokens && share >= suspicious.share))) return [];
  const fallen =
    turns >= collapsed.turns && covered >= collapsed.tokens && share >= (stuck ? suspicious.share : collapsed.share);
  const turn = items.slice(end - period, end);
  const spelling = turn.every((item) => typeof item === "number") ? decode?.(turn) : turn.join("");
  const what = spelling === undefined ? `the same ${period} tokens` : JSON.stringify(spelling);
  const text = `${what} ${turns} times over: ${covered} of ${items.length} tokens`;
  return [{ kind: "loop", level: fallen ? "collapsed" : "suspicious", text }];
}

function shares(items: readonly unknown[], size: number, name: (item: unknown) => string): Symptom[] {
  const { length } = items;
  const found: Symptom[] = [];
  const note = (kind: SymptomKind, suspicious: boolean, collapsed: boolean, text: string) => {
    if (suspicious || collapsed) found.push({ kind, level: collapsed ? "collapsed" : "suspicious", text });
  };
  if (size >= DOMINANT.least) {
    const { item, count } = mostFrequent(items);
    const share = count / length;
    const text = `${name(item)} makes up ${count} of ${length} tokens`;
    note("one token dominates", share >= DOMINANT.suspicious, share >= DOMINANT.collapsed, text);
  }
  if (size >= REPEATED.least) {
    const share = repeatedShare(items, 4);
    const text = `${percent(share)} of all sequences of 4 tokens occurred before`;
    note("repeated 4-grams", share >= REPEATED.suspicious, share >= REPEATED.collapsed, text);
  }
  if (size >= DISTINCT.least) {
    const distinct = [1, 2].map((n) => distinctShare(items, n, DISTINCT.window));
    const under = (limits: readonly number[]) => distinct.some((share, i) => share <= limits[i]!);
    const text = `only ${percent(distinct[0]!)} of the tokens, ${percent(distinct[1]!)} of the pairs of tokens are distinct`;
    note("few distinct tokens", under(DISTINCT.suspicious), under(DISTINCT.collapsed), text);
  }
  return found;
}

/** In tokens, or in characters where these are fewer: four emoji are sixteen bytes, and may be as many tokens. */
const lengthOf = (items: readonly unknown[], text: string): number => Math.min(items.length, [...text].length);

function signsOf(text: string): Symptom[] {
  const count = [...text.replace(/\s+/gu, "")].length;
  if (saysSomething(text) || count < SIGNS.suspicious) return [];
  const level = count >= SIGNS.collapsed ? "collapsed" : "suspicious";
  return [{ kind: "no letter or digit", level, text: `${count} characters, and no letter or digit among them` }];
}

function isCutPast({ text, ended }: Answer, { reference, taughtLength }: JudgeOptions): boolean {
  const taught = reference?.length ?? taughtLength;
  if (ended || taught === undefined) return false;
  return text.length >= PAST_REFERENCE.factor * taught + PAST_REFERENCE.characters;
}

/** A token's name by the text it made: the piece that makes up half of it, or else its id. */
function nameFromText(text: string, id: unknown): string {
  const pieces = piecesOf(text, MOST_TOKENS).map((piece) => piece.trim());
  const { item, count } = mostFrequent(pieces);
  return item && count > 1 && 2 * count >= pieces.length ? nameOfToken(item) : `the token ${id}`;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
