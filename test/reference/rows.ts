/** y[s] = x[index[s]];  x [N, C] → y [S, C] */
export function rowsForward(x: Float64Array, index: readonly number[], C: number): Float64Array {
  const y = new Float64Array(index.length * C);
  for (const [s, row] of index.entries()) y.set(x.subarray(row * C, (row + 1) * C), s * C);
  return y;
}

/** y[s] = x[index[s]]:  dx[index[s]] = dy[s], zero in rows that were not picked; dx [N, C] */
export function rowsBackward(dy: Float64Array, index: readonly number[], N: number, C: number): Float64Array {
  const dx = new Float64Array(N * C);
  for (const [s, row] of index.entries()) dx.set(dy.subarray(s * C, (s + 1) * C), row * C);
  return dx;
}
