import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { namePattern } from "../../src/formats/name-pattern.ts";

const Q = "model.layers.11.self_attn.q_proj";
const matches = (source: string, name: string) => namePattern(source)?.matches(name);
const matchesEnd = (source: string, name: string) => namePattern(source)?.matchesEnd(name);

describe("whole names", () => {
  it.each([
    [Q, true],
    [".*q_proj", true],
    ["q_proj", false],
    [String.raw`model\.layers\.(0|1|11)\..*`, true],
    [String.raw`model\.layers\.(0|1)\..*`, false],
    [String.raw`.*\.layers\.\d{2}\..*proj$`, true],
    [String.raw`.*\.layers\.\d{3,}\..*`, false],
    ["^model.*[kqv]_proj", true],
    ["model.*[^kv]_proj", true],
    ["model.*[a-p]_proj", false],
    [
      String.raw`(?:.*?(?:language|text).*?(?:self_attn|mlp).*?(?:k_proj|q_proj).*?)|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|mlp)\.(?:(?:k_proj|q_proj)))`,
      true,
    ],
    ["(model|)x?.*", true],
    ["", false],
  ])("%s", (source, expected) => {
    expect(matches(source, Q)).toBe(expected);
  });
});

describe("ends of names", () => {
  it.each([
    ["q_proj", true],
    ["proj", false],
    ["self_attn.q_proj", true],
    ["attn.q_proj", false],
    [Q, true],
    ["^q_proj", false],
    [`^${Q}`, true],
    ["layers.1.self_attn.q_proj", false],
    ["k_proj|q_proj", true],
    ["q_proj.weight", false],
  ])("%s", (source, expected) => {
    expect(matchesEnd(source, Q)).toBe(expected);
  });
});

it.each([
  "(",
  ")",
  "a)",
  "[",
  "[]a]",
  "a**",
  "*",
  "a++",
  "(?=a)",
  "(?P<n>a)",
  "(?i)a",
  String.raw`\1`,
  String.raw`\Z`,
  "a{3,2}",
  "a{9999}",
  "a{",
  "x".repeat(4001),
  "(".repeat(60) + ")".repeat(60),
])("is not known here: %s", (source) => {
  expect(namePattern(source)).toBeNull();
});

it("agrees with the platform's expressions on random patterns and names", () => {
  const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", String.raw`\.`, String.raw`\w`, "^", "$", String.raw`\b`);
  const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
    piece: fc.oneof(
      { depthSize: "small" },
      atom,
      fc
        .tuple(tie("pattern"), fc.constantFrom("", "?", "*", "+", "{2}", "{1,2}"))
        .map(([inside, count]) => `(?:${inside})${count}`),
    ),
    pattern: fc.oneof(
      { depthSize: "small" },
      fc.array(tie("piece"), { maxLength: 4 }).map((pieces) => pieces.join("")),
      fc.tuple(tie("piece"), tie("piece")).map(([a, b]) => `${a}|${b}`),
    ),
  }));
  const name = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 7 });
  let [matched, unmatched] = [0, 0];
  fc.assert(
    fc.property(pattern, name, (source, text) => {
      const expected = new RegExp(`^(?:${source})$`).test(text);
      if (expected) matched++;
      else unmatched++;
      expect(matches(source, text)).toBe(expected);
      expect(matchesEnd(source, text)).toBe(new RegExp(String.raw`^(?:.*\.)?(?:${source})$`).test(text));
    }),
    { numRuns: 2000 },
  );
  expect(matched).toBeGreaterThan(100);
  expect(unmatched).toBeGreaterThan(100);
});

it("patterns that others try for ages are answered at once", () => {
  const name = `${"a".repeat(60)}!`;
  for (const source of ["(a+)+", "(a|a)*", "(a*)*b", "((a?){500}){500}", "(.*.*.*)*x"])
    expect(matches(source, name)).toBe(false);
  expect(matches("(a+)+!", name)).toBe(true);
});
