/** The adapter's own speed limit, which benchmarks state their results against: not used by any model. */
import type { Kernel } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";

/** Eight vec4 per invocation, a multiply and an add each. */
export const FLOPS_PER_STEP = 8 * 4 * 2;

export const peakMultiplyAdd: Kernel = {
  stem: "peak",
  entry: "multiply_add",
  inputs: ["seed"],
  outputs: ["y"],
  params: { steps: "u32", groups: "u32" },
  constants: [],
  grid: ({ groups = 1 }) => [groups, 1, 1],
  flops: ({ groups = 1, steps = 0 }) => groups * 64 * steps * FLOPS_PER_STEP,
};

/** Records `groups`·64 invocations of `steps` steps each; returns their results [groups·64]. */
export function recordPeak(program: Program, groups: number, steps: number): Tensor {
  const seed = program.constant(new Float32Array([0.5, 0.25]), [2], "peak.seed");
  const y = program.tensor([groups * 64], "peak.y");
  program.dispatch(peakMultiplyAdd, { constants: {}, params: { steps, groups }, inputs: [seed], outputs: [y] });
  return y;
}
