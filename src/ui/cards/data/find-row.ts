/** Finds the record of a line among rows that only come in pages. */

type Rows = (offset: number, count: number) => Promise<readonly { readonly line: number }[]>;

/**
 * Index of the record that begins at `line`, or null when there is none. Lines ascend, so about log₂(total) rows of one
 * are asked for.
 */
export async function findRow(rows: Rows, total: number, line: number): Promise<number | null> {
  let [low, high] = [0, total - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [row] = await rows(middle, 1);
    if (!row) high = middle - 1;
    else if (row.line === line) return middle;
    else if (row.line < line) low = middle + 1;
    else high = middle - 1;
  }
  return null;
}
