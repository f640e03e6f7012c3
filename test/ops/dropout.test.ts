import { describe, expect, it } from "vitest";
import { fetchFloats } from "../../src/gpu/device.ts";
import { Program } from "../../src/gpu/program.ts";
import { type DropoutAttrs, dropout } from "../../src/ops/dropout.ts";
import { dropoutBackward, dropoutForward } from "../reference/dropout.ts";
import { TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { opContract } from "../support/op-contract.ts";
import { hostTensor } from "../support/values.ts";

interface Shape extends DropoutAttrs {
  readonly N: number;
  readonly C: number;
}

const edges: readonly Shape[] = [
  { N: 1, C: 4, p: 0.5, seed: 0 },
  { N: 3, C: 8, p: 0, seed: 1 },
  { N: 65, C: 4, p: 0.05, seed: 0xffffffff },
  { N: 9, C: 12, p: 0.999, seed: -1 },
];

opContract({
  op: dropout,
  edges,
  random: (random): Shape => ({
    N: 1 + random.below(30),
    C: 4 * (1 + random.below(8)),
    // At most a half, so that of any problem something is left.
    p: random.uniform() / 2,
    seed: random.uint32(),
  }),
  problem: ({ N, C, p, seed }: Shape, random) => ({
    inputs: [hostTensor(random, [N, C])],
    place: () => ({ attrs: { p, seed } }),
    forward: ([x]) => [dropoutForward(x!, p, seed)],
    backward: (_inputs, [dy]) => [dropoutBackward(dy!, p, seed)],
    tolerance: { forward: TOLERANCE.pointwise, backward: TOLERANCE.pointwise },
  }),
  savings: [[0]],
});

/** The mask of a [N, 4] tensor of ones, as 0 and 1. */
async function mask(count: number, p: number, seed: number): Promise<number[]> {
  const program = new Program();
  const ones = program.constant(new Float32Array(count).fill(1), [count / 4, 4], "ones");
  const [y] = dropout.forward(program, [ones], { p, seed }, [false]).outputs;
  return [...(await fetchFloats(await testDevice(), program, y!))].map((value) => (value === 0 ? 0 : 1));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe("dropout: the mask", () => {
  const count = 1 << 16;

  it.each([0.1, 0.5, 0.9])("drops a share of %d, within five standard deviations", async (p) => {
    const dropped = count - sum(await mask(count, p, 7));
    expect(Math.abs(dropped - p * count)).toBeLessThan(5 * Math.sqrt(count * p * (1 - p)));
  });

  it("is another one for another seed, neighbours included, and not a shifted one", async () => {
    const [a, b] = [await mask(count, 0.5, 7), await mask(count, 0.5, 8)];
    for (const shift of [0, 1, 4]) {
      const equal = sum(a.slice(shift).map((bit, i) => (bit === b[i] ? 1 : 0)));
      expect(Math.abs(equal - (count - shift) / 2)).toBeLessThan(5 * Math.sqrt(count / 4));
    }
    expect(await mask(count, 0.5, 7)).toEqual(a);
  });

  it("keeps neighbours independent", async () => {
    const bits = await mask(count, 0.5, 3);
    for (const lag of [1, 2, 4, 64, 256]) {
      const equal = sum(bits.slice(lag).map((bit, i) => (bit === bits[i] ? 1 : 0)));
      expect(Math.abs(equal - (count - lag) / 2)).toBeLessThan(5 * Math.sqrt(count / 4));
    }
  });

  it("refuses a probability of 1 and what is none", () => {
    const program = new Program();
    const run = (p: number) => () => dropout.forward(program, [program.tensor([1, 4], "x")], { p, seed: 0 }, [false]);
    expect(run(0.999)).not.toThrow();
    for (const p of [1, -0.1, Number.NaN])
      expect(run(p)).toThrow(`[dropout] p is ${p}, expected at least 0 and below 1`);
  });
});
