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
export const rope: Op<RopeAttrs, null> = {
  name: "rope",

  forward(program, [q, k], attrs) {
    const { heads, kvHeads, headDim, table } = attrs;
    const fits = q!.shape[1] === heads * headDim && k!.shape[1] === kvHeads * headDim && q!.shape[0] === k!.shape[0];
    if (!fits || headDim % 2 !== 0 || table.shape[1] !== headDim / 2) {
      throw shapeError(
        `[rope] q ${show(q!)}, k ${show(k!)}, table ${show(table)} do not fit ${heads} and ${kvHeads} heads of ${headDim}`,
      );
    }
    return { outputs: record(program, q!, k!, attrs, 1), saved: null };
  },

  backward(program, _saved, [dq, dk], attrs, needs) {
    // A rotation's transpose is the rotation back.
    const zero = (like: Tensor, columns: number) => zeros(program, [like.shape[0]!, columns]);
    const q = dq ?? zero(dk!, attrs.heads * attrs.headDim);
    const k = dk ?? zero(dq!, attrs.kvHeads * attrs.headDim);
    return record(program, q, k, attrs, -1).map((grad, i) => (needs[i] ? grad : null));
  },
};

function record(program: Program, q: Tensor, k: Tensor, attrs: RopeAttrs, direction: 1 | -1): [Tensor, Tensor] {
  const qOut = program.tensor(q.shape, "rope.q");
  const kOut = program.tensor(k.shape, "rope.k");
  program.dispatch(ropeRotate, {
    constants: { H: attrs.heads, KV: attrs.kvHeads, D: attrs.headDim },
    params: { rows: q.shape[0]!, direction },
    inputs: [q, k, attrs.table, attrs.positions],
    outputs: [qOut, kOut],
  });
  return [qOut, kOut];
}

function zeros(program: Program, shape: readonly number[]): Tensor {
  const tensor = program.tensor(shape, "rope.zeros");
  program.clear(tensor);
  return tensor;
}
