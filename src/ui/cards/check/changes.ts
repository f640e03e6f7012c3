/** How much each layer changed and in how many directions, laid out as grids of modules and blocks, and said in sentences. Pure. */
import { formatNumber, formatSetting } from "../../../core/units.ts";
import type { AdapterAudit } from "../../../worker/protocol.ts";

/** What a cell is beside its value. */
export type CellMark = "zero" | "not-finite" | "outlier";

export interface ChangeGrid {
  /** Modules in the model's order: "q_proj". */
  readonly rows: readonly string[];
  /** Blocks by their number in the file. */
  readonly columns: readonly string[];
  /** ‖scale · B·A‖, or null where the adapter has no such module or it is not finite. */
  value(row: number, column: number): number | null;
  /** Directions in use, as `value`. */
  rank(row: number, column: number): number | null;
  mark(row: number, column: number): CellMark | null;
  /** All that is known of a layer, in words; null where there is none. */
  words(row: number, column: number): string | null;
  readonly summary: string;
  /** About the directions. */
  readonly rankSummary: string;
}

type Factor = AdapterAudit["factors"][number];

interface Place {
  readonly block: number | null;
  /** Below the block: "self_attn.q_proj". */
  readonly key: string;
  readonly factor: Factor;
}

/** Three significant digits, however small. */
export const changeText = (value: number): string => formatSetting(Number(value.toPrecision(3)));

/** "5.2 of 8 directions" */
export const rankText = (value: number, rank: number): string => `${formatNumber(value, 2)} of ${rank} directions`;

/** Rows are modules, columns blocks; what lies outside the blocks is in the summary alone. */
export function changeGrid(audit: AdapterAudit): ChangeGrid {
  const places = audit.factors.map((factor) => ({ ...placeOf(factor.module), factor }));
  const inside = places.filter(({ block }) => block !== null);
  const keys = [...new Set(inside.map(({ key }) => key))];
  const blocks = [...new Set(inside.map(({ block }) => block!))].sort((a, b) => a - b);
  const at = new Map(inside.map(({ block, key, factor }) => [`${block} ${key}`, factor]));
  const factorAt = (row: number, column: number) => at.get(`${blocks[column]} ${keys[row]}`);
  return {
    rows: shortNames(keys),
    columns: blocks.map(String),
    value: (row, column) => finiteOrNull(factorAt(row, column)?.norm_delta),
    rank: (row, column) => finiteOrNull(factorAt(row, column)?.effective_rank),
    mark: (row, column) => markOf(factorAt(row, column)),
    words: (row, column) => {
      const factor = factorAt(row, column);
      return factor ? layerWords(factor) : null;
    },
    summary: summaryOf(audit, places),
    rankSummary: rankSummaryOf(audit),
  };
}

const finiteOrNull = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;

export function markOf(factor: Factor | undefined): CellMark | null {
  if (!factor) return null;
  if (!factor.finite) return "not-finite";
  if (factor.zero) return "zero";
  return factor.outlier ? "outlier" : null;
}

const MARK_WORDS: Readonly<Record<CellMark, string>> = {
  zero: "zero: it changes nothing",
  "not-finite": "not finite",
  outlier: "far from the others of its kind",
};

/** "" for a layer that is as it should be. */
export const markWords = (mark: CellMark | null): string => (mark ? MARK_WORDS[mark] : "");

function layerWords(factor: Factor): string {
  const mark = markOf(factor);
  if (mark === "not-finite") return MARK_WORDS[mark];
  const { norm_delta, effective_rank, rank } = factor;
  const parts = [changeText(norm_delta), rankText(effective_rank, rank), ...(mark ? [MARK_WORDS[mark]] : [])];
  return parts.join(", ");
}

/** "model.layers.3.self_attn.q_proj" → block 3, "self_attn.q_proj". */
function placeOf(module: string): Omit<Place, "factor"> {
  const match = /(?:^|\.)layers\.(\d+)\.(.+)$/.exec(module);
  return match ? { block: Number(match[1]), key: match[2]! } : { block: null, key: module };
}

const leafOf = (key: string): string => key.slice(key.lastIndexOf(".") + 1);

/** Last parts of the names, unless two would be the same. */
function shortNames(keys: readonly string[]): string[] {
  const leaves = keys.map(leafOf);
  return new Set(leaves).size === leaves.length ? leaves : [...keys];
}

function summaryOf(audit: AdapterAudit, places: readonly Place[]): string {
  if (places.length === 0) return "The adapter has no layers.";
  if (!audit.finite) return `The adapter holds values that are no numbers.${marksSentence(places)}`;
  if (audit.zero) return "Nothing: every layer's change is zero.";
  const change = ({ factor }: Place) => factor.norm_delta;
  const sorted = places.toSorted((a, b) => change(b) - change(a));
  const [most, least] = [sorted[0]!, sorted.at(-1)!];
  const inSentence = `Most in ${nameOf(most)} (${changeText(change(most))})`;
  if (sorted.length === 1) return `${inSentence}, the only one.`;
  const outside = places.filter(({ block }) => block === null);
  const rest = outside.map((place) => `${place.key} ${changeText(change(place))}`).join(", ");
  const outsideWords = rest && ` Outside the blocks: ${rest}.`;
  return `${inSentence}; least in ${nameOf(least)} (${changeText(change(least))}).${outsideWords}${marksSentence(places)}`;
}

/** Layers to look at, by name; the others are as they should be. */
function marksSentence(places: readonly Place[]): string {
  return (["not-finite", "zero", "outlier"] as const)
    .map((mark) => {
      const names = places.filter(({ factor }) => markOf(factor) === mark).map(nameOf);
      if (names.length === 0) return "";
      const shown = names.slice(0, NAMED).join("; ");
      const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
      return ` ${MARK_TITLES[mark]}: ${shown}${more}.`;
    })
    .join("");
}

const NAMED = 3;
const MARK_TITLES: Readonly<Record<CellMark, string>> = {
  "not-finite": "Not finite",
  zero: "Zero, so of no effect",
  outlier: "Far from the others of their kind",
};

function rankSummaryOf({ rank, factors }: AdapterAudit): string {
  const ranks = factors.map(({ effective_rank }) => effective_rank).filter(Number.isFinite);
  if (ranks.length === 0) return "";
  const [low, high] = [Math.min(...ranks), Math.max(...ranks)].map((rank) => formatNumber(rank, 2));
  return `Between ${low} and ${high} of ${rank} directions are in use.`;
}

/** "model.layers.3.self_attn.q_proj" → "block 3, q_proj". */
export const layerName = (module: string): string => nameOf(placeOf(module));

const nameOf = ({ block, key }: Omit<Place, "factor">): string =>
  block === null ? key : `block ${block}, ${leafOf(key)}`;
