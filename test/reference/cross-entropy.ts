import { matmulNt } from "./matmul.ts";

/** nll[s] = log Σ_v exp(x[s]·w[v]) − x[s]·w[target[s]];  x [S, C], w [V, C] → nll [S] */
export function crossEntropyForward(x: Float64Array, w: Float64Array, targets: readonly number[], C: number) {
  const { logits, V } = allLogits(x, w, targets.length, C);
  return Float64Array.from(targets, (target, s) => logSumExp(logits, s * V, V) - logits[s * V + target]!);
}

/** nll = lse − logit[target]:  dlogits = dy·(softmax(logits) − 1[target])  dx = dlogits·w;  dy [S] → dx [S, C] */
export function crossEntropyBackward(
  x: Float64Array,
  w: Float64Array,
  targets: readonly number[],
  C: number,
  dy: Float64Array,
): Float64Array {
  const { logits, V } = allLogits(x, w, targets.length, C);
  const dx = new Float64Array(x.length);
  for (const [s, target] of targets.entries()) {
    const lse = logSumExp(logits, s * V, V);
    for (let v = 0; v < V; v++) {
      const dlogit = dy[s]! * (Math.exp(logits[s * V + v]! - lse) - (v === target ? 1 : 0));
      for (let c = 0; c < C; c++) dx[s * C + c]! += dlogit * w[v * C + c]!;
    }
  }
  return dx;
}

function allLogits(x: Float64Array, w: Float64Array, S: number, C: number) {
  const V = w.length / C;
  return { logits: matmulNt(x, w, S, V, C), V };
}

function logSumExp(values: Float64Array, at: number, count: number): number {
  const row = values.subarray(at, at + count);
  const greatest = row.reduce((a, b) => Math.max(a, b));
  return greatest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - greatest), 0));
}
