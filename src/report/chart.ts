/**
 * A chart without a script: lines of SVG that stretch with the page, labels and marks of HTML that do not. However long
 * the run, a line has at most two points for each of a thousand columns, its lowest and its highest.
 */
import type { Axis } from "./axis.ts";
import { type Html, html, type Part, raw } from "./html.ts";
import { type IconName, icon } from "./icon.ts";

export interface Point {
  readonly x: number;
  /** Not finite: a gap. */
  readonly y: number;
}

export interface Line {
  readonly name: string;
  /** How it looks: raw, smooth, valid, undone, limit. */
  readonly look: "raw" | "smooth" | "valid" | "undone" | "limit";
  /** Stretches that are not joined. */
  readonly parts: readonly (readonly Point[])[];
}

export interface Mark {
  readonly x: number;
  /** Absent: at the top (rollback) or bottom (skipped). */
  readonly y?: number | undefined;
  readonly look: "best" | "skipped" | "rollback";
  readonly title: string;
}

export interface ChartSpec {
  /** For ids, unique in the report. */
  readonly id: string;
  readonly title: string;
  /** "natural log per token" */
  readonly unit: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  readonly marks?: readonly Mark[];
  /** What the picture shows, in words. */
  readonly summary: string;
  readonly large?: boolean;
}

const SIDE = 1000;
const MARK_ICONS: Readonly<Record<Mark["look"], IconName>> = { best: "target", skipped: "cross", rollback: "back" };
const MARK_WORDS: Readonly<Record<Mark["look"], string>> = {
  best: "best",
  skipped: "skipped update",
  rollback: "rolled back",
};

/** The figure: title, legend, picture, summary. */
export function chart({ id, title, unit, x, y, lines, marks = [], summary, large = false }: ChartSpec): Html {
  const drawn = lines.filter(({ parts }) => parts.some((part) => part.some(({ y }) => Number.isFinite(y))));
  return html`<figure class="chart" data-large="${String(large)}" aria-labelledby="${id}">
<figcaption><h3 id="${id}">${title}</h3><span class="soft small">${unit}${y.log && ", logarithmic"}</span></figcaption>
<div class="plot" role="img" aria-label="${title}. ${summary}">
<div class="axis-y">${y.ticks.map(({ at, label }) => html`<span style="bottom:${percent(at)}">${label}</span>`)}</div>
<div class="area"><svg viewBox="0 0 ${SIDE} ${SIDE}" preserveAspectRatio="none" aria-hidden="true">${[
    html`<path class="grid" d="${y.ticks.map(({ at }) => `M0 ${fromTop(at)}H${SIDE}`).join("")}"/>`,
    html`<path class="line-rollback" d="${marks.filter(({ look }) => look === "rollback").map((mark) => `M${across(x.place(mark.x))} 0V${SIDE}`)}"/>`,
    drawn.map((line) => lineMarkup(line, x, y)),
  ]}</svg>${marks.map((mark) => markMarkup(mark, x, y))}</div>
<div class="axis-x">${x.ticks.map(({ at, label }) => html`<span style="left:${percent(at)}">${label}</span>`)}</div>
</div>
${legend(drawn, marks)}
<p class="soft small">${summary}</p>
</figure>`;
}

function lineMarkup({ look, parts }: Line, x: Axis, y: Axis): Part {
  const d = parts.map((part) => linePath(part, x, y)).join("");
  const points = parts.flat();
  // Measurements far apart, and a point without neighbours, are to be seen as such.
  const few = look === "valid" ? points.length <= SIDE / 10 : points.length === 1;
  const dots = few && html`<path class="line-${look} dots" d="${raw(dotPath(points, x, y))}"/>`;
  // Numbers and letters of our own making, too long for a text.
  return [html`<path class="line-${look}" d="${raw(d)}"/>`, dots];
}

const percent = (share: number): string => `${Number((100 * share).toFixed(2))}%`;
const across = (share: number): number => Math.round(SIDE * share);
const fromTop = (share: number): number => Math.round(SIDE * (1 - share));

/** "M0 500L10 480…": broken at gaps; a point alone is a dot, by its round cap. */
export function linePath(points: readonly Point[], x: Axis, y: Axis): string {
  const out: string[] = [];
  let column = -1;
  let tops: number[] = [];
  let open = false;
  const flush = () => {
    if (column < 0) return;
    if (tops.length === 0) {
      open = false;
      return;
    }
    const low = tops.indexOf(Math.min(...tops));
    const high = tops.indexOf(Math.max(...tops));
    for (const i of new Set([Math.min(low, high), Math.max(low, high)])) {
      out.push(open ? `L${column} ${tops[i]}` : `M${column} ${tops[i]}h0`);
      open = true;
    }
  };
  for (const point of points) {
    const next = across(x.place(point.x));
    if (next !== column) {
      flush();
      column = next;
      tops = [];
    }
    const top = fromTop(y.place(point.y));
    if (Number.isFinite(top)) tops.push(top);
  }
  flush();
  return out.join("");
}

function dotPath(points: readonly Point[], x: Axis, y: Axis): string {
  const places = points.filter(({ y: value }) => Number.isFinite(y.place(value)));
  return places.map((point) => `M${across(x.place(point.x))} ${fromTop(y.place(point.y))}h0`).join("");
}

function markMarkup({ x: at, y: value, look, title }: Mark, x: Axis, y: Axis): Part {
  const height = value === undefined ? (look === "rollback" ? 1 : 0) : y.place(value);
  if (!Number.isFinite(height)) return null;
  const style = `left:${percent(x.place(at))};bottom:${percent(height)}`;
  return html`<span class="mark mark-${look}" style="${style}" title="${title}">${icon(MARK_ICONS[look])}</span>`;
}

function legend(lines: readonly Line[], marks: readonly Mark[]): Part {
  const looks = [...new Set(marks.map(({ look }) => look))];
  if (lines.length + looks.length < 2) return null;
  return html`<ul class="legend" aria-hidden="true">${[
    lines.map(
      ({ name, look }) =>
        html`<li><svg class="swatch" viewBox="0 0 20 8"><path class="line-${look}" d="M1 4H19"/></svg>${name}</li>`,
    ),
    looks.map((look) => html`<li><span class="mark-${look}">${icon(MARK_ICONS[look])}</span>${MARK_WORDS[look]}</li>`),
  ]}</ul>`;
}
