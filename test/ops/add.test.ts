import { describe, expect, it } from "vitest";
import { fetchFloats } from "../../src/gpu/device.ts";
import { Program } from "../../src/gpu/program.ts";
import { add, recordAdd } from "../../src/ops/add.ts";
import { addBackward, addForward } from "../reference/add.ts";
import { TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { opContract } from "../support/op-contract.ts";
import { hostTensor, type Style } from "../support/values.ts";

interface Shape {
  readonly N: number;
  readonly C: number;
  readonly style?: Style;
}

const edges: readonly Shape[] = [
  { N: 1, C: 4 },
  { N: 63, C: 4 },
  { N: 64, C: 4 },
  { N: 65, C: 4 },
  { N: 13, C: 28, style: "large" },
];

opContract({
  op: add,
  edges,
  random: (random): Shape => ({ N: 1 + random.below(40), C: 4 * (1 + random.below(10)) }),
  problem: ({ N, C, style }: Shape, random) => ({
    inputs: [hostTensor(random, [N, C], style), hostTensor(random, [N, C], style)],
    place: () => ({ attrs: null }),
    forward: ([a, b]) => [addForward(a!, b!)],
    backward: (_inputs, [dy]) => addBackward(dy!),
    tolerance: { forward: TOLERANCE.pointwise, backward: TOLERANCE.copy },
  }),
  savings: [],
});

describe("add", () => {
  it("goes on in y past 65,535 workgroups, as every kernel with one invocation per vec4 does", async () => {
    const device = await testDevice();
    const shape = [65_537, 256];
    const values = Float32Array.from({ length: 65_537 * 256 }, (_, i) => i % 9973);
    const program = new Program();
    const a = program.constant(values, shape, "a");
    const y = await fetchFloats(device, program, recordAdd(program, a, program.constant(values, shape, "b")));
    const wrong = y.findIndex((value, i) => value !== 2 * (i % 9973));
    expect(wrong).toBe(-1);
  });

  it("refuses shapes that differ or are no matrices of vec4s", () => {
    const program = new Program();
    const of = (...shape: number[]) => program.tensor(shape, "x");
    expect(() => recordAdd(program, of(2, 8), of(2, 8))).not.toThrow();
    expect(() => recordAdd(program, of(2, 8), of(2, 12))).toThrow("[add] a is [2,8] but b is [2,12]");
    expect(() => recordAdd(program, of(2, 6), of(2, 6))).toThrow("[add] a is [2,6], expected [rows, columns]");
  });
});
