/**
 * Rotary position embedding of queries and keys (Su et al. 2021, https://arxiv.org/abs/2104.09864) in the half-rotated
 * form of Hugging Face's models: of the first `rotated` elements of a head, i turns together with i + rotated/2; those
 * beyond stay as they are (GPT-NeoX, https://arxiv.org/abs/2204.06745; Phi-4-mini).
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
  inputs: ["table", "positions"],
  outputs: ["q", "k"],
  params: { rows: "u32", direction: "f32" },
  constants: ["H", "KV", "D", "ROTATED"],
  grid: ({ rows = 0, H = 0, KV = 0, ROTATED = 0 }) => grid1d(ceilDiv((rows * (H + KV) * ROTATED) / 2, 64)),
  flops: ({ rows = 0, H = 0, KV = 0, ROTATED = 0 }) => 3 * rows * (H + KV) * ROTATED,
};

export interface RopeAttrs {
  /** [P, rotated/2, 2]: cosine and sine of every position and pair. */
  readonly table: Tensor;
  /** u32 [N], each below P. */
  readonly positions: Tensor;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Elements of each head that turn: even, at most headDim. */
  readonly rotated: number;
}

/**
 * inputs q [N, H·D], k [N, KV·D] → the same, rotated. In place, forward and backward: what they were is gone afterwards,
 * and nothing else may read it.
 */
export const rope: Op<RopeAttrs, { readonly q: Tensor; readonly k: Tensor }> = {
  name: "rope",

  forward(program, [q, k], attrs) {
    const { heads, kvHeads, headDim, rotated, table } = attrs;
    const fits = q!.shape[1] === heads * headDim && k!.shape[1] === kvHeads * headDim && q!.shape[0] === k!.shape[0];
    if (!fits || rotated <= 0 || rotated % 2 !== 0 || rotated > headDim || table.shape[1] !== rotated / 2) {
      throw shapeError(
        `[rope] q ${show(q!)}, k ${show(k!)}, table ${show(table)} do not fit ${heads} and ${kvHeads} heads of ${headDim}, ` +
          `of which ${rotated} elements turn`,
      );
    }
    record(program, q!, k!, attrs, 1);
    // The tape knows tensors by their identity.
    return { outputs: [{ ...q! }, { ...k! }], saved: { q: q!, k: k! } };
  },

  backward(program, { q, k }, [dq, dk], attrs, needs) {
    // A rotation's transpose is the rotation back.
    const grads = [dq ?? zeros(program, q), dk ?? zeros(program, k)] as const;
    record(program, ...grads, attrs, -1);
    return grads.map((grad, i) => (needs[i] ? grad : null));
  },
};

function record(program: Program, q: Tensor, k: Tensor, attrs: RopeAttrs, direction: 1 | -1): void {
  program.dispatch(ropeRotate, {
    constants: { H: attrs.heads, KV: attrs.kvHeads, D: attrs.headDim, ROTATED: attrs.rotated },
    params: { rows: q.shape[0]!, direction },
    inputs: [attrs.table, attrs.positions],
    outputs: [q, k],
  });
}

/** The gradient of a result on which nothing depends. */
function zeros(program: Program, of: Tensor): Tensor {
  const tensor = program.gradient(of, "rope.zeros");
  program.clear(tensor);
  return tensor;
}
