/**
 * o = softmax(q·kᵀ/√D)·v, grouped-query, over a range of keys for each query, scores soft-capped where a model wants it
 * (Gemma 2, https://arxiv.org/abs/2408.00118). Never stores a [N, N] matrix: flash attention (Dao 2023,
 * https://arxiv.org/abs/2307.08691), forward with log-sum-exp, backward as dq and dk/dv.
 */
import type { Op } from "../autograd/op.ts";
import { shapeError } from "../core/errors.ts";
import { ceilDiv, type Kernel, type Sizes } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { attentionFew, constants, FEW_QUERIES, FEW_WIDTH, include, params } from "./attention-few.ts";
import { show } from "./shapes.ts";

/** Rows of one workgroup, and the widest part of a head that it makes. */
const BLOCK = 32;
const PART = 128;

/** FLOPs by the causal half of all pairs; `products` matrix products of D per pair. */
const pairFlops =
  (products: number) =>
  ({ queries = 0, keys = 0, H = 0, D = 0 }: Sizes) =>
    products * queries * keys * H * D;

export const attentionForward: Kernel = {
  stem: "attention",
  entry: "forward",
  inputs: ["q", "k", "v", "ranges"],
  outputs: ["o", "stats"],
  params,
  constants,
  include,
  grid: ({ queries = 0, H = 0, D = 0 }) => [ceilDiv(queries, BLOCK), H, ceilDiv(D, PART)],
  flops: pairFlops(2),
};

/** Writes the second half of each row's stats besides; so it comes before dk and dv. */
export const attentionDq: Kernel = {
  ...attentionForward,
  entry: "dq",
  inputs: ["q", "k", "v", "ranges", "dout", "o"],
  outputs: ["dq", "stats"],
  flops: pairFlops(3),
};

export const attentionDkv: Kernel = {
  ...attentionForward,
  entry: "dkv",
  inputs: ["q", "k", "v", "ranges", "dout", "stats"],
  outputs: ["dk", "dv"],
  grid: ({ keys = 0, KV = 0, D = 0 }) => [ceilDiv(keys, BLOCK), KV, ceilDiv(D, PART)],
  flops: pairFlops(4),
};

export interface AttentionAttrs {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Usually 1/√D. */
  readonly scale: number;
  /** c: scores s become c·tanh(s/c) before the softmax; 0 = they stay. */
  readonly softcap: number;
  /** u32 [N, 2]: the keys [first, end) that each query sees; neither end may decrease from row to row. */
  readonly queryRanges: Tensor;
  /** u32 [T, 2]: the queries [first, end) that see each key; only backward reads it. */
  readonly keyRanges: Tensor | null;
}

interface Saved {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly o: Tensor;
  /** [N, H, 2]: log-sum-exp of each row's scores, and what backward finds of it. */
  readonly stats: Tensor;
}

/** inputs q [N, H·D], k [T, KV·D], v [T, KV·D] → o [N, H·D] */
export const attention: Op<AttentionAttrs, Saved> = {
  name: "attention",

  forward(program, inputs, attrs) {
    const [q, k, v] = [inputs[0]!, inputs[1]!, inputs[2]!];
    checkShapes(q, k, v, attrs);
    const o = program.tensor(q.shape, "attention.o");
    const stats = program.tensor([q.shape[0]!, attrs.heads, 2], "attention.stats");
    const few = q.shape[0]! <= FEW_QUERIES && attrs.headDim <= FEW_WIDTH;
    program.dispatch(few ? attentionFew : attentionForward, {
      ...sizes(q, k, attrs),
      inputs: [q, k, v, attrs.queryRanges],
      outputs: [o, stats],
    });
    return { outputs: [o], saved: { q, k, v, o, stats } };
  },

  backward(program, { q, k, v, o, stats }, dys, attrs, [needsQ, needsK, needsV]) {
    const dout = dys[0]!;
    const dispatchSizes = sizes(q, k, attrs);
    const dq = program.gradient(q, "attention.dq");
    const queryInputs = [q, k, v, attrs.queryRanges, dout, o];
    program.dispatch(attentionDq, { ...dispatchSizes, inputs: queryInputs, outputs: [dq, stats] });
    if (!needsK && !needsV) return [needsQ ? dq : null, null, null];
    if (!attrs.keyRanges) throw shapeError("[attention] backward needs keyRanges");
    const dk = program.gradient(k, "attention.dk");
    const dv = program.gradient(v, "attention.dv");
    const inputs = [q, k, v, attrs.keyRanges, dout, stats];
    program.dispatch(attentionDkv, { ...dispatchSizes, inputs, outputs: [dk, dv] });
    return [needsQ ? dq : null, needsK ? dk : null, needsV ? dv : null];
  },
};

function sizes(q: Tensor, k: Tensor, { heads, kvHeads, headDim, scale, softcap }: AttentionAttrs) {
  return {
    constants: { H: heads, KV: kvHeads, D: headDim },
    params: { queries: q.shape[0]!, keys: k.shape[0]!, width: headDim / 4, scale, softcap },
  };
}

function checkShapes(q: Tensor, k: Tensor, v: Tensor, attrs: AttentionAttrs): void {
  const { heads, kvHeads, headDim, queryRanges, keyRanges } = attrs;
  const fits =
    q.shape[1] === heads * headDim &&
    k.shape[1] === kvHeads * headDim &&
    v.shape.join() === k.shape.join() &&
    heads % kvHeads === 0 &&
    headDim % 4 === 0 &&
    queryRanges.shape[0] === q.shape[0] &&
    (!keyRanges || keyRanges.shape[0] === k.shape[0]);
  if (fits) return;
  throw shapeError(
    `[attention] q ${show(q)}, k ${show(k)}, v ${show(v)}, ranges ${show(queryRanges)} and ${keyRanges ? show(keyRanges) : "none"} do not fit ` +
      `${heads} heads on ${kvHeads} kv heads of ${headDim} (a multiple of 4)`,
  );
}
