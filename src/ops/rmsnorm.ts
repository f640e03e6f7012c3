/**
 * y = w · x / sqrt(mean(x²) + eps), row by row (Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467). Short rows,
 * as of a norm for each head, share a workgroup.
 */
import type { Op } from "../autograd/op.ts";
import { shapeError } from "../core/errors.ts";
import { ceilDiv, grid1d, type Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { matrixShape, show } from "./shapes.ts";

/** Invocations of a workgroup: WG in shaders/lib/reduce.wgsl. */
const WORKGROUP = 128;

/** Rows of C in one workgroup, so that each of its invocations has a vec4 where C allows it: a power of two. */
const rowsTogether = (C: number): number => Math.max(1, WORKGROUP / 2 ** Math.ceil(Math.log2(C / 4)));

const params = { rows: "u32", eps: "f32", add: "u32" } as const;

export const rmsnormForward: Kernel = {
  stem: "rmsnorm",
  entry: "forward",
  inputs: ["x", "weight"],
  outputs: ["y", "rstd"],
  params,
  constants: ["C", "ROWS"],
  include: ["reduce"],
  grid: ({ rows = 0, ROWS = 1 }) => grid1d(ceilDiv(rows, ROWS)),
  flops: ({ rows = 0, C = 0 }) => 4 * rows * C,
};

export const rmsnormBackward: Kernel = {
  ...rmsnormForward,
  entry: "backward",
  inputs: ["x", "weight", "rstd", "dy", "before"],
  outputs: ["dx"],
  flops: ({ rows = 0, C = 0 }) => 8 * rows * C,
};

export interface RmsnormAttrs {
  /** [C], frozen */
  readonly weight: Tensor;
  readonly eps: number;
}

/** inputs x [N, C] → y [N, C] */
export const rmsnorm: Op<RmsnormAttrs, { x: Tensor; rstd: Tensor }> = {
  name: "rmsnorm",

  forward(program, inputs, { weight, eps }) {
    const x = inputs[0]!;
    const [rows, C] = matrixShape("rmsnorm", "x", x);
    if (weight.shape.length !== 1 || weight.shape[0] !== C) {
      throw shapeError(`[rmsnorm] weight is ${show(weight)}, x has ${C} in its last axis (x ${show(x)})`);
    }
    const y = program.tensor(x.shape, "rmsnorm.y");
    const rstd = program.tensor([rows], "rmsnorm.rstd");
    program.dispatch(rmsnormForward, {
      constants: { C, ROWS: rowsTogether(C) },
      params: { rows, eps, add: 0 },
      inputs: [x, weight],
      outputs: [y, rstd],
    });
    return { outputs: [y], saved: { x, rstd } };
  },

  adds: true,

  backward(program, { x, rstd }, [dy], { weight, eps }, [needsX], [before = null] = []) {
    if (!needsX) return [null];
    const [rows, C] = matrixShape("rmsnorm", "x", x);
    const dx = program.gradient(x, "rmsnorm.dx");
    program.dispatch(rmsnormBackward, {
      constants: { C, ROWS: rowsTogether(C) },
      params: { rows, eps, add: before ? 1 : 0 },
      inputs: [x, weight, rstd, dy!, before],
      outputs: [dx],
    });
    return [dx];
  },
};
