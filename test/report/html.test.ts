import fc from "fast-check";
import { parseFragment } from "parse5";
import { describe, expect, it } from "vitest";
import { clipped, html, raw, render } from "../../src/report/html.ts";
import { attributeOf, elementsIn, textOf } from "./support.ts";

const shown = (text: string) => render(html`<p title="${text}">${text}</p>`);
const READ = /(?![\t\n])[\p{Cc}\p{Cs}]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/u;

describe("markup that escapes", () => {
  it("any text stays one element with that text, in its attribute too", () => {
    const letter = fc.constantFrom(..."<>&\"'`/!-=a \n\0\u202e\ud800\u0085😀", "</p>", "<script>", "]]>", "&lt;");
    fc.assert(
      fc.property(fc.array(letter), (letters) => {
        const markup = shown(letters.join(""));
        const fragment = parseFragment(markup);
        const elements = elementsIn(fragment);
        expect(elements.map(({ tagName }) => tagName)).toEqual(["p"]);
        const text = textOf(fragment);
        expect(attributeOf(elements[0]!, "title")).toBe(text);
        expect(elements[0]!.attrs).toHaveLength(1);
        expect(text).not.toMatch(READ);
        // Markup that is read as written loses nothing of what is plain.
        const plain = letters.join("").replace(/[\0\u202e\ud800\u0085]/g, (one) => `⟨U+${hex(one)}⟩`);
        expect(text).toBe(plain);
      }),
    );
  });

  it("without escaping the same text is markup", () => {
    const fragment = parseFragment(render(raw("</p><script>x</script>")));
    expect(elementsIn(fragment).map(({ tagName }) => tagName)).toContain("script");
  });

  it("data from JSON cannot pass for markup", () => {
    const forged = JSON.parse('{"markup":"<script>","toString":"<script>"}');
    expect(render(html`<p>${forged}</p>`)).not.toContain("<script>");
  });

  it("leaves out what is absent, joins lists, keeps zero", () => {
    expect(render(html`${null}${undefined}${false}${[1, html`<b>${0}</b>`, "<"]}`)).toBe("1<b>0</b>&lt;");
  });

  it("cuts long texts between characters and says how many are left out", () => {
    expect(textOf(parseFragment(render(html`${clipped("abcdef", 6)}`)))).toBe("abcdef");
    expect(textOf(parseFragment(render(html`${clipped("abcdefgh", 6)}`)))).toBe(
      "abcdef … 2 more characters are left out",
    );
    expect(render(html`${clipped("ab😀cd", 3)}`)).toMatch(/^ab</);
    expect(shown("x".repeat(1e6)).length).toBeLessThan(10_000);
  });
});

const hex = (letter: string) => letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
