/** JSON text with members of its outermost object left out. All else stays as written: order, spacing, how numbers are spelt. */

const STRING = /"(?:[^"\\]|\\.)*"/y;

/** @param text an object, known to be JSON */
export function withoutMembers(text: string, keys: readonly string[]): string {
  const first = text.indexOf("{") + 1;
  const kept: string[] = [];
  let [begin, end, at] = [first, first, first];
  while (text[at] !== undefined) {
    at = skipSpace(text, begin);
    if (text[at] !== '"') break;
    const key = stringAt(text, at);
    end = valueEnd(text, text.indexOf(":", at + key.length) + 1);
    if (!keys.includes(JSON.parse(key))) kept.push(text.slice(begin, end));
    at = skipSpace(text, end);
    if (text[at] !== ",") break;
    begin = at + 1;
  }
  return `${text.slice(0, first)}${kept.join(",")}${text.slice(end)}`;
}

function stringAt(text: string, at: number): string {
  STRING.lastIndex = at;
  return STRING.exec(text)![0];
}

function skipSpace(text: string, at: number): number {
  while (/\s/.test(text[at] ?? "")) at++;
  return at;
}

/** Just behind the value that begins at or after `at`, without the space behind it. */
function valueEnd(text: string, at: number): number {
  let [depth, end] = [0, at];
  for (; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') at += stringAt(text, at).length - 1;
    else if ("[{".includes(char)) depth++;
    else if ("]}".includes(char) && --depth < 0) break;
    else if (char === "," && depth === 0) break;
    if (!/\s/.test(char)) end = at + 1;
  }
  return end;
}
