/** How much each layer changed, laid out as a grid of modules and blocks, and said in a sentence. Pure. */
import { formatSetting } from "../../../core/units.ts";
import type { AdapterAudit } from "../../../worker/protocol.ts";

export interface ChangeGrid {
  /** Modules in the model's order: "q_proj". */
  readonly rows: readonly string[];
  /** Blocks by their number in the file. */
  readonly columns: readonly string[];
  /** ‖scale · B·A‖, or null where the adapter has no such module. */
  value(row: number, column: number): number | null;
  readonly summary: string;
}

interface Place {
  readonly block: number | null;
  /** Below the block: "self_attn.q_proj". */
  readonly key: string;
  readonly change: number;
}

/** Three significant digits, however small. */
export const changeText = (value: number): string => formatSetting(Number(value.toPrecision(3)));

/** Rows are modules, columns blocks; what lies outside the blocks is in the summary alone. */
export function changeGrid(audit: AdapterAudit): ChangeGrid {
  const places = audit.factors.map(({ module, norm_delta }) => ({ ...placeOf(module), change: norm_delta }));
  const inside = places.filter(({ block }) => block !== null);
  const keys = [...new Set(inside.map(({ key }) => key))];
  const blocks = [...new Set(inside.map(({ block }) => block!))].sort((a, b) => a - b);
  const at = new Map(inside.map(({ block, key, change }) => [`${block} ${key}`, change]));
  return {
    rows: shortNames(keys),
    columns: blocks.map(String),
    value: (row, column) => at.get(`${blocks[column]} ${keys[row]}`) ?? null,
    summary: summaryOf(audit, places),
  };
}

/** "model.layers.3.self_attn.q_proj" → block 3, "self_attn.q_proj". */
function placeOf(module: string): Omit<Place, "change"> {
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
  if (!audit.finite) return "The adapter holds values that are no numbers.";
  if (audit.zero) return "Nothing: every layer's change is zero.";
  const sorted = places.toSorted((a, b) => b.change - a.change);
  const [most, least] = [sorted[0]!, sorted.at(-1)!];
  const inSentence = `Most in ${nameOf(most)} (${changeText(most.change)})`;
  if (sorted.length === 1) return `${inSentence}, the only one.`;
  const outside = places.filter(({ block }) => block === null);
  const rest = outside.map((place) => `${place.key} ${changeText(place.change)}`).join(", ");
  return `${inSentence}; least in ${nameOf(least)} (${changeText(least.change)}).${rest && ` Outside the blocks: ${rest}.`}`;
}

const nameOf = ({ block, key }: Place): string => (block === null ? key : `block ${block}, ${leafOf(key)}`);
