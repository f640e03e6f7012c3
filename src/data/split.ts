/** Sets a part of the records aside for validation, when nobody has done it by hand. */

import { Random } from "../core/random.ts";
import { contentKeys } from "./content-key.ts";
import type { DataRecord } from "./records.ts";

export interface SplitOptions {
  /** Zero is a seed like any other. */
  readonly seed: number;
  /** Part of the records to set aside; 0 for none. */
  readonly fraction?: number;
  /** At most so many of them: more would only take time at each measurement. */
  readonly most?: number;
}

/** Indices of the records, ascending; each is in exactly one of the two. */
export interface Split {
  readonly train: readonly number[];
  readonly validation: readonly number[];
}

/** Fewer records are all needed for training. */
const FEWEST = 10;

/**
 * Sets records aside: a tenth, at least one and at most 200, unless told otherwise; none of fewer than 10. Records of the
 * same content (case and white space aside) stay together, so no validation record is trained on. A function of the
 * records and the seed.
 */
export function splitRecords(records: readonly DataRecord[], options: SplitOptions): Split {
  return splitByKey(
    records.map((record) => contentKeys(record).content),
    options,
  );
}

/** The same for anything that has a key: equal keys stay together. */
export function splitByKey(keys: readonly (number | string)[], options: SplitOptions): Split {
  const { seed, fraction = 0.1, most = 200 } = options;
  const all = keys.map((_, i) => i);
  if (keys.length < FEWEST || fraction <= 0) return { train: all, validation: [] };
  const size = Math.min(most, Math.max(1, Math.round(keys.length * fraction)));
  const groups = new Map<number | string, number[]>();
  for (const [i, key] of keys.entries()) groups.set(key, [...(groups.get(key) ?? []), i]);
  const chosen = new Set<number>();
  for (const group of new Random(seed).shuffle([...groups.values()])) {
    // A group that does not fit stays in training; smaller ones behind it may still fit.
    if (chosen.size + group.length > Math.min(size, keys.length - 1)) continue;
    for (const i of group) chosen.add(i);
  }
  // Every content comes several times: the rarest one, if that is not most of the records.
  const rarest = [...groups.values()].reduce((best, group) => (group.length < best.length ? group : best));
  if (chosen.size === 0 && rarest.length <= keys.length / 2) for (const i of rarest) chosen.add(i);
  return { train: all.filter((i) => !chosen.has(i)), validation: all.filter((i) => chosen.has(i)) };
}
