/** An activation and its derivative. */
interface Activation {
  value(g: number): number;
  slope(g: number): number;
}

const sigmoid = (g: number): number => 1 / (1 + Math.exp(-g));

const ROOT = Math.sqrt(2 / Math.PI);
/** tanh(√(2/π)·(g + 0.044715·g³)) */
const bent = (g: number): number => Math.tanh(ROOT * (g + 0.044715 * g ** 3));

export const ACTIVATIONS: Readonly<Record<"silu" | "gelu_tanh", Activation>> = {
  /** g·σ(g) */
  silu: {
    value: (g) => g * sigmoid(g),
    slope: (g) => sigmoid(g) * (1 + g * sigmoid(-g)),
  },
  /** ½·g·(1 + t), t as above; dt/dg = (1 − t²)·√(2/π)·(1 + 3·0.044715·g²) */
  gelu_tanh: {
    value: (g) => 0.5 * g * (1 + bent(g)),
    slope: (g) => 0.5 * (1 + bent(g)) + 0.5 * g * (1 - bent(g) ** 2) * ROOT * (1 + 3 * 0.044715 * g ** 2),
  },
};

/** y = act(g)·u */
export function gluForward(gate: Float64Array, up: Float64Array, { value }: Activation): Float64Array {
  return gate.map((g, i) => value(g) * up[i]!);
}

/** y = act(g)·u:  dg = dy·u·act′(g)  du = dy·act(g) */
export function gluBackward(
  gate: Float64Array,
  up: Float64Array,
  { value, slope }: Activation,
  dy: Float64Array,
): [dgate: Float64Array, dup: Float64Array] {
  const dgate = gate.map((g, i) => dy[i]! * up[i]! * slope(g));
  const dup = gate.map((g, i) => dy[i]! * value(g));
  return [dgate, dup];
}
