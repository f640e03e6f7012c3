/**
 * Rotary position embedding of queries and keys (Su et al. 2021, https://arxiv.org/abs/2104.09864) in the half-rotated
 * form of Hugging Face's models: element i of a head turns together with element i + D/2.
 */
import type { Op } from "../autograd/op.ts";
import { shapeError } from "../core/errors.ts";
import { ceilDiv, grid1d, type Kernel } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { show } from "./shapes.ts";

export const ropeRotate: Kernel = {
  stem: "rope",
  entry: "rotate",
  inputs: ["q", "k", "table", "positions"],
  outputs: ["q_out", "k_out"],
  params: { rows: "u32", direction: "f32" },
  constants: ["H", "KV", "D"],
  grid: ({ rows = 0, H = 0, KV = 0, D = 0 }) => grid1d(ceilDiv((rows * (H + KV) * D) / 2, 64)),
  flops: ({ rows = 0, H = 0, KV = 0, D = 0 }) => 3 * rows * (H + KV) * D,
};

export interface RopeAttrs {
  /** [P, D/2, 2]: cosine and sine of every position and pair. */
  readonly table: Tensor;
  /** u32 [N], each below P. */
  readonly positions: Tensor;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** inputs q [N, H·D], k [N, KV·D] → the same, rotated */
export const rope: Op<RopeAttrs, { readonly q: Tensor; readonly k: Tensor }> = {
  name: "rope",

  forward(program, [q, k], attrs) {
    const { heads, kvHeads, headDim, table } = attrs;
    const fits = q!.shape[1] === heads * headDim && k!.shape[1] === kvHeads * headDim && q!.shape[0] === k!.shape[0];
    if (!fits || headDim % 2 !== 0 || table.shape[1] !== headDim / 2) {
      throw shapeError(
        `[rope] q ${show(q!)}, k ${show(k!)}, table ${show(table)} do not fit ${heads} and ${kvHeads} heads of ${headDim}`,
      );
    }
    const turned = [program.tensor(q!.shape, "rope.q"), program.tensor(k!.shape, "rope.k")] as const;
    record(program, [q!, k!], turned, attrs, 1);
    return { outputs: turned, saved: { q: q!, k: k! } };
  },

  backward(program, { q, k }, [dq, dk], attrs, needs) {
    // A rotation's transpose is the rotation back.
    const given = [dq ?? zeros(program, q.shape), dk ?? zeros(program, k.shape)] as const;
    const grads = [program.gradient(q, "rope.dq"), program.gradient(k, "rope.dk")] as const;
    record(program, given, grads, attrs, -1);
    return grads.map((grad, i) => (needs[i] ? grad : null));
  },
};

type Pair = readonly [q: Tensor, k: Tensor];

function record(program: Program, from: Pair, to: Pair, attrs: RopeAttrs, direction: 1 | -1): void {
  program.dispatch(ropeRotate, {
    constants: { H: attrs.heads, KV: attrs.kvHeads, D: attrs.headDim },
    params: { rows: from[0].shape[0]!, direction },
    inputs: [...from, attrs.table, attrs.positions],
    outputs: to,
  });
}

function zeros(program: Program, shape: readonly number[]): Tensor {
  const tensor = program.tensor(shape, "rope.zeros");
  program.clear(tensor);
  return tensor;
}
