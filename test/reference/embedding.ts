/** x[n] = scale·table[ids[n]];  table [V, C] → x [N, C]. The table is frozen: there is no backward. */
export function embeddingForward(table: Float64Array, ids: readonly number[], C: number, scale: number): Float64Array {
  const x = new Float64Array(ids.length * C);
  for (const [n, id] of ids.entries()) x.set(table.subarray(id * C, (id + 1) * C), n * C);
  return x.map((value) => scale * value);
}
