/** y = a + b */
export function addForward(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]!);
}

/** y = a + b:  da = dy  db = dy */
export function addBackward(dy: Float64Array): [da: Float64Array, db: Float64Array] {
  return [dy.slice(), dy.slice()];
}
