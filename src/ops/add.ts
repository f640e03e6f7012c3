/** y = a + b: the residual connection; also the sum of two gradients of one tensor. */
import type { Op } from "../autograd/op.ts";
import type { Kernel } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { flatGrid, matrixShape, sameShape, vec4Count } from "./shapes.ts";

export const addForward: Kernel = {
  stem: "add",
  entry: "forward",
  inputs: ["a", "b"],
  outputs: ["y"],
  params: { count: "u32" },
  constants: [],
  grid: flatGrid,
  flops: ({ count = 0 }) => 4 * count,
};

/** a + b, recorded; both [N, C]. */
export function recordAdd(program: Program, a: Tensor, b: Tensor): Tensor {
  matrixShape("add", "a", a);
  sameShape("add", ["a", "b"], a, b);
  const y = program.tensor(a.shape, "add.y");
  program.dispatch(addForward, { constants: {}, params: { count: vec4Count(a) }, inputs: [a, b], outputs: [y] });
  return y;
}

/** inputs a, b [N, C] → y [N, C] */
export const add: Op<null, null> = {
  name: "add",
  forward: (program, [a, b]) => ({ outputs: [recordAdd(program, a!, b!)], saved: null }),
  // y = a + b: both gradients are dy itself
  backward: (_program, _saved, [dy], _attrs, needs) => needs.map((need) => (need ? dy! : null)),
};
