/** Which words of a text are new against the one before: the longest common run of words stays unmarked. Pure. */

export interface DiffPart {
  readonly text: string;
  readonly fresh: boolean;
}

/** Beyond this many comparisons the middle is called new as a whole: nobody reads marks in such a long text. */
const MOST = 4_000_000;

/** The parts of `after` in order, each new or not; their texts joined are `after`. White space at the ends of a new part is not marked. */
export function diffWords(before: string, after: string): DiffPart[] {
  const old = words(before);
  const now = words(after);
  const keys = now.map(bare);
  const kept = keptWords(old.map(bare), keys);
  const parts: { text: string; fresh: boolean }[] = [];
  for (const [i, text] of now.entries()) {
    const fresh = !kept[i];
    const last = parts.at(-1);
    if (last && last.fresh === fresh) last.text += text;
    else parts.push({ text, fresh });
  }
  return parts.flatMap(withoutOuterSpace);
}

/** A mark under white space looks like a slip. */
function withoutOuterSpace(part: DiffPart): DiffPart[] {
  if (!part.fresh) return [part];
  const [, before = "", text = "", after = ""] = /^(\s*)(.*?)(\s*)$/s.exec(part.text) ?? [];
  const pieces = [
    { text: before, fresh: false },
    { text, fresh: true },
    { text: after, fresh: false },
  ];
  return pieces.filter((piece) => piece.text !== "");
}

const words = (text: string): string[] => text.match(/\s*\S+\s*?(?=\s|$)|\s+$/g) ?? [];
const bare = (word: string): string => word.trim();

/** For each word of `b`, whether it belongs to the longest common subsequence with `a`. */
function keptWords(a: readonly string[], b: readonly string[]): boolean[] {
  const kept = new Array<boolean>(b.length).fill(false);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) kept[head++] = true;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) {
    tail++;
    kept[b.length - tail] = true;
  }
  const rows = a.length - head - tail;
  const columns = b.length - head - tail;
  if (rows * columns > MOST) return kept;

  // length[i][j]: the longest run common to a from i and b from j, both inside the middle.
  const wide = columns + 1;
  const length = new Uint16Array((rows + 1) * wide);
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      const same = a[head + i] === b[head + j];
      length[i * wide + j] = same
        ? length[(i + 1) * wide + j + 1]! + 1
        : Math.max(length[(i + 1) * wide + j]!, length[i * wide + j + 1]!);
    }
  }
  for (let i = 0, j = 0; i < rows && j < columns; ) {
    if (a[head + i] === b[head + j]) {
      kept[head + j] = true;
      i++;
      j++;
    } else if (length[(i + 1) * wide + j]! >= length[i * wide + j + 1]!) i++;
    else j++;
  }
  return kept;
}
