/** An adapter as a picture for the terminal: a row for each kind of layer, a column for each block, bars for sizes. */
import { formatNumber } from "../core/units.ts";
import { splitModule } from "../lora/adapter.ts";
import { displayWidth } from "./format.ts";

export interface PictureLayer {
  readonly module: string;
  /** At least 0; not finite is shown as such. */
  readonly value: number;
}

export interface PictureOptions {
  readonly title: string;
  /** Columns of the terminal. */
  readonly width: number;
  /** Height of a full bar; the largest value where it is left out. */
  readonly full?: number;
}

const BARS = "▁▂▃▄▅▆▇█";
const NOTHING = "·";
const BROKEN = "!";
const ABSENT = " ";
const AXIS = "block";

/**
 * Lines of the picture; none when no layer lies in a block. All bars have one scale, so that rows can be compared.
 * Blocks that do not fit beside each other go on below.
 */
export function layerPicture(layers: readonly PictureLayer[], { title, width, full }: PictureOptions): string[] {
  const places = layers.map(({ module, value }) => ({ ...splitModule(module), value }));
  const inside = places.filter((place): place is Place => place.block !== null);
  if (inside.length === 0) return [];
  const keys = [...new Set(inside.map(({ key }) => key))];
  const first = Math.min(...inside.map(({ block }) => block));
  const last = Math.max(...inside.map(({ block }) => block));
  const finite = inside.map(({ value }) => value).filter(Number.isFinite);
  const height = full ?? Math.max(0, ...finite);
  const labels = shortNames(keys);
  const gutter = Math.max(...[...labels, AXIS].map(displayWidth)) + 2;
  const room = Math.max(8, width - gutter);
  const at = new Map(inside.map(({ block, key, value }) => [`${block} ${key}`, value]));
  const broken = finite.length < inside.length ? `, ${BROKEN} not finite` : "";
  const lines = [`${title} (${NOTHING} nothing, ${BARS.at(-1)} ${formatNumber(height, 3)}${broken})`];
  for (let begin = first; begin <= last; begin += room) {
    const blocks = Array.from({ length: Math.min(room, last + 1 - begin) }, (_, i) => begin + i);
    for (const [i, key] of keys.entries()) {
      const bars = blocks.map((block) => sign(at.get(`${block} ${key}`), height));
      lines.push(`${labels[i]!.padEnd(gutter)}${bars.join("")}`.trimEnd());
    }
    lines.push(`${AXIS.padEnd(gutter)}${ends(blocks)}`);
  }
  return lines;
}

interface Place {
  readonly block: number;
  readonly key: string;
  readonly value: number;
}

function sign(value: number | undefined, height: number): string {
  if (value === undefined) return ABSENT;
  if (!Number.isFinite(value)) return BROKEN;
  if (value === 0) return NOTHING;
  return BARS[Math.min(BARS.length - 1, Math.floor((value / height) * BARS.length))]!;
}

/** Last parts of the names, unless two would be the same. */
function shortNames(keys: readonly string[]): string[] {
  const leaves = keys.map((key) => key.slice(key.lastIndexOf(".") + 1));
  return new Set(leaves).size === leaves.length ? leaves : [...keys];
}

/** The first block's number and the last one's under their columns. */
function ends(blocks: readonly number[]): string {
  const first = String(blocks[0]);
  const last = String(blocks.at(-1));
  return blocks.length === 1 ? first : `${first} ${last.padStart(blocks.length - first.length - 1)}`;
}
