import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { Program } from "../../src/gpu/program.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { linear } from "../../src/ops/linear.ts";
import { linearBackward, linearForward } from "../reference/linear.ts";
import { testDevice } from "../support/device.ts";
import { gradientError } from "../support/gradcheck.ts";
import { type GroupShape, makeGroup } from "../support/linear-problem.ts";
import { expectGroup, runGroup } from "../support/linear-run.ts";
import { JOINT, SHAPES } from "../support/linear-shapes.ts";

let device: WebGpuDevice;
beforeAll(async () => {
  device = await testDevice();
});

const PADDED = SHAPES.find(({ layers }) => layers[0]!.rank === 3)!;
const THREE = SHAPES.find(({ layers, joint }) => layers.length === 3 && !joint)!;
const DROPPED = SHAPES.find(({ dropped, joint }) => dropped && !joint)!;

describe("linear: reference", () => {
  it.each(SHAPES.map((shape) => [JSON.stringify(shape), shape] as const))(
    "is differentiated rightly: %s",
    (_name, shape) => {
      const { N, K } = shape;
      for (let seed = 1; seed <= 5; seed++) {
        const group = makeGroup({ ...shape, dropped: true }, seed);
        const adapted = group.layers.filter(({ lowRank }) => lowRank);
        const inputs = [
          group.x.values,
          group.dropped.values,
          ...adapted.flatMap(({ lowRank }) => [lowRank!.A, lowRank!.B]),
        ];
        const layersOf = (values: readonly Float64Array[]) =>
          group.layers.map((layer) => {
            const at = 2 + 2 * adapted.indexOf(layer);
            return layer.lowRank
              ? { ...layer, lowRank: { ...layer.lowRank, A: values[at]!, B: values[at + 1]! } }
              : layer;
          });
        const error = gradientError(
          inputs,
          (values) => linearForward(values[0]!, values[1]!, layersOf(values), N, K),
          (values, dys) => {
            const { dx, dDropped, factors } = linearBackward(values[0]!, values[1]!, layersOf(values), dys, N, K);
            return [dx, dDropped, ...factors.flatMap((gradients) => (gradients ? [gradients.dA, gradients.dB] : []))];
          },
          new Random(seed),
        );
        expect(error).toBeLessThan(1e-7);
      }
    },
  );
});

describe("linear: kernels", () => {
  it.each(SHAPES.map((shape) => [JSON.stringify(shape), shape] as const))("%s", async (_name, shape) => {
    const group = makeGroup(shape, 1);
    const before = device.memory.live;
    expectGroup(await runGroup(device, shape, group), shape, group);
    expect(device.memory.live).toBe(before);
  });

  it("differ from a reference without the adapter's scale in dB", async () => {
    const shape = SHAPES[1]!;
    const group = makeGroup(shape, 1);
    const outcome = await runGroup(device, shape, group);
    const wrong: typeof linearBackward = (...all) => {
      const gradients = linearBackward(...all);
      return { ...gradients, factors: gradients.factors.map((f) => f && { ...f, dB: f.dB.map((value) => 2 * value) }) };
    };
    expect(() => expectGroup(outcome, shape, group, 1, wrong)).toThrow("factor 1: relative L2");
  });

  it("add the factors' gradients of several backward passes", async () => {
    const shape = THREE;
    const group = makeGroup(shape, 2);
    expectGroup(await runGroup(device, shape, group, [true, true], 2), shape, group, 2);
  });

  it("leave a padded rank's gradients at zero, so that it stays padding", async () => {
    const shape = PADDED;
    const { factors } = await runGroup(device, shape, makeGroup(shape, 3));
    const [dA, dB] = [factors[0]!, factors[1]!];
    expect(dA.slice(3 * shape.K).every((value) => value === 0)).toBe(true);
    expect(dB.filter((_, i) => i % 4 === 3).every((value) => value === 0)).toBe(true);
    expect(dA.slice(0, 3 * shape.K).some((value) => value !== 0)).toBe(true);
  });
});

/** Dispatches of forward and backward, by kernel. */
async function dispatches(shape: GroupShape, needs = [true, true]): Promise<Record<string, number>> {
  const dry = new DryDevice();
  await runGroup(dry, shape, makeGroup(shape, 1), needs);
  return Object.fromEntries(dry.byKernel);
}

describe("linear: dispatches", () => {
  const three = (K: number, change = {}): GroupShape => ({
    N: 5,
    K,
    layers: [
      { out: 12, rank: 8 },
      { out: 8, rank: 8 },
      { out: 8, rank: 8, ...change },
    ],
  });

  it("makes one skinny product for a group whose factors lie side by side", async () => {
    // Forward: 3 base + 1 down; backward: 3 dx + 3 g, and 1 dA + 3 dB.
    expect(await dispatches(three(16))).toEqual({ "matmul.nt": 4, "matmul.nn": 6, "matmul.tn": 4 });
  });

  it("makes one of each where weights, factors and gradients of the results lie side by side", async () => {
    const [three] = JOINT;
    expect(await dispatches(three!)).toEqual({ "matmul.nt": 2, "matmul.nn": 2, "matmul.tn": 2 });
    expect(await dispatches(JOINT[4]!)).toEqual({ "matmul.nt": 3, "matmul.nn": 3, "matmul.tn": 2 });
  });

  it("makes one each where they do not", async () => {
    expect(await dispatches({ ...three(16), gaps: true })).toEqual({ "matmul.nt": 6, "matmul.nn": 6, "matmul.tn": 6 });
  });

  it("splits a group at another scale, and at a factor without gradient", async () => {
    expect(await dispatches(three(16, { scale: 3 }))).toEqual({ "matmul.nt": 5, "matmul.nn": 6, "matmul.tn": 5 });
    expect(await dispatches(three(16, { frozen: "A" }))).toEqual({ "matmul.nt": 5, "matmul.nn": 6, "matmul.tn": 4 });
  });

  it("leaves out dx when nobody needs it, and what only it needs", async () => {
    expect(await dispatches(three(16), [false, false])).toEqual({ "matmul.nt": 4, "matmul.nn": 3, "matmul.tn": 4 });
    const frozen = { N: 5, K: 16, layers: [{ out: 12, rank: 8, frozen: "A" }] } as const;
    expect(await dispatches(frozen, [false, false])).toEqual({ "matmul.nt": 2, "matmul.tn": 1 });
    const plain = { N: 5, K: 16, layers: [{ out: 12, rank: 0 }] };
    expect(await dispatches(plain, [false, false])).toEqual({ "matmul.nt": 1 });
  });

  it("gives null for what was not asked for", async () => {
    const shape = DROPPED;
    const group = makeGroup(shape, 1);
    const outcome = await runGroup(device, shape, group, [true, false]);
    expect(outcome.dDropped).toBeNull();
    expectGroup(outcome, shape, group);
    const other = await runGroup(device, shape, group, [false, true]);
    expect(other.dx).toBeNull();
    expectGroup(other, shape, group);
  });
});

describe("linear: shapes", () => {
  const forward = (x: number[], weight: [number, number], A: number[], B: number[], bias: number[] | null = null) => {
    const program = new Program();
    const of = (shape: readonly number[]) => program.tensor(shape, "x");
    const shards = [{ tensor: of(weight), begin: 0, rows: weight[0] }];
    const member = {
      weight: { shape: weight, element: "f32", shards } as const,
      bias: bias && of(bias),
      lowRank: { A: of(A), B: of(B), scale: 1 },
    };
    const input = of(x);
    return () => linear.forward(program, [input, input], { members: [member] }, []);
  };

  it("accepts what fits", () => {
    expect(forward([3, 8], [12, 8], [4, 8], [12, 4], [12])).not.toThrow();
  });

  it("refuses what does not, with the shapes", () => {
    expect(forward([3, 12], [12, 8], [4, 8], [12, 4])).toThrow("[linear] weight is [12,8], x is [3,12]");
    expect(forward([3, 8], [10, 8], [4, 8], [10, 4])).toThrow("out must be a multiple of 4");
    expect(forward([3, 8], [12, 8], [4, 8], [12, 4], [8])).toThrow("[linear] bias is [8], weight is [12,8]");
    expect(forward([3, 8], [12, 8], [4, 12], [12, 4])).toThrow("[linear] A is [4,12] and B is [12,4]");
    expect(forward([3, 8], [12, 8], [8, 8], [12, 4])).toThrow("[linear] A is [8,8] and B is [12,4]");
    expect(forward([3, 8], [12, 8], [6, 8], [12, 6])).toThrow("[linear] A is [6,8] and B is [12,6]");
  });

  it("refuses a residual of another shape, or for several layers", () => {
    const program = new Program();
    const of = (...shape: number[]) => program.tensor(shape, "x");
    const shards = [{ tensor: of(12, 8), begin: 0, rows: 12 }];
    const member = { weight: { shape: [12, 8], element: "f32", shards } as const, bias: null, lowRank: null };
    const run = (residual: number[], members = [member]) => {
      const x = of(3, 8);
      return () => linear.forward(program, [x, x, of(...residual)], { members, residual: true }, []);
    };
    expect(run([3, 12])).not.toThrow();
    expect(run([3, 8])).toThrow("the residual is [3,8], expected [3,12]");
    expect(run([3, 12], [member, member])).toThrow("one layer");
  });
});
