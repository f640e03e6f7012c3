/**
 * Markup as tagged templates that escape every value by default. Text from models, datasets and file names is hostile:
 * it cannot end an attribute or an element, turn the direction of the text around it, hide characters, or fill the file.
 */

import { formatCount } from "../core/units.ts";

/** Not a property that data from JSON can have: text never passes for markup. */
const MARKUP = Symbol("markup");

export interface Html {
  readonly [MARKUP]: string;
}

/** Absent and false values leave nothing behind, so that `condition && html…` can stand in a template. */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

/** No text is longer than this in characters, wherever it stands. */
const LONGEST = 2000;

/** html`<p title="${text}">${text}</p>`: attributes must stand in double quotes. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return raw(strings.map((text, i) => (i < parts.length ? text + markupOf(parts[i]) : text)).join(""));
}

/** Markup made by our own code, unescaped. */
export const raw = (markup: string): Html => ({ [MARKUP]: markup });

/** The finished markup. */
export const render = (part: Html): string => part[MARKUP];

/** The first `most` characters of a text, and a note of how many more there were. */
export function clipped(text: string, most: number): Part {
  const rest = text.length - most;
  if (rest <= 0) return text;
  return [cut(text, most), html`<span class="more"> … ${formatCount(rest)} more characters are left out</span>`];
}

function markupOf(part: Part): string {
  if (part === null || part === undefined || part === false) return "";
  if (typeof part === "string") return escaped(part);
  if (typeof part === "number") return escaped(String(part));
  if (isList(part)) return part.map(markupOf).join("");
  return part[MARKUP];
}

const isList = (part: Html | readonly Part[]): part is readonly Part[] => Array.isArray(part);

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/** Control characters, half surrogates, and what turns the direction of text or is a line break to some readers only. */
const UNSEEN = /(?![\t\n\r])\p{Cc}|\p{Cs}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/gu;

function escaped(text: string): string {
  const short = text.length > LONGEST ? `${cut(text, LONGEST)} … (${formatCount(text.length - LONGEST)} more)` : text;
  return short.replace(UNSEEN, codePoint).replace(/[&<>"'`]/g, (letter) => ENTITIES[letter]!);
}

const codePoint = (letter: string): string =>
  `⟨U+${letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`;

/** Never between the halves of a character. */
function cut(text: string, most: number): string {
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? most - 1 : most);
}
