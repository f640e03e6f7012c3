import fc from "fast-check";
import { expect, it } from "vitest";
import { diffWords } from "../../../src/ui/kit/diff-words.ts";

const marked = (before: string, after: string) =>
  diffWords(before, after)
    .map(({ text, fresh }) => (fresh ? `[${text}]` : text))
    .join("");

it.each([
  ["same text", "same text", "same text"],
  ["", "all new", "[all new]"],
  ["gone", "", ""],
  ["It eats nectar.", "It drinks nectar.", "It [drinks] nectar."],
  ["a b c d", "a x c y", "a [x] c [y]"],
  ["lives here", "Ah, it lives  here\nnow", "[Ah, it] lives  here\n[now]"],
  ["one two", "two one", "two [one]"],
])("marks what is new from %j to %j", (before, after, expected) => {
  expect(marked(before, after)).toBe(expected);
});

it("loses nothing of the text, and marks only what its longest common run leaves", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", " ", "\n"), { maxLength: 30 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const parts = diffWords(before, after);
      expect(parts.map((part) => part.text).join("")).toBe(after);
      const kept = parts.flatMap(({ text, fresh }) => (fresh ? [] : (text.match(/\S+/g) ?? [])));
      const old: readonly string[] = before.match(/\S+/g) ?? [];
      let at = 0;
      for (const word of kept) at = old.indexOf(word, at) + 1 || Number.NaN;
      expect(at).not.toBeNaN();
      expect(parts.every((part) => !part.fresh || /^\S(.*\S)?$/s.test(part.text))).toBe(true);
    }),
  );
});

it("gives up on marking single words of very long texts, but not on the text", () => {
  const before = Array.from({ length: 3000 }, (_, i) => `a${i}`).join(" ");
  const after = Array.from({ length: 3000 }, (_, i) => `b${i}`).join(" ");
  expect(diffWords(before, after)).toEqual([{ text: after, fresh: true }]);
});
