/** Text cut into pieces much as a tokenizer cuts it, for text whose tokens are not known. */

// A word, digit or sign with the space before it; scripts written without spaces, character by character.
const PIECE =
  / ?(?:[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}]+|\p{N}|[^\s\p{L}\p{M}\p{N}])|\s/gu;

/** The first `most` pieces of a text. */
export function piecesOf(text: string, most: number): string[] {
  const pieces: string[] = [];
  for (const [piece] of text.matchAll(PIECE)) {
    if (pieces.length === most) break;
    pieces.push(piece);
  }
  return pieces;
}

/** Whether there is a letter, a digit or a picture in it: anything that says something. */
export const saysSomething = (text: string): boolean =>
  /[\p{L}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}]/u.test(text);

const NAMES: Readonly<Record<string, string>> = {
  ",": "comma",
  ".": "full stop",
  "!": "exclamation mark",
  "?": "question mark",
  "-": "hyphen",
  "\n": "line break",
  " ": "space",
};

/** What people call a token: "the comma token", `the token "the"`. */
export function nameOfToken(spelling: string): string {
  const name = NAMES[spelling] ?? NAMES[spelling.trim()];
  return name
    ? `the ${name} token`
    : `the token ${JSON.stringify(spelling.trim() === "" ? spelling : spelling.trim())}`;
}
