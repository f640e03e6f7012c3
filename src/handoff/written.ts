/** A file of records as it was written for another tool, and how its tokens with loss differ from ours. */
import type { Examined, ExaminedSet } from "./examine.ts";
import { compareMasks, type MaskDifference, type OtherView } from "./other-mask.ts";

export interface Written {
  /** JSON lines. */
  readonly text: string;
  readonly rows: number;
  /** Why records are not in it, with their lines. */
  readonly leftOut: ReadonlyMap<string, readonly number[]>;
  /** Over all rows. */
  readonly masks: MaskTotals;
}

export interface MaskTotals extends Omit<MaskDifference, "rendered"> {
  /** Rows whose tokens themselves differ. */
  readonly rendered: number;
}

/** What one record becomes: its row, and what the tool sees of it (null: exactly our tokens); or why there is none. */
export type Row = { readonly value: object; readonly view: OtherView | null } | string;

export function writeRows(set: ExaminedSet, maxSeqLength: number, rowOf: (record: Examined) => Row): Written {
  const lines: string[] = [];
  const leftOut = new Map<string, number[]>();
  const masks = { ours: 0, theirs: 0, missed: 0, tail: 0, extra: 0, rendered: 0 };
  const skip = (reason: string, { record }: Examined) =>
    leftOut.set(reason, [...(leftOut.get(reason) ?? []), record.line]);
  for (const record of set.kept) {
    const row = rowOf(record);
    if (typeof row === "string") {
      skip(row, record);
      continue;
    }
    const difference = row.view && compareMasks(record.example, row.view, maxSeqLength);
    if (difference?.theirs === 0) {
      skip("their answer begins behind the longest length", record);
      continue;
    }
    add(masks, difference ?? same(record.example.supervised));
    lines.push(`${JSON.stringify(row.value)}\n`);
  }
  return { text: lines.join(""), rows: lines.length, leftOut, masks };
}

type Totals = { -readonly [K in keyof MaskTotals]: number };

const same = (supervised: number): MaskDifference => ({
  ...{ ours: supervised, theirs: supervised, missed: 0, tail: 0, extra: 0, rendered: false },
});

function add(totals: Totals, difference: MaskDifference): void {
  for (const name of ["ours", "theirs", "missed", "tail", "extra"] as const) totals[name] += difference[name];
  totals.rendered += Number(difference.rendered);
}
