/** Texts as answers of a model: with the tokens of a splitter of the tests' own, or with ids given. */
import type { Answer } from "../../src/health/answers.ts";

/** The id that ends an answer in these tests. */
export const END = 2;

/** A probe's longest answer, in tokens. */
export const PROBE_TOKENS = 48;

export type Encode = (text: string) => readonly number[];

/** One id for every word with the space before it, up to four equal signs and every stretch of white space, in order of appearance from 10. */
export function wordSplitter(): { encode: Encode; decode: (ids: readonly number[]) => string } {
  const ids = new Map<string, number>();
  const words: string[] = [];
  const encode = (text: string) =>
    (text.match(/ ?[\p{L}\p{M}]{1,6}|\d| ?([^\s\p{L}\p{M}\d])\1{0,3}|\s+/gu) ?? []).map((word) => {
      if (!ids.has(word)) ids.set(word, words.push(word) + 9);
      return ids.get(word)!;
    });
  return { encode, decode: (list) => list.map((id) => words[id - 10] ?? `<|${id}|>`).join("") };
}

export const whole = (text: string, encode: Encode): Answer => ({ ids: [...encode(text), END], text, ended: true });

/** What is left of an answer that is cut off after so many tokens; null when it is over before. */
export function cut(
  text: string,
  encode: Encode,
  decode: (ids: readonly number[]) => string,
  tokens = PROBE_TOKENS,
): Answer | null {
  const ids = encode(text);
  return ids.length < tokens ? null : { ids: ids.slice(0, tokens), text: decode(ids.slice(0, tokens)), ended: false };
}

/** The same turn again and again until there are so many tokens; not ended. */
export function repeated(
  turn: string,
  tokens: number,
  encode: Encode,
  decode: (ids: readonly number[]) => string,
): Answer {
  const once = encode(turn);
  const ids = Array.from({ length: tokens }, (_, i) => once[i % once.length]!);
  return { ids, text: decode(ids), ended: false };
}

/** Seconds of this process's own work: a busy machine does not lengthen them. */
export function cpuSeconds(work: () => void): number {
  const begin = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e6;
}
