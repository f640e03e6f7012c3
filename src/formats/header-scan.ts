/**
 * What JSON.parse does not tell about a header: keys that occur twice (it keeps the last one in silence) and nesting.
 * One pass, no recursion, and at most `maxDepth` key sets, so a hostile header costs no more than its own length.
 */

export interface HeaderScan {
  /** Keys that occur twice in one object, in order of appearance. */
  readonly duplicates: string[];
  /** Deepest nesting met; the scan stops where it passes `maxDepth`. */
  readonly depth: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Scans JSON text. Text that is not JSON gives some answer without throwing: JSON.parse is the judge of that. */
export function scanHeader(text: string, maxDepth: number): HeaderScan {
  const duplicates: string[] = [];
  const keysAt: Set<string>[] = []; // one set per open bracket; a list's stays empty
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const end = closingQuote(text, i);
      const keys = keysAt.at(-1);
      if (keys !== undefined && isKey(text, end + 1)) noteKey(text.slice(i, end + 1), keys, duplicates);
      i = end;
    } else if (code === 0x7b || code === 0x5b) {
      keysAt.push(new Set());
      depth = Math.max(depth, keysAt.length);
      if (depth > maxDepth) break;
    } else if (code === 0x7d || code === 0x5d) {
      keysAt.pop();
    }
  }
  return { duplicates, depth };
}

function noteKey(literal: string, keys: Set<string>, duplicates: string[]): void {
  const key = unescaped(literal);
  if (keys.has(key)) duplicates.push(key);
  keys.add(key);
}

/** "\u0061" and "a" are the same key. */
function unescaped(literal: string): string {
  if (!literal.includes("\\")) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}

/** Index of the quote that ends the string begun at `start`; the last index when there is none. */
function closingQuote(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return i;
  }
  return text.length - 1;
}

/** In JSON only a key is followed by a colon. */
function isKey(text: string, from: number): boolean {
  let i = from;
  while (i < text.length && " \t\r\n".includes(text[i]!)) i++;
  return text.charCodeAt(i) === COLON;
}
