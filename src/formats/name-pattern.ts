/**
 * Patterns over module names, as PEFT's config holds them: the part of Python's regular expressions that such patterns
 * use. Matching follows sets of positions instead of trying one path after another, so that no pattern can hang it.
 */

export interface NamePattern {
  /** Python's `re.fullmatch(pattern, name)`. */
  matches(name: string): boolean;
  /** `re.match(rf"(.*\.)?({pattern})$", name)`: the whole name, or what follows one of its dots. */
  matchesEnd(name: string): boolean;
}

interface One {
  readonly kind: "one";
  readonly test: (char: string) => boolean;
}
interface Where {
  readonly kind: "where";
  readonly test: (text: string, at: number) => boolean;
}
interface Several {
  readonly kind: "all" | "any";
  readonly parts: readonly Node[];
}
interface Repeat {
  readonly kind: "repeat";
  readonly body: Node;
  readonly min: number;
  readonly max: number;
}
type Node = One | Where | Several | Repeat;

const MAX_LENGTH = 4000;
const MAX_DEPTH = 40;
const MAX_COUNT = 1000;

/** null for what is no pattern, or uses more than classes, groups, alternatives, repetition, ^, $ and \b. */
export function namePattern(source: string): NamePattern | null {
  if (source.length > MAX_LENGTH) return null;
  const parser = new Parser(source);
  const root = parser.alternatives(0);
  if (root === null || !parser.atEnd) return null;
  return {
    matches: (name) => name.length <= MAX_LENGTH && endsOf(root, name)(0).has(name.length),
    matchesEnd(name) {
      if (name.length > MAX_LENGTH) return false;
      const ends = endsOf(root, name);
      for (let at = 0; at <= name.length; at++) {
        if ((at === 0 || name[at - 1] === ".") && ends(at).has(name.length)) return true;
      }
      return false;
    },
  };
}

/** Positions at which a match that begins at `at` can end. */
type Ends = (at: number) => ReadonlySet<number>;

function endsOf(root: Node, text: string): Ends {
  const known = new Map<Node, Map<number, ReadonlySet<number>>>();
  const through = (node: Node, from: ReadonlySet<number>) => {
    const reached = new Set<number>();
    for (const at of from) for (const end of ends(node, at)) reached.add(end);
    return reached;
  };
  const ends = (node: Node, at: number): ReadonlySet<number> => {
    if (node.kind === "one") return at < text.length && node.test(text[at]!) ? new Set([at + 1]) : NOWHERE;
    if (node.kind === "where") return node.test(text, at) ? new Set([at]) : NOWHERE;
    const memo = known.get(node) ?? new Map<number, ReadonlySet<number>>();
    known.set(node, memo);
    const found = memo.get(at) ?? compute(node, at);
    memo.set(at, found);
    return found;
  };
  const compute = (node: Several | Repeat, at: number): ReadonlySet<number> => {
    if (node.kind === "repeat") return repeated(node, at);
    if (node.kind === "any") return new Set(node.parts.flatMap((part) => [...ends(part, at)]));
    return node.parts.reduce((reached, part) => through(part, reached), new Set([at]));
  };
  const repeated = ({ body, min, max }: Repeat, at: number): ReadonlySet<number> => {
    let reached = new Set([at]);
    const all = new Set(min === 0 ? reached : []);
    for (let count = 1; count <= max && reached.size > 0; count++) {
      const next = through(body, reached);
      const settled = next.size === reached.size && [...next].every((end) => reached.has(end));
      reached = next;
      if (count >= min || settled) for (const end of next) all.add(end);
      if (settled) break; // further rounds reach the same places
    }
    return all;
  };
  return (at) => ends(root, at);
}

const NOWHERE: ReadonlySet<number> = new Set();

const isWord = (char: string | undefined) => char !== undefined && /\w/.test(char);
const CLASSES: Readonly<Record<string, (char: string) => boolean>> = {
  d: (char) => /\d/.test(char),
  D: (char) => /\D/.test(char),
  w: isWord,
  W: (char) => !isWord(char),
  s: (char) => /\s/.test(char),
  S: (char) => /\S/.test(char),
};
const isBoundary = (text: string, at: number) => isWord(text[at - 1]) !== isWord(text[at]);
const PLACES: Readonly<Record<string, (text: string, at: number) => boolean>> = {
  "^": (_, at) => at === 0,
  $: (text, at) => at === text.length,
  b: isBoundary,
  B: (text, at) => !isBoundary(text, at),
};

/** Every method returns null where the source is beyond what is known here. */
class Parser {
  private at = 0;
  private readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  get atEnd(): boolean {
    return this.at === this.source.length;
  }

  alternatives(depth: number): Node | null {
    if (depth > MAX_DEPTH) return null;
    const parts: Node[] = [];
    do {
      const part = this.sequence(depth);
      if (part === null) return null;
      parts.push(part);
    } while (this.take("|"));
    return { kind: "any", parts };
  }

  private sequence(depth: number): Node | null {
    const parts: Node[] = [];
    while (!this.atEnd && !"|)".includes(this.source[this.at]!)) {
      const atom = this.atom(depth);
      const part = atom && this.repeated(atom);
      if (part === null) return null;
      parts.push(part);
    }
    return { kind: "all", parts };
  }

  private atom(depth: number): Node | null {
    const char = this.source[this.at++]!;
    if (char === "(") {
      if (this.take("?") && !this.take(":")) return null;
      const group = this.alternatives(depth + 1);
      return this.take(")") ? group : null;
    }
    if (char === "[") return this.set();
    if (char === "\\") return this.escape();
    if (char === ".") return { kind: "one", test: (other) => other !== "\n" };
    if (char === "^" || char === "$") return { kind: "where", test: PLACES[char]! };
    return "*+?{}".includes(char) ? null : one(char);
  }

  private repeated(body: Node): Node | null {
    const counts = this.counts();
    if (counts === null) return null;
    if (counts === undefined) return body;
    this.take("?"); // lazy or not, the same names match
    return "*+?{".includes(this.source[this.at] ?? "\n") ? null : { kind: "repeat", body, ...counts };
  }

  private counts(): { min: number; max: number } | null | undefined {
    if (this.take("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.take("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.take("?")) return { min: 0, max: 1 };
    if (!this.take("{")) return undefined;
    const [whole, first, comma, second] =
      /^(\d{1,4})(,?)(\d{0,4})\}/.exec(this.source.slice(this.at, this.at + 12)) ?? [];
    if (whole === undefined) return null;
    this.at += whole.length;
    const min = Number(first);
    const max = comma === "" ? min : second === "" ? Number.POSITIVE_INFINITY : Number(second);
    return min > MAX_COUNT || max < min || (comma === "" && second !== "") ? null : { min, max };
  }

  private escape(): Node | null {
    const char = this.source[this.at++];
    if (char === undefined) return null;
    if (Object.hasOwn(CLASSES, char)) return { kind: "one", test: CLASSES[char]! };
    if (char === "b" || char === "B") return { kind: "where", test: PLACES[char]! };
    return isWord(char) ? null : one(char);
  }

  private set(): Node | null {
    const negated = this.take("^");
    const tests: ((char: string) => boolean)[] = [];
    if (this.source[this.at] === "]") return null;
    while (!this.take("]")) {
      const char = this.source[this.at++];
      if (char === undefined || char === "[") return null;
      if (char === "\\") {
        const escaped = this.escape();
        if (escaped?.kind !== "one") return null;
        tests.push(escaped.test);
      } else if (/^-[^\]]/.test(this.source.slice(this.at, this.at + 2))) {
        const last = this.source[this.at + 1]!;
        if (last === "\\" || last < char) return null;
        this.at += 2;
        tests.push((other) => other >= char && other <= last);
      } else tests.push((other) => other === char);
    }
    return { kind: "one", test: (other) => tests.some((test) => test(other)) !== negated };
  }

  private take(char: string): boolean {
    if (this.source[this.at] !== char) return false;
    this.at++;
    return true;
  }
}

const one = (char: string): Node => ({ kind: "one", test: (other) => other === char });
