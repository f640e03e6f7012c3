/**
 * DoRA (Liu et al. 2024, https://arxiv.org/abs/2402.09353): a low-rank update turns each row of W, and a trained magnitude
 * says how long it is:
 *
 *   y = z ⊙ m/n + bias + residual      z = x·Wᵀ + s·(x·Aᵀ)·Bᵀ      n_j = ‖(W + s·B·A)_j‖
 *
 * z comes from the linear op. n is a constant in backward, as the paper (section 4.3), peft and mlx-lm have it:
 *
 *   dz = dy ⊙ m/n      dm += Σ_rows dy ⊙ z / n
 */
import type { Op } from "../autograd/op.ts";
import { shapeError } from "../core/errors.ts";
import { ceilDiv, grid1d, type Kernel } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Weight } from "../gpu/weight.ts";
import { weightPieces } from "../gpu/weight-element.ts";
import { matrixShape, sameShape, show } from "./shapes.ts";

const params = {
  rows: "u32",
  columns: "u32",
  begin: "u32",
  rank: "u32",
  tiles: "u32",
  bias: "u32",
  residual: "u32",
  scale: "f32",
} as const;

/** vec4 columns of a workgroup of backward: WIDE in the shader. */
const WIDE = 16;
/** Rows of a workgroup of backward. */
const TILE = 64;
const ROWS_OF_NORM = 4;

export const doraNorm: Kernel = {
  stem: "dora",
  entry: "norm",
  inputs: ["weight", "low_a", "low_b"],
  outputs: ["row_norms"],
  params,
  constants: ["TILE", "BITS", "GROUP"],
  include: ["weight-f32"],
  grid: ({ rows = 0 }) => grid1d(ceilDiv(rows, ROWS_OF_NORM)),
  flops: ({ rows = 0, columns = 0, rank = 0 }) => 4 * rows * columns * (8 * rank + 4),
};

export const doraForward: Kernel = {
  ...doraNorm,
  entry: "forward",
  inputs: ["magnitude", "norms", "z", "bias", "residual"],
  outputs: ["y"],
  grid: ({ rows = 0, columns = 0 }) => grid1d(ceilDiv(rows * columns, 64)),
  flops: ({ rows = 0, columns = 0, bias = 0, residual = 0 }) => 4 * rows * columns * (2 + bias + residual),
};

export const doraBackward: Kernel = {
  ...doraNorm,
  entry: "backward",
  inputs: ["magnitude", "norms", "z", "dy"],
  outputs: ["dz", "parts"],
  grid: ({ columns = 0, tiles = 1 }) => [ceilDiv(columns, WIDE), tiles, 1],
  flops: ({ rows = 0, columns = 0 }) => 12 * rows * columns,
};

export const doraGather: Kernel = {
  ...doraNorm,
  entry: "gather",
  inputs: ["all_parts", "norms"],
  outputs: ["dm"],
  grid: ({ columns = 0 }) => [ceilDiv(columns, 64), 1, 1],
  flops: ({ columns = 0, tiles = 0 }) => 4 * columns * (tiles + 2),
};

const VARIANT = { constants: { TILE, BITS: 0, GROUP: 0 } };

/** Factors A [R, K] and B [O, R], R a multiple of 4, and the scale s. */
export interface DoraFactors {
  readonly A: Tensor;
  readonly B: Tensor;
  readonly scale: number;
}

/** ‖W + s·B·A‖ row by row into `norms` [O], for W [O, K] in any storage, O a multiple of 4. Reads W once. */
export function recordNorms(program: Program, weight: Weight, { A, B, scale }: DoraFactors, norms: Tensor): void {
  const [O, K] = weight.shape;
  const rank = A.shape[0]!;
  const fits = A.shape[1] === K && B.shape.join() === `${O},${rank}` && norms.shape.join() === `${O}`;
  if (!fits || O % 4 !== 0 || K % 4 !== 0 || rank % 4 !== 0) {
    throw shapeError(`[dora] weight is [${weight.shape}], A ${show(A)}, B ${show(B)}, norms ${show(norms)}`);
  }
  const { include, constants } = weightPieces(weight.element);
  for (const shard of weight.shards) {
    program.dispatch(doraNorm, {
      constants: { TILE, ...constants },
      include,
      params: { ...PLAIN, rows: shard.rows, columns: K / 4, begin: shard.begin / 4, rank: rank / 4, scale },
      inputs: [shard.tensor, A, B],
      outputs: [norms],
    });
  }
}
const PLAIN = { tiles: 0, bias: 0, residual: 0, rank: 0, scale: 0 };

export interface DoraAttrs {
  /** [O], by `recordNorms` */
  readonly norms: Tensor;
  /** [O], frozen */
  readonly bias: Tensor | null;
  /** The first of the outputs that z has, where it is a part of the layer; a multiple of 4. */
  readonly begin: number;
}

/**
 * inputs z [N, P], m [O], and maybe a residual [N, P] → y [N, P], for the outputs [begin, begin + P) of a layer of O. m is a
 * parameter: its gradient is added to `m.grad`.
 */
export const dora: Op<DoraAttrs, { z: Tensor; magnitude: Tensor }> = {
  name: "dora",

  forward(program, inputs, attrs) {
    const [z, magnitude, residual = null] = [inputs[0]!, inputs[1]!, inputs[2]];
    const { norms, bias } = attrs;
    const sizes = partSizes(z, attrs);
    for (const [name, whole] of [["m", magnitude] as const, ...(bias ? [["bias", bias] as const] : [])]) {
      sameShape("dora", [name, "norms"], whole, norms);
    }
    if (residual) sameShape("dora", ["residual", "z"], residual, z);
    const y = program.tensor(z.shape, "dora.y");
    program.dispatch(doraForward, {
      ...VARIANT,
      params: { ...PLAIN, ...sizes, bias: bias ? 1 : 0, residual: residual ? 1 : 0 },
      inputs: [magnitude, norms, z, bias, residual],
      outputs: [y],
    });
    return { outputs: [y], saved: { z, magnitude } };
  },

  backward(program, { z, magnitude }, [dy], attrs, [needsZ, needsM, needsResidual]) {
    const { norms } = attrs;
    const sizes = partSizes(z, attrs);
    const tiles = ceilDiv(sizes.rows, TILE);
    const dz = program.gradient(z, "dora.dz");
    const parts = program.tensor([tiles, z.shape[1]!], "dora.parts");
    const values = { ...PLAIN, ...sizes, tiles };
    if (needsZ || needsM) {
      const inputs = [magnitude, norms, z, dy!];
      program.dispatch(doraBackward, { ...VARIANT, params: values, inputs, outputs: [dz, parts] });
    }
    if (needsM && magnitude.grad) {
      const inputs = [parts, norms];
      program.dispatch(doraGather, { ...VARIANT, params: values, inputs, outputs: [magnitude.grad] });
    }
    // The residual's gradient is dy itself.
    const given = [needsZ ? dz : null, null];
    return needsResidual === undefined ? given : [...given, needsResidual ? dy! : null];
  },
};

function partSizes(z: Tensor, { norms, begin }: DoraAttrs) {
  const [rows, columns] = matrixShape("dora", "z", z);
  if (begin % 4 !== 0 || begin < 0 || begin + columns > (norms.shape[0] ?? 0)) {
    throw shapeError(`[dora] z is ${show(z)} from output ${begin} on, norms are ${show(norms)}`);
  }
  return { rows, columns: columns / 4, begin: begin / 4 };
}
