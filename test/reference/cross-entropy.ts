import { matmulNt } from "./matmul.ts";

/** nll[s] = log Σ_v exp(z[v]) − z[target[s]], z[v] = x[s]·w[v], soft-capped: softcap·tanh(z/softcap);  x [S, C], w [V, C] → nll [S] */
export function crossEntropyForward(
  x: Float64Array,
  w: Float64Array,
  targets: readonly number[],
  C: number,
  softcap: number,
) {
  const { logits, V } = allLogits(x, w, targets.length, C, softcap);
  return Float64Array.from(targets, (target, s) => logSumExp(logits, s * V, V) - logits[s * V + target]!);
}

/** nll = lse − z[target]:  dlogits = dy·(softmax(z) − 1[target])·(1 − (z/softcap)²)  dx = dlogits·w;  dy [S] → dx [S, C] */
export function crossEntropyBackward(
  x: Float64Array,
  w: Float64Array,
  targets: readonly number[],
  C: number,
  softcap: number,
  dy: Float64Array,
): Float64Array {
  const { logits, V } = allLogits(x, w, targets.length, C, softcap);
  const dx = new Float64Array(x.length);
  for (const [s, target] of targets.entries()) {
    const lse = logSumExp(logits, s * V, V);
    for (let v = 0; v < V; v++) {
      const z = logits[s * V + v]!;
      const slope = softcap === 0 ? 1 : 1 - (z / softcap) ** 2;
      const dlogit = dy[s]! * (Math.exp(z - lse) - (v === target ? 1 : 0)) * slope;
      for (let c = 0; c < C; c++) dx[s * C + c]! += dlogit * w[v * C + c]!;
    }
  }
  return dx;
}

function allLogits(x: Float64Array, w: Float64Array, S: number, C: number, softcap: number) {
  const V = w.length / C;
  const products = matmulNt(x, w, S, V, C);
  return { logits: softcap === 0 ? products : products.map((z) => softcap * Math.tanh(z / softcap)), V };
}

function logSumExp(values: Float64Array, at: number, count: number): number {
  const row = values.subarray(at, at + count);
  const greatest = row.reduce((a, b) => Math.max(a, b));
  return greatest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - greatest), 0));
}
