/** Curves with steps of their own, brought to one x axis as uPlot wants them. Pure. */
import type { Points } from "./points.ts";

/** null is a gap, undefined is "no value of this curve here", which its line crosses. */
export type Cell = number | null | undefined;

export interface Aligned {
  /** Every x of any curve once, ascending. */
  readonly x: readonly number[];
  /** One list per curve, as long as x. */
  readonly ys: readonly (readonly Cell[])[];
}

/** Merges the curves. On a log scale (`positive`) values that are not above zero are gaps as well. */
export function align(curves: readonly Points[], positive = false): Aligned {
  const at = curves.map(() => 0);
  const x: number[] = [];
  const ys: Cell[][] = curves.map(() => []);
  for (;;) {
    let next = Number.POSITIVE_INFINITY;
    for (const [c, curve] of curves.entries()) if (at[c]! < curve.count) next = Math.min(next, curve.x[at[c]!]!);
    if (next === Number.POSITIVE_INFINITY) return { x, ys };
    x.push(next);
    for (const [c, curve] of curves.entries()) ys[c]!.push(take(curve, c, next));
  }

  /** The curve's value at `next`, the last one where a step occurs twice. */
  function take(curve: Points, c: number, next: number): Cell {
    let cell: Cell;
    for (; at[c]! < curve.count && !(curve.x[at[c]!]! > next); at[c]!++) {
      const value = curve.y[at[c]!]!;
      cell = Number.isFinite(value) && (!positive || value > 0) ? value : null;
    }
    return cell;
  }
}

/** The value of a curve at `index`, or the last one before it. */
export function valueAt(ys: readonly Cell[], index: number): Cell {
  for (let i = Math.min(index, ys.length - 1); i >= 0; i--) if (ys[i] !== undefined) return ys[i];
  return undefined;
}

/** As comma-separated values, with a line of names. */
export function toCsv(names: readonly string[], { x, ys }: Aligned): string {
  const lines = x.map((value, i) => [value, ...ys.map((y) => y[i] ?? "")].join(","));
  return `${[names.map(quoted).join(","), ...lines].join("\n")}\n`;
}

const quoted = (name: string): string => (/[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
