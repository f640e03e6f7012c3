import { describe, expect, it } from "vitest";
import { Program } from "../../src/gpu/program.ts";
import { rmsnorm } from "../../src/ops/rmsnorm.ts";
import { rmsnormBackward, rmsnormForward } from "../reference/rmsnorm.ts";
import { TOLERANCE } from "../support/compare.ts";
import { opContract } from "../support/op-contract.ts";
import { upload } from "../support/run-op.ts";
import { hostTensor, pick, type Style } from "../support/values.ts";

interface Shape {
  readonly N: number;
  readonly C: number;
  readonly eps: number;
  readonly style?: Style;
}

const edges: readonly Shape[] = [
  { N: 1, C: 4, eps: 1e-6 },
  // 128 invocations in a workgroup, one vec4 each: one short of full, one more.
  { N: 3, C: 508, eps: 1e-6 },
  { N: 3, C: 516, eps: 1e-5 },
  { N: 7, C: 20, eps: 1e-6, style: "large" },
  { N: 7, C: 20, eps: 1e-6, style: "equal" },
  { N: 5, C: 20, eps: 1e-6, style: "zero" },
  { N: 65_537, C: 4, eps: 1e-6 },
];

opContract({
  op: rmsnorm,
  edges,
  // Few widths: each is a pipeline of its own, slow to compile on a software adapter.
  random: (random): Shape => ({ N: 1 + random.below(40), C: pick(random, [4, 20, 52]), eps: 1e-6 }),
  problem: ({ N, C, eps, style }: Shape, random) => {
    const x = hostTensor(random, [N, C], style);
    const weight = hostTensor(random, [C]);
    const tolerance = { forward: TOLERANCE.reduction(C), backward: TOLERANCE.reduction(C) };
    return {
      inputs: [x],
      place: (program) => ({ attrs: { weight: upload(program, weight, "weight"), eps } }),
      forward: ([values]) => [rmsnormForward(values!, weight.values, Math.fround(eps))],
      backward: ([values], [dy]) => [rmsnormBackward(values!, weight.values, Math.fround(eps), dy!)],
      tolerance,
    };
  },
  savings: [[0]],
});

describe("rmsnorm: shapes", () => {
  const forward = (x: number[], weight: number[]) => () => {
    const program = new Program();
    const attrs = { weight: program.tensor(weight, "weight"), eps: 1e-6 };
    rmsnorm.forward(program, [program.tensor(x, "x")], attrs, [false]);
  };

  it("accepts what fits", () => {
    expect(forward([2, 8], [8])).not.toThrow();
  });

  it("refuses what does not, with the shapes", () => {
    expect(forward([2, 8], [12])).toThrow("[rmsnorm] weight is [12], x has 8 in its last axis (x [2,8])");
    expect(forward([2, 8], [8, 1])).toThrow("[rmsnorm] weight is [8,1]");
    expect(forward([2, 7], [7])).toThrow(
      "[rmsnorm] x is [2,7], expected [rows, columns] with columns in multiples of 4",
    );
    expect(forward([8], [8])).toThrow("[rmsnorm] x is [8]");
  });
});
