/**
 * Added tokens ("<|im_start|>", "</s>") are cut out of the text before anything else looks at it.
 * Rules as in HF tokenizers' AddedVocabulary: leftmost match first, the longest one at a place, `single_word`, and
 * `lstrip` / `rstrip`, which swallow the white space beside the token.
 */

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly special: boolean;
}

/** A stretch [begin, end) of the text: an added token, or ordinary text between them. */
export interface Section {
  readonly begin: number;
  readonly end: number;
  readonly token?: AddedToken;
}

/** Cuts a text into sections that follow each other without gaps. */
export type Splitter = (text: string) => Section[];

/** A splitter for `tokens`, each found by its `pattern` (the content, normalised where the tokenizer says so). */
export function createSplitter(tokens: readonly { pattern: string; token: AddedToken }[]): Splitter {
  const byFirst = new Map<string, { pattern: string; token: AddedToken }[]>();
  for (const entry of tokens) {
    if (entry.pattern === "") continue;
    const group = byFirst.get(entry.pattern[0]!) ?? [];
    byFirst.set(
      entry.pattern[0]!,
      [...group, entry].sort((a, b) => b.pattern.length - a.pattern.length),
    );
  }
  return (text) => {
    const sections: Section[] = [];
    let done = 0;
    for (let i = 0; i < text.length; ) {
      const match = byFirst.get(text[i]!)?.find((entry) => text.startsWith(entry.pattern, i));
      if (match === undefined || (match.token.single_word && !standsAlone(text, i, i + match.pattern.length))) {
        i += match?.pattern.length ?? 1;
        continue;
      }
      const begin = match.token.lstrip ? Math.max(done, text.slice(0, i).trimEnd().length) : i;
      const end = i + match.pattern.length + (match.token.rstrip ? leadingSpace(text, i + match.pattern.length) : 0);
      if (begin > done) sections.push({ begin: done, end: begin });
      sections.push({ begin, end, token: match.token });
      done = end;
      i = end;
    }
    if (done < text.length) sections.push({ begin: done, end: text.length });
    return sections;
  };
}

const leadingSpace = (text: string, at: number) => text.length - at - text.slice(at).trimStart().length;

const WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u;

function standsAlone(text: string, begin: number, end: number): boolean {
  const before = begin > 0 && WORD.test(text[begin - 1]!);
  const after = end < text.length && WORD.test(text[end]!);
  return !before && !after;
}
