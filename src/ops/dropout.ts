/** Inverted dropout. The mask is a pure function of (seed, element), so nothing is saved for backward. */
import type { Op } from "../autograd/op.ts";
import { configError } from "../core/errors.ts";
import type { Kernel } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { flatGrid, matrixShape, vec4Count } from "./shapes.ts";

export const dropoutForward: Kernel = {
  stem: "dropout",
  entry: "forward",
  inputs: ["x"],
  outputs: ["y"],
  params: { count: "u32", seed: "u32", threshold: "u32", scale: "f32" },
  constants: [],
  grid: flatGrid,
};

export interface DropoutAttrs {
  /** Probability of dropping an element, in [0, 1). */
  readonly p: number;
  readonly seed: number;
}

/** inputs x [N, C] → y [N, C] */
export const dropout: Op<DropoutAttrs, null> = {
  name: "dropout",
  forward: (program, inputs, attrs) => ({ outputs: [record(program, inputs[0]!, attrs)], saved: null }),
  // y = x·mask/(1 − p): the gradient passes through the same mask
  backward: (program, _saved, [dy], attrs, [needsX]) => [needsX ? record(program, dy!, attrs) : null],
};

function record(program: Program, x: Tensor, { p, seed }: DropoutAttrs): Tensor {
  matrixShape("dropout", "x", x);
  if (!(p >= 0 && p < 1)) throw configError(`[dropout] p is ${p}, expected at least 0 and below 1`);
  const y = program.tensor(x.shape, "dropout.y");
  program.dispatch(dropoutForward, {
    constants: {},
    params: { count: vec4Count(x), seed: seed >>> 0, threshold: Math.floor(p * 2 ** 32), scale: 1 / (1 - p) },
    inputs: [x],
    outputs: [y],
  });
  return y;
}
