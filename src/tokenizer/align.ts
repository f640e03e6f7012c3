/**
 * Where in the text each token comes from. The library gives tokens without offsets, so the bytes of the tokens are laid
 * along the bytes of the normalised text and carried back to the original through its `origin`.
 */

import { type NormalizedText, normalizeWithOrigin } from "./normalized-text.ts";
import { bytesOfToken, type Spelling } from "./token-bytes.ts";

/** [begin, end) in UTF-16 units of the original text. */
export type Span = readonly [begin: number, end: number];

/**
 * Spans of `tokens` in the original text behind `section`. A character belongs to the token that holds its last byte; a
 * token that holds none, such as the first bytes of an emoji or a "▁" which only the tokenizer put there, has an empty
 * span in front of what follows it. So the spans are in order, do not overlap, and leave out only text that the
 * tokenizer threw away.
 */
export function alignTokens(
  section: NormalizedText,
  tokens: readonly string[],
  spelling: Spelling,
  unknown: string | undefined,
): Span[] {
  const source = sourceBytes(section, spelling);
  const spans: Span[] = [];
  let at = 0;
  for (let i = 0; i < tokens.length; i++) {
    const bytes = bytesOfToken(tokens[i]!, spelling);
    let begin = at;
    if (startsWith(source.bytes, bytes, at)) {
      at += bytes.length;
    } else if (tokens[i] === unknown) {
      // An unknown token stands for all that comes before the next known one.
      at = nextKnown(source.bytes, tokens.slice(i + 1), at, spelling);
    } else if (bytes[0] === SPACE && startsWith(source.bytes, bytes.subarray(1), at)) {
      at += bytes.length - 1;
    } else {
      begin = find(source.bytes, bytes, at);
      at = begin + (startsWith(source.bytes, bytes, begin) ? bytes.length : 0);
    }
    spans.push([source.origin[begin]!, source.origin[at]!]);
  }
  return spans;
}

/** A section of the text after `normalizer`, moved to its place in the whole. */
export function normalizedSection(
  normalizer: Parameters<typeof normalizeWithOrigin>[0],
  text: string,
  begin: number,
): NormalizedText {
  const result = normalizeWithOrigin(normalizer, text);
  return { text: result.text, origin: result.origin.map((offset) => offset + begin) };
}

const SPACE = 0x20;

interface SourceBytes {
  /** UTF-8 of the normalised text. */
  readonly bytes: Uint8Array;
  /** [bytes.length + 1] the original index where the unit of each byte begins. */
  readonly origin: Int32Array;
}

function sourceBytes(section: NormalizedText, spelling: Spelling): SourceBytes {
  // Same length in UTF-16, so `origin` still fits.
  const text = spelling === "sentencepiece" ? section.text.replaceAll("▁", " ") : section.text;
  const bytes = new TextEncoder().encode(text);
  const origin = new Int32Array(bytes.length + 1);
  let at = 0;
  for (let i = 0; i < text.length; ) {
    const code = text.codePointAt(i)!;
    const byteCount = utf8Length(code);
    origin.fill(section.origin[i]!, at, at + byteCount);
    at += byteCount;
    i += code > 0xffff ? 2 : 1;
  }
  origin[at] = section.origin[text.length]!;
  return { bytes, origin };
}

/** A lone surrogate becomes U+FFFD, three bytes, the same as any other code unit above U+07FF. */
function utf8Length(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

function startsWith(source: Uint8Array, bytes: Uint8Array, at: number): boolean {
  if (at + bytes.length > source.length) return false;
  for (let i = 0; i < bytes.length; i++) if (source[at + i] !== bytes[i]) return false;
  return true;
}

/** The next place at or after `at` where `bytes` stand; `at` itself when there is none. */
function find(source: Uint8Array, bytes: Uint8Array, at: number): number {
  for (let i = at; i + bytes.length <= source.length; i++) if (startsWith(source, bytes, i)) return i;
  return at;
}

function nextKnown(source: Uint8Array, following: readonly string[], at: number, spelling: Spelling): number {
  const next = following[0];
  if (next === undefined) return source.length;
  const found = find(source, bytesOfToken(next, spelling), at + 1);
  return Math.min(found, source.length);
}
