/**
 * The adapter as a picture: for every block and module how large its change to the weights is, beside the same module in
 * the other blocks. Layers that are zero, not finite or far from their neighbours carry a sign and a word.
 */
import { median } from "../core/robust.ts";
import { formatNumber, formatSetting } from "../core/units.ts";
import { splitModule } from "../lora/adapter.ts";
import { findKnob } from "../train/config.ts";
import { type Html, html, type Part } from "./html.ts";
import type { ReportFactor, ReportInput } from "./input.ts";
import { nothing, type Section } from "./layout.ts";
import { counted } from "./words.ts";

/** A change this many times its module's median, or this much smaller, stands out. */
const OUTLIER = 4;
/** Below this many blocks a median says nothing about one of them. */
const FEWEST = 4;
const MOST_BLOCKS = 160;
const MOST_NAMED = 8;

interface Cell {
  readonly factor: ReportFactor;
  readonly block: number | null;
  readonly key: string;
  /** ‖ΔW‖ as a multiple of the median of its module over all blocks; NaN where that is 0 or it is not finite. */
  readonly relative: number;
  readonly sign: Sign | null;
}

type Sign = keyof typeof SIGNS;
const SIGNS = {
  zero: { mark: "0", word: "changes nothing" },
  broken: { mark: "✕", word: "not finite" },
  large: { mark: "▲", word: "far above its neighbours" },
  small: { mark: "▼", word: "far below its neighbours" },
} as const;

export function layersPart({ audit }: ReportInput): Section {
  const head = { id: "layers", title: "What the adapter changed" };
  if (!audit || audit.factors.length === 0) return { ...head, body: nothing("There is no adapter to look into.") };
  const cells = measureCells(audit.factors);
  const inside = cells.filter(({ block }) => block !== null);
  const outside = cells.filter(({ block }) => block === null);
  return {
    ...head,
    body: html`<p>${summary(cells)}</p>
${inside.length > 0 && grid(inside)}
${outside.length > 0 && html`<p>Outside the blocks: ${outside.slice(0, 12).map(({ factor, sign }, i) => [i > 0 && ", ", factor.module, " ", changeOf(factor), sign && ` (${SIGNS[sign].word})`])}.</p>`}
${inside.length > 0 && legend()}`,
  };
}

function measureCells(factors: readonly ReportFactor[]): Cell[] {
  const named = factors.map((factor) => ({ factor, ...splitModule(factor.module) }));
  const usual = new Map<string, { middle: number; count: number }>();
  for (const key of new Set(named.map((one) => one.key))) {
    const norms = named.filter((one) => one.key === key && one.factor.finite).map((one) => one.factor.norm_delta);
    usual.set(key, { middle: median(norms), count: norms.length });
  }
  return named.map((one) => {
    const { middle, count } = usual.get(one.key)!;
    const relative = one.factor.finite && middle > 0 ? one.factor.norm_delta / middle : Number.NaN;
    return { ...one, relative, sign: signOf(one.factor, relative, count) };
  });
}

function signOf({ finite, zero, outlier }: ReportFactor, relative: number, count: number): Sign | null {
  if (!finite) return "broken";
  if (zero) return "zero";
  if (count < FEWEST) return null;
  // The audit's own rule, where it has been applied: inspect and the page mark the same layers.
  if (outlier !== undefined) return outlier ? (relative > 1 ? "large" : "small") : null;
  return relative > OUTLIER ? "large" : relative < 1 / OUTLIER ? "small" : null;
}

function summary(cells: readonly Cell[]): string {
  const parts = (Object.keys(SIGNS) as Sign[]).flatMap((sign) => {
    const found = cells.filter((cell) => cell.sign === sign);
    if (found.length === 0) return [];
    const names = found.slice(0, MOST_NAMED).map(nameOf).join("; ");
    const rest = found.length > MOST_NAMED ? `; ${found.length - MOST_NAMED} more` : "";
    return `${found.length} ${SIGNS[sign].word} (${names}${rest}).`;
  });
  const lead = `${counted(cells.length, "adapted layer")}.`;
  if (parts.length > 0) return [lead, ...parts].join(" ");
  const most = cells.reduce((a, b) => (b.factor.norm_delta > a.factor.norm_delta ? b : a));
  const least = cells.reduce((a, b) => (b.factor.norm_delta < a.factor.norm_delta ? b : a));
  const span = `The largest change is in ${nameOf(most)} (${changeOf(most.factor)}), the smallest in ${nameOf(least)} (${changeOf(least.factor)}).`;
  return `${lead} Every one is finite and changes its weights, none is far from its neighbours. ${cells.length > 1 ? span : ""}`;
}

const leafOf = (key: string): string => key.slice(key.lastIndexOf(".") + 1);
const nameOf = ({ block, key }: Cell): string => (block === null ? key : `block ${block}, ${leafOf(key)}`);
const changeOf = ({ norm_delta, finite }: ReportFactor): string =>
  finite && Number.isFinite(norm_delta) ? formatSetting(Number(norm_delta.toPrecision(3))) : "not finite";

function grid(cells: readonly Cell[]): Html {
  const keys = [...new Set(cells.map(({ key }) => key))].sort((a, b) => placeOf(a) - placeOf(b));
  const blocks = [...new Set(cells.map(({ block }) => block!))].sort((a, b) => a - b);
  const at = new Map(cells.map((cell) => [`${cell.block} ${cell.key}`, cell]));
  const leaves = keys.map(leafOf);
  const names = new Set(leaves).size === leaves.length ? leaves : keys;
  const caption = "Size of each layer's change, as a multiple of the median of its module";
  const rest = blocks.length - MOST_BLOCKS;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table class="heat"><caption class="hidden">${caption}</caption>
<thead><tr><th scope="col">Block</th>${names.map((name) => html`<th scope="col">${shortName(name)}</th>`)}</tr></thead>
<tbody>${blocks.slice(0, MOST_BLOCKS).map(
    (block) => html`<tr><th scope="row">${block}</th>${keys.map((key) => cellMarkup(at.get(`${block} ${key}`)))}</tr>
`,
  )}</tbody></table></div>${rest > 0 && html`<p class="soft">${counted(rest, "more block")} left out.</p>`}`;
}

const USUAL = findKnob("targetModules")!.default as readonly string[];

/** In the order in which a block uses them; others come after, as they are. */
function placeOf(key: string): number {
  const place = USUAL.indexOf(leafOf(key));
  return place < 0 ? USUAL.length : place;
}

/** Room to break "gate_proj" into two lines on a narrow page. */
const shortName = (name: string): Part => name.split("_").map((piece, i) => (i === 0 ? piece : [html`_<wbr>`, piece]));

function cellMarkup(cell: Cell | undefined): Html {
  if (!cell) return html`<td class="none">–</td>`;
  const { relative, sign } = cell;
  const level = Number.isFinite(relative) && relative > 0 ? levelOf(relative) : 0;
  const text = Number.isFinite(relative) && sign !== "zero" ? formatNumber(relative, relative < 10 ? 3 : 2) : "";
  return html`<td data-sign="${sign ?? "none"}" style="--level:${level}" title="${details(cell)}">${sign && html`<b>${SIGNS[sign].mark}</b> `}${text}</td>`;
}

/** Half the median is pale, twice the median is full. */
const levelOf = (relative: number): number => Math.round(100 * Math.min(1, Math.max(0, (Math.log2(relative) + 1) / 2)));

function details(cell: Cell): string {
  const { factor, relative, sign } = cell;
  const { norm_A, norm_B, rank, effective_rank, singular_values } = factor;
  const parts = [
    `${nameOf(cell)}: ‖ΔW‖ ${changeOf(factor)}`,
    Number.isFinite(relative) && `${formatNumber(relative, 3)} × the median of its module`,
    `‖A‖ ${formatNumber(norm_A, 3)}`,
    `‖B‖ ${formatNumber(norm_B, 3)}`,
    effective_rank === undefined ? `rank ${rank}` : `effective rank ${formatNumber(effective_rank, 2)} of ${rank}`,
    singular_values?.length && `largest singular value ${formatNumber(singular_values[0]!, 3)}`,
    sign && SIGNS[sign].word,
  ];
  return parts.filter(Boolean).join(", ");
}

function legend(): Html {
  return html`<p class="soft small">1.00 is the median of the module over all blocks; the fuller the colour, the larger the change. ${Object.values(
    SIGNS,
  ).map(({ mark, word }, i) => [i > 0 && " · ", html`<b>${mark}</b> ${word}`])}. Hover a cell for its numbers.</p>`;
}
