/** RMSNorm with a frozen weight [C]. */
import type { Tape } from "../autograd/tape.ts";
import { modelError } from "../core/errors.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { rmsnorm } from "../ops/rmsnorm.ts";

export interface RmsNorm {
  readonly kind: "rmsnorm";
  /** [C] */
  readonly shape: readonly [number];
  readonly eps: number;
  /** f32 [C], null until loaded */
  weight: Tensor | null;
}

export const rmsNorm = (size: number, eps: number): RmsNorm => ({ kind: "rmsnorm", shape: [size], eps, weight: null });

/** x [N, C] → [N, C] */
export function normalize(tape: Tape, { weight, eps }: RmsNorm, x: Tensor): Tensor {
  if (!weight) throw modelError("a norm has no weights yet");
  return tape.apply(rmsnorm, [x], { weight, eps })[0]!;
}
