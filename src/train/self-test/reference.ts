/** What the kernels should compute, as plain formulas in f64 on the CPU: slow, short, and independent of the kernels. */

type Values = Float64Array;

/** A matrix read at [i, l] as values[i·across + l·along]. */
interface Strided {
  readonly values: Values;
  readonly across: number;
  readonly along: number;
}

/** c[i,j] = Σ a[i,l]·b[j,l] over l < length, [rows, columns] */
function product(rows: number, columns: number, length: number, a: Strided, b: Strided): Values {
  const c = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let [total, atA, atB] = [0, i * a.across, j * b.across];
      for (let l = 0; l < length; l++, atA += a.along, atB += b.along) total += a.values[atA]! * b.values[atB]!;
      c[i * columns + j] = total;
    }
  }
  return c;
}

/** a [M, K] · wᵀ, w [N, K] → [M, N] */
export const productNt = (a: Values, w: Values, M: number, N: number, K: number): Values =>
  product(M, N, K, { values: a, across: K, along: 1 }, { values: w, across: K, along: 1 });

/** a [M, K] · w, w [K, N] → [M, N] */
export const productNn = (a: Values, w: Values, M: number, N: number, K: number): Values =>
  product(M, N, K, { values: a, across: K, along: 1 }, { values: w, across: 1, along: N });

/** aᵀ·b, a [M, K], b [M, N] → [K, N] */
export const productTn = (a: Values, b: Values, M: number, N: number, K: number): Values =>
  product(K, N, M, { values: a, across: 1, along: K }, { values: b, across: 1, along: N });

export const sum = (first: Values, ...others: readonly Values[]): Values =>
  others.reduce((total, values) => total.map((value, i) => value + values[i]!), first);

export const scaled = (values: Values, factor: number): Values => values.map((value) => value * factor);

/** y = w·x·rstd, rstd = 1/√(mean(x²) + eps), for each row of x [N, C] */
export function rmsnorm(x: Values, w: Values, eps: number): Values {
  const C = w.length;
  const rstd = reciprocalRms(x, C, eps);
  return x.map((value, i) => w[i % C]! * value * rstd[Math.floor(i / C)]!);
}

/** dx = rstd·w·dy − x·rstd³·mean(w·dy·x) */
export function rmsnormBackward(x: Values, w: Values, eps: number, dy: Values): Values {
  const C = w.length;
  const rstd = reciprocalRms(x, C, eps);
  const pull = rowMeans(
    x.map((value, i) => w[i % C]! * dy[i]! * value),
    C,
  );
  return x.map((value, i) => {
    const row = Math.floor(i / C);
    return rstd[row]! * w[i % C]! * dy[i]! - value * rstd[row]! ** 3 * pull[row]!;
  });
}

const reciprocalRms = (x: Values, C: number, eps: number): Values =>
  rowMeans(
    x.map((value) => value * value),
    C,
  ).map((mean) => 1 / Math.sqrt(mean + eps));

const rowMeans = (x: Values, C: number): Values => productNt(x, new Float64Array(C).fill(1 / C), x.length / C, 1, C);

/** Elements i and i + D/2 of each head of x [N, heads·D] turn by ±position·base^(−2i/D). */
export function rotate(x: Values, positions: ArrayLike<number>, D: number, base: number, direction: 1 | -1): Values {
  const columns = x.length / positions.length;
  return x.map((value, at) => {
    const i = at % D;
    const half = D / 2;
    const angle = direction * positions[Math.floor(at / columns)]! * base ** ((-2 * (i % half)) / D);
    return i < half
      ? value * Math.cos(angle) - x[at + half]! * Math.sin(angle)
      : value * Math.cos(angle) + x[at - half]! * Math.sin(angle);
  });
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** y = silu(gate)·up */
export const siluGated = (gate: Values, up: Values): Values => gate.map((g, i) => g * sigmoid(g) * up[i]!);

const ROOT = Math.sqrt(2 / Math.PI);
const bent = (g: number): number => Math.tanh(ROOT * (g + 0.044715 * g ** 3));
const gelu = (g: number): number => 0.5 * g * (1 + bent(g));
const geluSlope = (g: number): number =>
  0.5 * (1 + bent(g)) + 0.5 * g * (1 - bent(g) ** 2) * ROOT * (1 + 3 * 0.044715 * g ** 2);

/** y = gelu_tanh(gate)·up */
export const geluGated = (gate: Values, up: Values): Values => gate.map((g, i) => gelu(g) * up[i]!);

export const geluGatedBackward = (gate: Values, up: Values, dy: Values): [dgate: Values, dup: Values] => [
  gate.map((g, i) => dy[i]! * up[i]! * geluSlope(g)),
  gate.map((g, i) => dy[i]! * gelu(g)),
];

export interface AttentionSizes {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Scores s become c·tanh(s/c); 0 = they stay. */
  readonly softcap: number;
  /** Of each query, the first key it sees; the last is its own. */
  readonly starts: ArrayLike<number>;
}

/** o = softmax(s)·v, s = q·kᵀ/√D soft-capped, q [N, H·D], k and v [N, KV·D] → o [N, H·D]; with `dout` also dq, dk and dv. */
export function attention(
  q: Values,
  k: Values,
  v: Values,
  sizes: AttentionSizes,
  dout: Values = new Float64Array(q.length),
) {
  const { heads, kvHeads, headDim: D, softcap, starts } = sizes;
  const [o, dq, dk, dv] = [q, q, k, v].map(({ length }) => new Float64Array(length)) as [
    Values,
    Values,
    Values,
    Values,
  ];
  for (let at = 0; at < q.length; at += D) {
    const query = Math.floor(at / (heads * D));
    const kvHead = Math.floor((((at / D) % heads) * kvHeads) / heads);
    const first = starts[query]!;
    const key = (i: number) => ((first + i) * kvHeads + kvHead) * D;
    // This query's products with every key, or value, that it sees.
    const dots = (x: Values, y: Values) => {
      const rows = { values: y.subarray(key(0)), across: kvHeads * D, along: 1 };
      return product(query + 1 - first, 1, D, rows, { values: x.subarray(at, at + D), across: 0, along: 1 });
    };
    const s = softCapped(scaled(dots(q, k), 1 / Math.sqrt(D)), softcap);
    const slope = capSlope(s, softcap);
    const p = softmax(s);
    const dp = dots(dout, v);
    const mean = p.reduce((total, weight, i) => total + weight * dp[i]!, 0);
    for (const [i, weight] of p.entries()) {
      const ds = (weight * (dp[i]! - mean) * slope[i]!) / Math.sqrt(D);
      for (let d = 0; d < D; d++) {
        o[at + d]! += weight * v[key(i) + d]!;
        dv[key(i) + d]! += weight * dout[at + d]!;
        dq[at + d]! += ds * k[key(i) + d]!;
        dk[key(i) + d]! += ds * q[at + d]!;
      }
    }
  }
  return { o, dq, dk, dv };
}

/** c·tanh(x/c); 0 = no cap */
const softCapped = (x: Values, c: number): Values => (c === 0 ? x : x.map((value) => c * Math.tanh(value / c)));

/** Its derivative, 1 − tanh², from the capped values. */
const capSlope = (capped: Values, c: number): Values => capped.map((value) => (c === 0 ? 1 : 1 - (value / c) ** 2));

function softmax(scores: Values): Values {
  const greatest = scores.reduce((a, b) => Math.max(a, b));
  const weights = scores.map((score) => Math.exp(score - greatest));
  return scaled(weights, 1 / weights.reduce((a, b) => a + b, 0));
}

/** nll[s] = −log softmax(z)[target[s]], z = x[s]·wᵀ soft-capped, and dx = scale·d(Σ nll)/dx; x [S, C], w [V, C] */
export function crossEntropy(x: Values, w: Values, targets: ArrayLike<number>, scale: number, softcap: number) {
  const [S, C] = [targets.length, x.length / targets.length];
  const V = w.length / C;
  const logits = softCapped(productNt(x, w, S, V, C), softcap);
  const p = new Float64Array(logits.length);
  for (let s = 0; s < S; s++) p.set(softmax(logits.subarray(s * V, (s + 1) * V)), s * V);
  const nll = Float64Array.from({ length: S }, (_, s) => -Math.log(p[s * V + targets[s]!]!));
  const gradient = () => {
    const slope = capSlope(logits, softcap);
    const dlogits = p.map((value, at) => {
      return scale * slope[at]! * (value - (at % V === targets[Math.floor(at / V)] ? 1 : 0));
    });
    return productNn(dlogits, w, S, C, V);
  };
  return { nll, gradient };
}

export interface AdamwState {
  parameters: Values;
  m: Values;
  v: Values;
  applied: number;
  skipped: number;
}

export interface AdamwRule {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly maxGradNorm: number;
}

/** One update in place; a gradient that is not finite only counts as skipped. Returns the norm before clipping. */
export function adamw(state: AdamwState, gradients: Values, rule: AdamwRule): number {
  const norm = Math.sqrt(gradients.reduce((total, g) => total + g * g, 0));
  if (!Number.isFinite(norm)) {
    state.skipped += 1;
    return norm;
  }
  const { learningRate, weightDecay, beta1, beta2, eps, maxGradNorm } = rule;
  const clip = maxGradNorm > 0 ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;
  const t = ++state.applied;
  state.m = state.m.map((m, i) => beta1 * m + (1 - beta1) * clip * gradients[i]!);
  state.v = state.v.map((v, i) => beta2 * v + (1 - beta2) * (clip * gradients[i]!) ** 2);
  state.parameters = state.parameters.map((p, i) => {
    const [m, v] = [state.m[i]! / (1 - beta1 ** t), state.v[i]! / (1 - beta2 ** t)];
    return p * (1 - learningRate * weightDecay) - (learningRate * m) / (Math.sqrt(v) + eps);
  });
  return norm;
}

/** y = z·m/n + bias with the norms n of the rows of w [O, K], constants in backward; z, dy [N, O], m, bias [O] */
export function dora(z: Values, m: Values, bias: Values, w: Values, dy: Values) {
  const [O, K] = [m.length, w.length / m.length];
  const norms = m.map((_, j) => Math.sqrt(w.subarray(j * K, (j + 1) * K).reduce((total, x) => total + x * x, 0)));
  const dm = new Float64Array(O);
  for (const [i, d] of dy.entries()) dm[i % O]! += (d * z[i]!) / norms[i % O]!;
  const factor = (i: number) => m[i % O]! / norms[i % O]!;
  return { norms, dm, y: z.map((x, i) => x * factor(i) + bias[i % O]!), dz: dy.map((d, i) => d * factor(i)) };
}
