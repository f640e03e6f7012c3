/** How attention and MLP come back into the stream. */
import type { Tape } from "../autograd/tape.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type Linear, project, projectOnto } from "../nn/linear.ts";
import { normalize, type RmsNorm } from "../nn/norm.ts";
import { add } from "../ops/add.ts";

/** residual + layer(x), or residual + norm(layer(x)); [N, C] */
export function branch(tape: Tape, layer: Linear, x: Tensor, norm: RmsNorm | null, residual: Tensor): Tensor {
  if (!norm) return projectOnto(tape, layer, x, residual);
  return tape.apply(add, [residual, normalize(tape, norm, project(tape, [layer], x)[0]!)], null)[0]!;
}
