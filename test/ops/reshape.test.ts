import { expect, it } from "vitest";
import { Program } from "../../src/gpu/program.ts";
import { reshape } from "../../src/ops/reshape.ts";
import { TOLERANCE } from "../support/compare.ts";
import { opContract } from "../support/op-contract.ts";
import { dispatchesOf } from "../support/run-op.ts";
import { hostTensor } from "../support/values.ts";

interface Shape {
  readonly N: number;
  readonly H: number;
  readonly D: number;
}

opContract({
  op: reshape,
  edges: [
    { N: 1, H: 1, D: 1 },
    { N: 7, H: 3, D: 4 },
  ],
  random: (random): Shape => ({ N: 1 + random.below(9), H: 1 + random.below(5), D: 4 }),
  problem: ({ N, H, D }: Shape, random) => ({
    inputs: [hostTensor(random, [N, H * D])],
    outputRows: N * H,
    place: () => ({ attrs: { shape: [N * H, D] } }),
    forward: ([x]) => [x!],
    backward: (_inputs, [dy]) => [dy!],
    tolerance: { forward: TOLERANCE.copy, backward: TOLERANCE.copy },
  }),
  savings: [],
});

it("moves nothing, and refuses another number of elements", async () => {
  const x = { shape: [3, 8], values: new Float64Array(24) };
  const run = { op: reshape, inputs: [x], place: () => ({ attrs: { shape: [6, 4] } }), dys: [x], needs: [true] };
  expect(await dispatchesOf(run)).toBe(0);
  const program = new Program();
  const forward = (shape: number[]) => () => reshape.forward(program, [program.tensor([3, 8], "x")], { shape }, []);
  expect(forward([6, 4])).not.toThrow();
  expect(forward([6, 5])).toThrow("[reshape] x is [3,8], which is not as many elements as [6,5]");
});
