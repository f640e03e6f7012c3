/** RMSNorm with a frozen weight [C]. */
import type { Tape } from "../autograd/tape.ts";
import { modelError } from "../core/errors.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { reshape } from "../ops/reshape.ts";
import { rmsnorm } from "../ops/rmsnorm.ts";

export interface RmsNorm {
  readonly kind: "rmsnorm";
  /** [C] */
  readonly shape: readonly [number];
  readonly eps: number;
  /** What its file's numbers lack: Gemma's weights are stored less one. */
  readonly offset: 0 | 1;
  /** f32 [C], null until loaded */
  weight: Tensor | null;
}

export const rmsNorm = (size: number, eps: number, offset: 0 | 1 = 0): RmsNorm => ({
  ...{ kind: "rmsnorm", shape: [size], eps, offset, weight: null },
});

/** x [N, C] → [N, C] */
export function normalize(tape: Tape, { weight, eps }: RmsNorm, x: Tensor): Tensor {
  if (!weight) throw modelError("a norm has no weights yet");
  return tape.apply(rmsnorm, [x], { weight, eps })[0]!;
}

/** x [N, H·D] → the same, each head by itself with the same weight [D]. */
export function normalizeHeads(tape: Tape, norm: RmsNorm, x: Tensor): Tensor {
  const [rows = 0, columns = 0] = x.shape;
  const [D] = norm.shape;
  const heads = tape.apply(reshape, [x], { shape: [(rows * columns) / D, D] })[0]!;
  return tape.apply(reshape, [normalize(tape, norm, heads)], { shape: x.shape })[0]!;
}
