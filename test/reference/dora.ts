/** n_j = ‖(W + s·B·A)_j‖ for W [O, K], A [R, K], B [O, R]. */
export function doraNorms(
  w: Float64Array,
  a: Float64Array,
  b: Float64Array,
  scale: number,
  { O, K, R }: { readonly O: number; readonly K: number; readonly R: number },
): Float64Array {
  return Float64Array.from({ length: O }, (_, j) => {
    let squares = 0;
    for (let k = 0; k < K; k++) {
      let value = w[j * K + k]!;
      for (let r = 0; r < R; r++) value += scale * b[j * R + r]! * a[r * K + k]!;
      squares += value ** 2;
    }
    return Math.sqrt(squares);
  });
}

export interface DoraPart {
  /** [O] */
  readonly norms: Float64Array;
  /** [O] */
  readonly bias: Float64Array | null;
  /** First output and number of them that z [N, P] has. */
  readonly begin: number;
  readonly P: number;
}

const overNorm = (value: number, norm: number): number => (norm === 0 ? 0 : value / norm);

/** y = z·m/n + bias + residual, for m [O] */
export function doraForward(
  z: Float64Array,
  m: Float64Array,
  residual: Float64Array | null,
  { norms, bias, begin, P }: DoraPart,
): Float64Array {
  return z.map((value, i) => {
    const j = begin + (i % P);
    return value * overNorm(m[j]!, norms[j]!) + (bias?.[j] ?? 0) + (residual?.[i] ?? 0);
  });
}

/** With n constant  dz = dy·m/n  and  dm_j = Σ_rows dy·z/n_j; the residual's gradient is dy. */
export function doraBackward(
  z: Float64Array,
  m: Float64Array,
  dy: Float64Array,
  { norms, begin, P }: DoraPart,
): { dz: Float64Array; dm: Float64Array } {
  const dm = new Float64Array(m.length);
  const dz = dy.map((value, i) => {
    const j = begin + (i % P);
    dm[j]! += overNorm(value * z[i]!, norms[j]!);
    return value * overNorm(m[j]!, norms[j]!);
  });
  return { dz, dm };
}
