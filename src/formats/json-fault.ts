/**
 * Finds where a text stops being JSON (RFC 8259), with the same words in every browser: `JSON.parse` tells whether, each
 * engine in its own way, and some without a position. A loop with its own stack, so nesting depth costs memory only.
 */

export interface JsonFault {
  /** UTF-16 index of the first character that cannot be there. */
  readonly offset: number;
  readonly expected: string;
}

type Expect = "value" | "value or ]" | "key or }" | "key" | "colon" | "comma or end" | "nothing";

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;

/** The first fault of `text`, or null when it is one JSON value with nothing after it. */
export function findJsonFault(text: string): JsonFault | null {
  const open: ("{" | "[")[] = [];
  let expect: Expect = "value";
  let i = skipSpace(text, 0);
  while (i < text.length) {
    const c = text[i]!;
    const closes = open.at(-1) === "{" ? "}" : "]";
    const mayClose = expect === "comma or end" || expect === (closes === "}" ? "key or }" : "value or ]");
    if (open.length > 0 && c === closes && mayClose) {
      open.pop();
      expect = open.length > 0 ? "comma or end" : "nothing";
      i++;
    } else if (expect === "key" || expect === "key or }") {
      if (c !== '"') return fault(i, expect === "key" ? 'a key in "quotes"' : 'a key in "quotes" or }');
      const end = scanString(text, i);
      if (typeof end !== "number") return end;
      expect = "colon";
      i = end;
    } else if (expect === "colon") {
      if (c !== ":") return fault(i, '":" after the key');
      expect = "value";
      i++;
    } else if (expect === "comma or end") {
      if (c !== ",") return fault(i, `"," or "${closes}"`);
      expect = closes === "}" ? "key" : "value";
      i++;
    } else if (expect === "nothing") {
      return fault(i, "the end of the line");
    } else if (c === "{" || c === "[") {
      open.push(c);
      expect = c === "{" ? "key or }" : "value or ]";
      i++;
    } else {
      const end = scanScalar(text, i);
      if (typeof end !== "number") return end;
      expect = open.length > 0 ? "comma or end" : "nothing";
      i = end;
    }
    i = skipSpace(text, i);
  }
  return expect === "nothing"
    ? null
    : fault(text.length, open.length > 0 ? `the rest of a "${open.at(-1)}"` : "a value");
}

const fault = (offset: number, expected: string): JsonFault => ({ offset, expected });

function skipSpace(text: string, i: number): number {
  while (text[i] === " " || text[i] === "\t" || text[i] === "\n" || text[i] === "\r") i++;
  return i;
}

/** The index after the string or literal at `i`, or the fault in it. */
function scanScalar(text: string, i: number): number | JsonFault {
  if (text[i] === '"') return scanString(text, i);
  for (const pattern of [NUMBER, LITERAL]) {
    pattern.lastIndex = i;
    if (pattern.test(text)) return pattern.lastIndex;
  }
  return fault(i, "a value");
}

function scanString(text: string, i: number): number | JsonFault {
  for (i++; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') return i + 1;
    if (c < " ") return fault(i, "an escape such as \\n instead of a control character");
    if (c !== "\\") continue;
    const escaped = text[++i];
    if (escaped === "u" && /^[0-9a-fA-F]{4}$/.test(text.slice(i + 1, i + 5))) i += 4;
    else if (escaped === undefined || !'"\\/bfnrt'.includes(escaped)) return fault(i - 1, "a JSON escape");
  }
  return fault(text.length, 'a closing "');
}
