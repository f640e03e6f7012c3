import { beforeAll, describe, expect, it } from "vitest";
import type { Op } from "../../src/autograd/op.ts";
import { Random } from "../../src/core/random.ts";
import { fetchFloats } from "../../src/gpu/device.ts";
import { Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { storedRowBytes, type WeightElement } from "../../src/gpu/weight-element.ts";
import { type DoraAttrs, dora, recordNorms } from "../../src/ops/dora.ts";
import { doraBackward, doraForward, doraNorms } from "../reference/dora.ts";
import { expectClose, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { opContract } from "../support/op-contract.ts";
import { upload } from "../support/run-op.ts";
import { fill, hostTensor, type Style } from "../support/values.ts";
import { QUANTIZED_ELEMENTS, rounded, usingWeight, WEIGHT_ELEMENTS, withBinding } from "../support/weights.ts";

interface Shape {
  readonly N: number;
  readonly O: number;
  /** Outputs of z, and the first of them; all without it. */
  readonly part?: { readonly begin: number; readonly P: number };
  readonly bias?: boolean;
  readonly residual?: boolean;
  readonly style?: Style;
}

/** The op with a magnitude that has a gradient to add to, which is returned as that of any input. */
const summed: Op<DoraAttrs, { z: Tensor; magnitude: Tensor }> = {
  name: "dora",
  forward(program, [z, m, ...rest], attrs, needs) {
    const grad = program.tensor(m!.shape, "dm");
    program.clear(grad);
    return dora.forward(program, [z!, { ...m!, grad }, ...rest], attrs, needs);
  },
  backward(program, saved, dys, attrs, needs) {
    const [dz, dm, ...rest] = dora.backward(program, saved, dys, attrs, needs);
    expect(dm).toBeNull();
    return [dz!, needs[1] ? saved.magnitude.grad! : null, ...rest];
  },
};

const edges: readonly Shape[] = [
  { N: 1, O: 4 },
  // 16 vec4 columns and 64 rows in a workgroup of backward: one short of full, one more, several.
  { N: 63, O: 60, bias: true },
  { N: 65, O: 68, residual: true },
  { N: 130, O: 140, bias: true, residual: true },
  { N: 7, O: 96, part: { begin: 36, P: 24 }, bias: true, residual: true },
  { N: 9, O: 20, style: "large" },
  { N: 9, O: 20, style: "zero", bias: true },
];

opContract({
  op: summed,
  edges,
  random: (random): Shape => ({
    N: 1 + random.below(20),
    O: 24,
    ...(random.below(2) === 0 ? {} : { part: { begin: 4 * random.below(3), P: 12 } }),
    bias: random.below(2) === 0,
    residual: random.below(2) === 0,
  }),
  problem: ({ N, O, part = { begin: 0, P: O }, bias = false, residual = false, style }: Shape, random) => {
    const { begin, P } = part;
    const [z, m] = [hostTensor(random, [N, P], style), hostTensor(random, [O])];
    const added = residual ? [hostTensor(random, [N, P])] : [];
    const norms = { shape: [O], values: fill(random, O).map((value) => Math.fround(0.1 + Math.abs(value))) };
    const shift = bias ? hostTensor(random, [O]) : null;
    const own = { norms: norms.values, bias: shift?.values ?? null, begin, P };
    return {
      inputs: [z, m, ...added],
      place: (program) => ({
        attrs: { norms: upload(program, norms, "norms"), bias: shift && upload(program, shift, "bias"), begin },
      }),
      forward: ([z, m, residual]) => [doraForward(z!, m!, residual ?? null, own)],
      backward: ([z, m], [dy]) => {
        const { dz, dm } = doraBackward(z!, m!, dy!, own);
        return [dz, dm, ...(residual ? [dy!] : [])];
      },
      tolerance: { forward: TOLERANCE.pointwise, backward: { ...TOLERANCE.reduction(N), terms: 1 } },
    };
  },
  savings: [[1]],
});

describe("dora: norms of the rows of W + s·B·A", () => {
  let device: WebGpuDevice;
  beforeAll(async () => {
    device = await testDevice();
  });

  interface Case {
    readonly O: number;
    readonly K: number;
    readonly R: number;
    readonly element: WeightElement;
    readonly shardRows?: number;
  }
  const CASES: readonly Case[] = [
    ...WEIGHT_ELEMENTS.map((element): Case => ({ O: 12, K: 20, R: 4, element })),
    ...QUANTIZED_ELEMENTS.map((element): Case => ({ O: 8, K: 128, R: 8, element })),
    { O: 4, K: 4, R: 4, element: "f32" },
    // 128 invocations, a vec4 each: one more.
    { O: 8, K: 516, R: 12, element: "bf16" },
    { O: 300, K: 8, R: 4, element: "f32", shardRows: 128 },
    { O: 384, K: 64, R: 4, element: "q5g64-f16", shardRows: 128 },
  ];

  it.each(CASES)(
    "$O × $K, rank $R, $element, $shardRows rows a shard",
    async ({ O, K, R, element, shardRows = 1e6 }) => {
      const random = new Random(O * K * R);
      const w = rounded(hostTensor(random, [O, K]), element);
      const [a, b] = [hostTensor(random, [R, K]), hostTensor(random, [O, R])];
      await usingWeight(withBinding(device, shardRows * storedRowBytes(element, K)), w, element, async (weight) => {
        const program = new Program();
        const norms = program.tensor([O], "norms");
        const factors = { A: upload(program, a, "A"), B: upload(program, b, "B"), scale: 0.5 };
        recordNorms(program, weight, factors, norms);
        const found = await fetchFloats(device, program, norms);
        const sizes = { O, K, R };
        const tolerance = TOLERANCE.reduction(K);
        expectClose(found, doraNorms(w.values, a.values, b.values, 0.5, sizes), tolerance, "norms");
        // The control: those of W alone are others.
        const alone = doraNorms(w.values, a.values, b.values, 0, sizes);
        expect(() => expectClose(found, alone, tolerance, "norms")).toThrow("relative L2");
      });
    },
  );

  it("are finite for a row of zeros, and its factor is 0", async () => {
    const program = new Program();
    const [z, m] = [program.constant(new Float32Array(4), [1, 4], "z"), program.constant(ONES, [4], "m")];
    const norms = program.constant(Float32Array.of(0, 1, 2, 4), [4], "norms");
    const ones = program.constant(ONES, [1, 4], "z");
    const place = { norms, bias: null, begin: 0 };
    const [zero] = dora.forward(program, [z, m], place, [false, false]).outputs;
    const [y] = dora.forward(program, [ones, m], place, [false, false]).outputs;
    const reading = [program.readFloats(zero!), program.readFloats(y!)];
    await device.run(program);
    expect(await Promise.all(reading)).toEqual([new Float32Array(4), Float32Array.of(0, 1, 0.5, 0.25)]);
  });

  it("adds to the gradient of m that is there, of its part alone, and the same bits each time", async () => {
    const [N, O, begin, P] = [200, 24, 8, 12];
    const random = new Random(5);
    const hosts = { z: hostTensor(random, [N, P]), dy: hostTensor(random, [N, P]), m: hostTensor(random, [O]) };
    const before = hostTensor(random, [O]);
    const norms = { shape: [O], values: new Float64Array(O).fill(2) };
    const once = async () => {
      const program = new Program();
      const grad = upload(program, before, "dm");
      const attrs = { norms: upload(program, norms, "norms"), bias: null, begin };
      const inputs = [upload(program, hosts.z, "z"), { ...upload(program, hosts.m, "m"), grad }];
      const { saved } = dora.forward(program, inputs, attrs, [true, true]);
      dora.backward(program, saved, [upload(program, hosts.dy, "dy")], attrs, [true, true]);
      return fetchFloats(device, program, grad);
    };
    const found = await once();
    const own = { norms: norms.values, bias: null, begin, P };
    const { dm } = doraBackward(hosts.z.values, hosts.m.values, hosts.dy.values, own);
    const expected = before.values.map((value, j) => value + dm[j]!);
    expectClose(found, expected, TOLERANCE.reduction(N), "dm");
    for (const j of [0, begin - 1, begin + P, O - 1]) expect(found[j]).toBe(before.values[j]);
    expect(await once()).toEqual(found);
  });
});

const ONES = new Float32Array(4).fill(1);

describe("dora: shapes", () => {
  const forward = (z: number[], m: number[], begin = 0, residual: number[] | null = null) => {
    const program = new Program();
    const attrs = { norms: program.tensor([16], "norms"), bias: null, begin };
    const tensors = [z, m, ...(residual ? [residual] : [])].map((shape) => program.tensor(shape, "input"));
    return () => dora.forward(program, tensors, attrs, [false, false]);
  };

  it("accepts what fits", () => {
    expect(forward([2, 16], [16])).not.toThrow();
    expect(forward([2, 8], [16], 8, [2, 8])).not.toThrow();
  });

  it("refuses what does not, with the shapes", () => {
    expect(forward([2, 16], [12])).toThrow("[dora] m is [12] but norms is [16]");
    expect(forward([2, 8], [16], 12)).toThrow("[dora] z is [2,8] from output 12 on, norms are [16]");
    expect(forward([2, 8], [16], 2)).toThrow("from output 2 on");
    expect(forward([2, 8], [16], 0, [2, 16])).toThrow("[dora] residual is [2,16] but z is [2,8]");
    expect(forward([2, 7], [16])).toThrow("columns in multiples of 4");
  });

  it("refuses factors of another layer", () => {
    const program = new Program();
    const [A, B, norms] = [[4, 8], [12, 4], [16]].map((shape) => program.tensor(shape, "f")) as Tensor[];
    const weight = { shape: [16, 8], element: "f32", shards: [] } as const;
    expect(() => recordNorms(program, weight, { A: A!, B: B!, scale: 1 }, norms!)).toThrow(
      "[dora] weight is [16,8], A [4,8], B [12,4], norms [16]",
    );
  });
});
