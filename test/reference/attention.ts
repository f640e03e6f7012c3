/** o = softmax(s)·v, s = scale·q·kᵀ soft-capped, grouped-query, each query over its own range [first, end) of keys. */
export interface AttentionSizes {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  /** s becomes softcap·tanh(s/softcap); 0 = it stays. */
  readonly softcap: number;
  /** For each query the keys [first, end) it sees. */
  readonly ranges: readonly (readonly [first: number, end: number])[];
}

/** q [N, H·D], k and v [T, KV·D] → o [N, H·D]; a query that sees no key gives zeros. */
export function attentionForward(q: Float64Array, k: Float64Array, v: Float64Array, sizes: AttentionSizes) {
  const o = new Float64Array(q.length);
  eachQueryHead(sizes, (query, head, at, kvAt) => {
    const p = softmax(scores(q, k, sizes, query, head));
    for (const [i, weight] of p.entries()) {
      for (let d = 0; d < sizes.headDim; d++) o[at + d]! += weight * v[kvAt(i) + d]!;
    }
  });
  return o;
}

/**
 * s = c·tanh(scale·q·k/c), p = softmax(s), o = Σ p·v:
 *   dv += p·do   dp = do·v   ds = p·(dp − Σ p·dp)·(1 − (s/c)²)   dq += scale·ds·k   dk += scale·ds·q
 */
export function attentionBackward(
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  dout: Float64Array,
  sizes: AttentionSizes,
): [dq: Float64Array, dk: Float64Array, dv: Float64Array] {
  const { headDim: D, scale, softcap } = sizes;
  const [dq, dk, dv] = [new Float64Array(q.length), new Float64Array(k.length), new Float64Array(v.length)];
  eachQueryHead(sizes, (query, head, at, kvAt) => {
    const s = scores(q, k, sizes, query, head);
    const p = softmax(s);
    const dp = p.map((_, i) => dot(dout, at, v, kvAt(i), D));
    const mean = p.reduce((sum, weight, i) => sum + weight * dp[i]!, 0);
    for (const [i, weight] of p.entries()) {
      const slope = softcap === 0 ? 1 : 1 - (s[i]! / softcap) ** 2;
      const ds = weight * (dp[i]! - mean) * slope;
      for (let d = 0; d < D; d++) {
        dv[kvAt(i) + d]! += weight * dout[at + d]!;
        dq[at + d]! += scale * ds * k[kvAt(i) + d]!;
        dk[kvAt(i) + d]! += scale * ds * q[at + d]!;
      }
    }
  });
  return [dq, dk, dv];
}

type Visit = (query: number, head: number, at: number, kvAt: (i: number) => number) => void;

/** Calls `visit` with the offset of the query's row and of the row of the i-th key in its range. */
function eachQueryHead({ heads, kvHeads, headDim, ranges }: AttentionSizes, visit: Visit): void {
  for (const [query, [first]] of ranges.entries()) {
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor((head * kvHeads) / heads);
      visit(query, head, (query * heads + head) * headDim, (i) => ((first + i) * kvHeads + kvHead) * headDim);
    }
  }
}

/** of one query and head with its keys */
function scores(q: Float64Array, k: Float64Array, sizes: AttentionSizes, query: number, head: number): number[] {
  const { heads, kvHeads, headDim: D, scale, softcap, ranges } = sizes;
  const [first, end] = ranges[query]!;
  const kvHead = Math.floor((head * kvHeads) / heads);
  const found: number[] = [];
  for (let key = first; key < end; key++) {
    const s = scale * dot(q, (query * heads + head) * D, k, (key * kvHeads + kvHead) * D, D);
    found.push(softcap === 0 ? s : softcap * Math.tanh(s / softcap));
  }
  return found;
}

function softmax(scores: readonly number[]): number[] {
  const greatest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - greatest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function dot(a: Float64Array, at: number, b: Float64Array, bt: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[at + i]! * b[bt + i]!;
  return sum;
}
