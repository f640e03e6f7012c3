/** What every part of the report is built from: a section with its heading, a table, a list of facts. */
import { type Html, html, type Part } from "./html.ts";

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Part;
}

export const sectionMarkup = ({ id, title, body }: Section): Html => html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${body}
</section>
`;

export interface TableSpec {
  readonly caption: string;
  readonly columns: readonly string[];
  /** The first cell of a row is its heading. */
  readonly rows: readonly (readonly Part[])[];
  /** numbers: columns of figures, aligned at the right; settings: much text in the first column. */
  readonly look?: "text" | "numbers" | "settings";
}

/** A table that scrolls by itself where the page is too narrow; the caption is for those who cannot see what it belongs to. */
export function table({ caption, columns, rows, look = "text" }: TableSpec): Html {
  const [corner, ...others] = columns;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table data-look="${look}">
<caption class="hidden">${caption}</caption>
<thead><tr><th scope="col">${corner}</th>${others.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(rowMarkup)}</tbody>
</table></div>`;
}

const rowMarkup = ([head, ...cells]: readonly Part[]): Html =>
  html`<tr><th scope="row">${head}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`;

/** Terms and what they are; those without a value are left out. */
export function facts(entries: readonly (readonly [term: string, value: Part])[]): Html {
  const known = entries.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return html`<dl class="facts">${known.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** A state in which there is nothing to show, in words. */
export const nothing = (text: string): Html => html`<p class="soft">${text}</p>`;
