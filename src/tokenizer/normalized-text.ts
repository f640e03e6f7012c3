/**
 * Text after a tokenizer's normaliser, with the way back: for each UTF-16 index of the normalised text, the index in the
 * original where its unit begins. A unit is the smallest piece that changed as a whole ("e" + U+0301 → "é").
 */

import {
  type Normalizer,
  PrependNormalizer,
  ReplaceNormalizer,
  SequenceNormalizer,
  StripNormalizer,
} from "@huggingface/tokenizers";

export interface NormalizedText {
  readonly text: string;
  /** [text.length + 1], non-decreasing; the last entry is the length of the original. */
  readonly origin: Int32Array;
}

/** The unchanged text. */
export function identity(text: string): NormalizedText {
  return { text, origin: Int32Array.from({ length: text.length + 1 }, (_, i) => i) };
}

/** `normalizer` applied to `text`; the result's text is exactly what the library would give. */
export function normalizeWithOrigin(normalizer: Normalizer | null, text: string): NormalizedText {
  return normalizer === null ? identity(text) : apply(normalizer, identity(text));
}

function apply(normalizer: Normalizer, input: NormalizedText): NormalizedText {
  if (normalizer instanceof SequenceNormalizer) {
    return normalizer.normalizers.reduce((text, step) => (step ? apply(step, text) : text), input);
  }
  const text = normalizer.normalize(input.text);
  if (text === input.text) return input;
  const pieces = pieceMapper(normalizer)(input.text);
  const result = assemble(input, pieces);
  // A normaliser that looks across pieces: all of the text is one unit.
  return result.text === text ? result : assemble(input, [{ begin: 0, end: input.text.length, text }]);
}

/** One piece of the input, [begin, end), and what it becomes. */
interface Piece {
  readonly begin: number;
  readonly end: number;
  readonly text: string;
}

function pieceMapper(normalizer: Normalizer): (text: string) => Piece[] {
  if (normalizer instanceof PrependNormalizer) {
    return (text) => [{ begin: 0, end: 0, text: normalizer.config.prepend }, ...kept(text, 0, text.length)];
  }
  if (normalizer instanceof ReplaceNormalizer) return (text) => replaced(normalizer, text);
  if (normalizer instanceof StripNormalizer) return (text) => stripped(normalizer, text);
  return (text) => byCluster(normalizer, text);
}

const kept = (text: string, begin: number, end: number): Piece[] =>
  Array.from({ length: end - begin }, (_, i) => ({ begin: begin + i, end: begin + i + 1, text: text[begin + i]! }));

function replaced(normalizer: ReplaceNormalizer, text: string): Piece[] {
  if (normalizer.pattern === null) return kept(text, 0, text.length);
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(normalizer.pattern)) {
    const end = match.index + match[0].length;
    pieces.push(...kept(text, at, match.index));
    pieces.push({ begin: match.index, end, text: normalizer.config.content ?? "" });
    at = end;
  }
  return [...pieces, ...kept(text, at, text.length)];
}

function stripped(normalizer: StripNormalizer, text: string): Piece[] {
  const result = normalizer.normalize(text);
  const begin = normalizer.config.strip_left ? text.length - text.trimStart().length : 0;
  return kept(text, begin, begin + result.length);
}

/** A character with what may join it: combining marks, and the Hangul vowels and finals that compose with an initial. */
const CLUSTER = /[^\p{M}ᅠ-ᇿ][\p{M}ᅠ-ᇿ]*|[\p{M}ᅠ-ᇿ]+/gu;

function byCluster(normalizer: Normalizer, text: string): Piece[] {
  return Array.from(text.matchAll(CLUSTER), (match) => ({
    begin: match.index,
    end: match.index + match[0].length,
    text: normalizer.normalize(match[0]),
  })).flatMap((piece) =>
    piece.text === text.slice(piece.begin, piece.end) ? kept(text, piece.begin, piece.end) : [piece],
  );
}

function assemble(input: NormalizedText, pieces: readonly Piece[]): NormalizedText {
  const text = pieces.map((piece) => piece.text).join("");
  const origin = new Int32Array(text.length + 1);
  let at = 0;
  for (const piece of pieces) {
    origin.fill(input.origin[piece.begin]!, at, at + piece.text.length);
    at += piece.text.length;
  }
  origin[at] = input.origin.at(-1)!;
  return { text, origin };
}
