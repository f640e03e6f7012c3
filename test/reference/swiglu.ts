const sigmoid = (g: number): number => 1 / (1 + Math.exp(-g));

/** y = g·σ(g)·u */
export function swigluForward(gate: Float64Array, up: Float64Array): Float64Array {
  return gate.map((g, i) => g * sigmoid(g) * up[i]!);
}

/** y = g·σ(g)·u:  dg = dy·u·σ(g)·(1 + g·(1 − σ(g)))  du = dy·g·σ(g) */
export function swigluBackward(
  gate: Float64Array,
  up: Float64Array,
  dy: Float64Array,
): [dgate: Float64Array, dup: Float64Array] {
  const dgate = gate.map((g, i) => dy[i]! * up[i]! * sigmoid(g) * (1 + g * sigmoid(-g)));
  const dup = gate.map((g, i) => dy[i]! * g * sigmoid(g));
  return [dgate, dup];
}
