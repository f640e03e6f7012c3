/** Is it the right product? A library that computes something else, or nothing, would win every race. */
import { relativeDifference } from "../../../core/difference.ts";
import { Random } from "../../../core/random.ts";
import type { ProductInput } from "./library.ts";

/** Entries that are computed again in f64. */
const ENTRIES = 8;
/** Of the sum of the sizes of all terms of an entry: f32 sums in any sensible order are well within. */
const ENTRY_TOLERANCE = 1e-5;
/** Relative L2 between two f32 products. */
const WHOLE_TOLERANCE = 1e-4;

/** What is wrong with `c` beside f64, or null. */
export function entryProblem(input: ProductInput, c: Float32Array): string | null {
  const { a, b, turnA, turnB } = input;
  const [rows, columns] = [turnA ? a.columns : a.rows, turnB ? b.rows : b.columns];
  const terms = turnA ? a.rows : a.columns;
  if (c.length !== rows * columns) return `${c.length} values instead of ${rows} × ${columns}`;
  const random = new Random(2);
  for (let entry = 0; entry < ENTRIES; entry++) {
    const [row, column] = [random.below(rows), random.below(columns)];
    let [sum, size] = [0, 0];
    for (let k = 0; k < terms; k++) {
      const left = a.values[turnA ? k * a.columns + row : row * a.columns + k]!;
      const right = b.values[turnB ? column * b.columns + k : k * b.columns + column]!;
      sum += left * right;
      size += Math.abs(left * right);
    }
    const got = c[row * columns + column]!;
    // Written so that NaN is a problem too.
    if (!(Math.abs(got - sum) <= ENTRY_TOLERANCE * size)) return `c[${row}, ${column}] is ${got}, not ${sum}`;
  }
  return null;
}

/** What is wrong with a library's result beside the engine's, or null. */
export function resultProblem(theirs: Float32Array, ours: Float32Array): string | null {
  if (theirs.length !== ours.length) return `${theirs.length} values instead of ${ours.length}`;
  const apart = relativeDifference(theirs, ours);
  return apart < WHOLE_TOLERANCE ? null : `its result is ${apart.toExponential(1)} away from ours`;
}
