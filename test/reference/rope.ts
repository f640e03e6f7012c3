/**
 * Rotary position embedding of one matrix x [N, heads·D], half-rotated: of the first R elements of a head, i and i + R/2
 * turn by the angle whose cosine and sine the table [P, R/2, 2] has at the token's position; the others stay.
 *   first' = first·cos − second·sin      second' = second·cos + first·sin
 */
export function ropeForward(
  x: Float64Array,
  table: Float64Array,
  positions: readonly number[],
  heads: number,
  D: number,
  R: number,
): Float64Array {
  return rotate(x, table, positions, heads, D, R, 1);
}

/** A rotation is orthogonal: the gradient turns back by the same angle. */
export function ropeBackward(
  dy: Float64Array,
  table: Float64Array,
  positions: readonly number[],
  heads: number,
  D: number,
  R: number,
): Float64Array {
  return rotate(dy, table, positions, heads, D, R, -1);
}

/** Cosines and sines [P, R/2, 2] of angles p·base^(−2i/R). */
export function ropeTable(P: number, R: number, base: number): Float64Array {
  const table = new Float64Array(P * R);
  for (let p = 0; p < P; p++) {
    for (let i = 0; i < R / 2; i++) {
      const angle = p * base ** ((-2 * i) / R);
      table[p * R + 2 * i] = Math.cos(angle);
      table[p * R + 2 * i + 1] = Math.sin(angle);
    }
  }
  return table;
}

function rotate(
  x: Float64Array,
  table: Float64Array,
  positions: readonly number[],
  heads: number,
  D: number,
  R: number,
  direction: 1 | -1,
): Float64Array {
  const y = x.slice();
  const half = R / 2;
  for (const [token, position] of positions.entries()) {
    for (let head = 0; head < heads; head++) {
      for (let i = 0; i < half; i++) {
        const first = (token * heads + head) * D + i;
        const second = first + half;
        const cosine = table[position * R + 2 * i]!;
        const sine = direction * table[position * R + 2 * i + 1]!;
        y[first] = x[first]! * cosine - x[second]! * sine;
        y[second] = x[second]! * cosine + x[first]! * sine;
      }
    }
  }
  return y;
}
