import { describe, expect, it } from "vitest";
import { Program } from "../../src/gpu/program.ts";
import { type RopeAttrs, rope } from "../../src/ops/rope.ts";
import { ropeBackward, ropeForward, ropeTable } from "../reference/rope.ts";
import { TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { opContract } from "../support/op-contract.ts";
import { indexTensor, upload } from "../support/run-op.ts";
import { hostTensor, pick } from "../support/values.ts";

interface Shape {
  readonly N: number;
  readonly H: number;
  readonly KV: number;
  readonly D: number;
  /** Elements of a head that turn; all where it is left out. */
  readonly R?: number;
  /** Positions the table covers. */
  readonly P: number;
}

const edges: readonly Shape[] = [
  { N: 1, H: 1, KV: 1, D: 2, P: 1 },
  { N: 7, H: 3, KV: 3, D: 4, P: 9 },
  { N: 5, H: 6, KV: 1, D: 8, P: 40_000 },
  // Parts of heads, as Phi-4-mini turns 96 of 128: some of it, all but two, a single pair.
  { N: 5, H: 3, KV: 1, D: 16, R: 12, P: 50 },
  { N: 9, H: 2, KV: 2, D: 6, R: 4, P: 50 },
  { N: 3, H: 2, KV: 1, D: 6, R: 2, P: 9 },
  // 65 invocations: one more than a workgroup.
  { N: 13, H: 4, KV: 1, D: 2, P: 13 },
];

opContract({
  op: rope,
  edges,
  random: (random): Shape => {
    const KV = 1 + random.below(3);
    const D = pick(random, [2, 4, 6, 16]);
    const R = D === 16 ? pick(random, [12, 16]) : D;
    return { N: 1 + random.below(12), H: KV * (1 + random.below(3)), KV, D, R, P: 50 };
  },
  problem: ({ N, H, KV, D, R = D, P }: Shape, random) => {
    const table = ropeTable(P, R, 10_000).map(Math.fround);
    // Packed sequences: positions repeat and jump.
    const positions = Array.from({ length: N }, () => random.below(P));
    return {
      inputs: [hostTensor(random, [N, H * D]), hostTensor(random, [N, KV * D])],
      place: (program) => {
        const tensors = {
          table: upload(program, { shape: [P, R / 2, 2], values: table }, "table"),
          positions: indexTensor(program, positions),
        };
        const attrs: RopeAttrs = { ...tensors, heads: H, kvHeads: KV, headDim: D, rotated: R };
        return { attrs };
      },
      forward: ([q, k]) => [ropeForward(q!, table, positions, H, D, R), ropeForward(k!, table, positions, KV, D, R)],
      backward: (_inputs, [dq, dk]) => [
        ropeBackward(dq!, table, positions, H, D, R),
        ropeBackward(dk!, table, positions, KV, D, R),
      ],
      tolerance: { forward: TOLERANCE.pointwise, backward: TOLERANCE.pointwise },
    };
  },
  // One kernel turns both gradients: only leaving out both saves it.
  savings: [[0, 1]],
});

describe("rope: one gradient alone", () => {
  it.each([0, 1])("takes the missing gradient of output %i's sibling as zero", async (output) => {
    const device = await testDevice();
    const program = new Program();
    const ones = new Float32Array(8).fill(1);
    const dy = program.constant(ones, [2, 4], "dy");
    const attrs: RopeAttrs = {
      table: program.constant(Float32Array.from([0, 1, 0, 1]), [1, 2, 2], "table"),
      positions: indexTensor(program, [0, 0]),
      heads: 1,
      kvHeads: 1,
      headDim: 4,
      rotated: 4,
    };
    const dys = [0, 1].map((i) => (i === output ? dy : null));
    const [q, k] = [program.tensor([2, 4], "q"), program.tensor([2, 4], "k")];
    const grads = rope.backward(program, { q, k }, dys, attrs, [true, true]);
    const [given, missing] = [program.readFloats(grads[output]!), program.readFloats(grads[1 - output]!)];
    await device.run(program);
    // A quarter turn back: first' = second, second' = −first.
    expect([...(await given)]).toEqual([1, 1, -1, -1, 1, 1, -1, -1]);
    expect([...(await missing)]).toEqual(new Array(8).fill(0));
  });

  it("refuses heads that do not fit, with the shapes", () => {
    const program = new Program();
    const attrs = { table: program.tensor([9, 2, 2], "table"), positions: program.tensor([3], "positions", "u32") };
    const forward =
      (q: number[], headDim: number, rotated = headDim) =>
      () =>
        rope.forward(
          program,
          [program.tensor(q, "q"), program.tensor([3, 4], "k")],
          { ...attrs, heads: 2, kvHeads: 1, headDim, rotated },
          [],
        );
    expect(forward([3, 8], 4)).not.toThrow();
    expect(forward([3, 12], 4)).toThrow("[rope] q [3,12], k [3,4], table [9,2,2] do not fit 2 and 1 heads of 4");
    expect(forward([3, 8], 6)).toThrow("heads of 6");
    expect(forward([3, 8], 4, 2)).toThrow("table [9,2,2] do not fit 2 and 1 heads of 4, of which 2 elements turn");
    expect(forward([3, 8], 4, 6)).toThrow("of which 6 elements turn");
    expect(forward([2, 8], 4)).toThrow("[rope] q [2,8]");
  });
});
