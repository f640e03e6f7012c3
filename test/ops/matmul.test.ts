import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { fetchFloats } from "../../src/gpu/device.ts";
import { Program } from "../../src/gpu/program.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { storedRowBytes, type WeightElement } from "../../src/gpu/weight-element.ts";
import { allColumns, asWeight, recordNn, recordNt, recordTn } from "../../src/ops/matmul.ts";
import { matmulNn, matmulNt, matmulTn } from "../reference/matmul.ts";
import { expectClose, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { upload } from "../support/run-op.ts";
import { type Host, hostTensor } from "../support/values.ts";
import { QUANTIZED_ELEMENTS, rounded, usingWeight, WEIGHT_ELEMENTS, withBinding } from "../support/weights.ts";

let device: WebGpuDevice;
beforeAll(async () => {
  device = await testDevice();
});

const sum = (...terms: readonly Float64Array[]): Float64Array =>
  terms[0]!.map((_, i) => terms.reduce((total, term) => total + term[i]!, 0));
const times = (factor: number, values: Float64Array): Float64Array => values.map((value) => factor * value);

interface Case {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly element: WeightElement;
  readonly shardRows?: number;
}

const bindingOf = ({ element, shardRows = 1e6 }: Case, columns: number): number =>
  shardRows * storedRowBytes(element, columns);

const CASES: readonly Case[] = [
  ...WEIGHT_ELEMENTS.map((element): Case => ({ M: 13, N: 28, K: 20, element })),
  ...QUANTIZED_ELEMENTS.map((element): Case => ({ M: 9, N: 128, K: 128, element })),
  { M: 2, N: 128, K: 256, element: "q3g64-bf16" },
  { M: 5, N: 384, K: 64, element: "q5g64-f16", shardRows: 128 },
  { M: 1, N: 4, K: 4, element: "f32" },
  { M: 2, N: 140, K: 68, element: "bf16" },
  { M: 4, N: 32, K: 36, element: "f32" },
  // One row and one column block more than a workgroup of 8 × 8 blocks.
  { M: 33, N: 36, K: 8, element: "f32" },
  { M: 3, N: 8, K: 1028, element: "bf16" },
  { M: 5, N: 300, K: 8, element: "f32", shardRows: 128 },
  { M: 5, N: 300, K: 8, element: "f16", shardRows: 128 },
];

/** Values of `c` after `record` ran on it; the GPU's memory is as before. */
async function result(program: Program, c: ReturnType<Program["tensor"]>): Promise<Float32Array> {
  const before = device.memory.live;
  const values = await fetchFloats(device, program, c);
  await device.idle();
  expect(device.memory.live).toBe(before);
  return values;
}

describe("matmul NT: c = a·wᵀ", () => {
  it.each(CASES)("$M × $N × $K, $element, $shardRows rows a shard", async (shape) => {
    const { M, N, K, element } = shape;
    const random = new Random(M * N * K);
    const a = hostTensor(random, [M, K]);
    const w = rounded(hostTensor(random, [N, K]), element);
    await usingWeight(withBinding(device, bindingOf(shape, K)), w, element, async (weight) => {
      const program = new Program();
      const c = program.tensor([M, N], "c");
      recordNt(program, allColumns(upload(program, a, "a")), M, weight, allColumns(c));
      const expected = matmulNt(a.values, w.values, M, N, K);
      expectClose(await result(program, c), expected, TOLERANCE.reduction(K), "NT");
    });
  });

  // The vocabulary of an output head need not be a multiple of 4: the columns past it hold anything.
  it.each([1, 2, 3, 301])("pads c where w has %i rows", async (N) => {
    const random = new Random(N);
    const [a, w] = [hostTensor(random, [5, 8]), hostTensor(random, [N, 8])];
    await usingWeight(withBinding(device, 128 * 32), w, "f32", async (weight) => {
      const program = new Program();
      const width = Math.ceil(N / 4) * 4;
      const c = program.tensor([5, width], "c");
      recordNt(program, allColumns(upload(program, a, "a")), 5, weight, allColumns(c));
      const values = await result(program, c);
      const used = values.filter((_, i) => i % width < N);
      expectClose(used, matmulNt(a.values, w.values, 5, N, 8), TOLERANCE.reduction(8), "NT");
    });
  });

  it("adds bias, a low-rank term and what was there, from and to columns of wider matrices", async () => {
    const [M, N, K, r] = [7, 12, 16, 8];
    const random = new Random(3);
    const [wideA, w, wideH] = [hostTensor(random, [M, 40]), hostTensor(random, [N, K]), hostTensor(random, [M, 20])];
    const [factor, bias, wideC] = [hostTensor(random, [N, r]), hostTensor(random, [N]), hostTensor(random, [M, 32])];
    const program = new Program();
    const c = upload(program, wideC, "c");
    const weight = asWeight(upload(program, w, "w"));
    const h = { tensor: upload(program, wideH, "h"), stride: 20, begin: 12 };
    recordNt(
      program,
      { tensor: upload(program, wideA, "a"), stride: 40, begin: 8 },
      M,
      weight,
      { ...allColumns(c), begin: 4 },
      {
        bias: upload(program, bias, "bias"),
        lowRank: { h, factor: upload(program, factor, "factor"), rank: r, scale: 0.25 },
        accumulate: true,
      },
    );
    const product = sum(
      matmulNt(columns(wideA, 8, K), w.values, M, N, K),
      times(0.25, matmulNt(columns(wideH, 12, r), factor.values, M, N, r)),
      columns(wideC, 4, N).map((value, i) => value + bias.values[i % N]!),
    );
    const values = await result(program, c);
    expectClose(values, replaced(wideC, 4, N, product), TOLERANCE.reduction(K), "NT");
  });

  it("adds bias, low-rank term and residual to every shard of a weight split by rows", async () => {
    const [M, N, K, r] = [5, 300, 8, 4];
    const random = new Random(9);
    const [a, w, h] = [hostTensor(random, [M, K]), hostTensor(random, [N, K]), hostTensor(random, [M, r])];
    const [factor, bias, before] = [hostTensor(random, [N, r]), hostTensor(random, [N]), hostTensor(random, [M, N])];
    await usingWeight(withBinding(device, 128 * K * 4), w, "f32", async (weight) => {
      expect(weight.shards).toHaveLength(3);
      const program = new Program();
      const c = program.tensor([M, N], "c");
      recordNt(program, allColumns(upload(program, a, "a")), M, weight, allColumns(c), {
        bias: upload(program, bias, "bias"),
        lowRank: {
          h: allColumns(upload(program, h, "h")),
          factor: upload(program, factor, "factor"),
          rank: r,
          scale: 2,
        },
        residual: upload(program, before, "residual"),
      });
      const low = times(2, matmulNt(h.values, factor.values, M, N, r));
      const plain = sum(matmulNt(a.values, w.values, M, N, K), low, before.values);
      const expected = plain.map((value, i) => value + bias.values[i % N]!);
      expectClose(await result(program, c), expected, TOLERANCE.reduction(K), "NT");
    });
  });

  it("refuses strides that are no multiples of 4", () => {
    const program = new Program();
    const of = (...shape: number[]) => program.tensor(shape, "x");
    const c = allColumns(of(3, 256));
    const weight = asWeight(of(256, 8));
    expect(() => recordNt(program, allColumns(of(3, 8)), 3, weight, c)).not.toThrow();
    expect(() => recordNt(program, { ...allColumns(of(3, 8)), begin: 2 }, 3, weight, c)).toThrow("multiples of 4");
  });
});

describe("matmul NN: c = a·w", () => {
  it.each(CASES)("$M × $K × $N, $element, $shardRows rows a shard", async (shape) => {
    // The weight of the NT case, used backwards: w [N, K], so the sum runs over N.
    const { M, N, K, element } = shape;
    const random = new Random(M + N + K);
    const a = hostTensor(random, [M, N]);
    const w = rounded(hostTensor(random, [N, K]), element);
    await usingWeight(withBinding(device, bindingOf(shape, K)), w, element, async (weight) => {
      const program = new Program();
      const c = program.tensor([M, K], "c");
      recordNn(program, allColumns(upload(program, a, "a")), M, weight, allColumns(c), { scale: 0.5 });
      const expected = times(0.5, matmulNn(a.values, w.values, M, K, N));
      expectClose(await result(program, c), expected, TOLERANCE.reduction(N), "NN");
    });
  });

  it.each([1, 2, 3, 301])("sums over %i rows of w where a holds zeros past them", async (N) => {
    const random = new Random(N);
    const [plain, w] = [hostTensor(random, [5, N]), hostTensor(random, [N, 8])];
    const width = Math.ceil(N / 4) * 4;
    const padded = new Float64Array(5 * width).map((_, i) =>
      i % width < N ? plain.values[Math.floor(i / width) * N + (i % width)]! : 0,
    );
    await usingWeight(withBinding(device, 128 * 32), w, "f32", async (weight) => {
      const program = new Program();
      const c = program.tensor([5, 8], "c");
      recordNn(
        program,
        allColumns(upload(program, { shape: [5, width], values: padded }, "a")),
        5,
        weight,
        allColumns(c),
      );
      expectClose(await result(program, c), matmulNn(plain.values, w.values, 5, 8, N), TOLERANCE.reduction(N), "NN");
    });
  });

  it("adds a low-rank term and what was there", async () => {
    const [M, N, K, r] = [6, 8, 12, 4];
    const random = new Random(4);
    const [a, w, wideH] = [hostTensor(random, [M, K]), hostTensor(random, [K, N]), hostTensor(random, [M, 12])];
    const [factor, before] = [hostTensor(random, [r, N]), hostTensor(random, [M, N])];
    const program = new Program();
    const c = upload(program, before, "c");
    const h = { tensor: upload(program, wideH, "h"), stride: 12, begin: 4 };
    recordNn(program, allColumns(upload(program, a, "a")), M, asWeight(upload(program, w, "w")), allColumns(c), {
      lowRank: { h, factor: upload(program, factor, "factor"), rank: r, scale: 2 },
      accumulate: true,
    });
    const low = times(2, matmulNn(columns(wideH, 4, r), factor.values, M, N, r));
    const expected = sum(matmulNn(a.values, w.values, M, N, K), low, before.values);
    expectClose(await result(program, c), expected, TOLERANCE.reduction(K), "NN");
  });
});

describe("matmul TN: c = aᵀ·b", () => {
  // M is the length of the sum, any number; K and N are a rank (small) and a layer's width.
  it.each([
    { M: 1, K: 4, N: 4 },
    { M: 3, K: 8, N: 20 },
    { M: 4, K: 20, N: 8 },
    { M: 129, K: 4, N: 36 },
    { M: 65, K: 100, N: 4 },
    { M: 30, K: 36, N: 68 },
  ])("$M × $K × $N, with and without adding", async ({ M, K, N }) => {
    const random = new Random(M * K * N);
    const [wideA, wideB, before] = [
      hostTensor(random, [M, K + 8]),
      hostTensor(random, [M, N + 4]),
      hostTensor(random, [K, N]),
    ];
    const expected = times(0.5, matmulTn(columns(wideA, 4, K), columns(wideB, 4, N), M, N, K));
    for (const accumulate of [false, true]) {
      const program = new Program();
      const c = upload(program, before, "c");
      const a = { tensor: upload(program, wideA, "a"), stride: K + 8, begin: 4 };
      const b = { tensor: upload(program, wideB, "b"), stride: N + 4, begin: 4 };
      recordTn(program, a, b, M, c, { scale: 0.5, accumulate });
      const whole = accumulate ? sum(expected, before.values) : expected;
      expectClose(await result(program, c), whole, TOLERANCE.reduction(M), "TN");
    }
  });
});

/** Columns [begin, begin + width) of a matrix. */
function columns({ shape, values }: Host, begin: number, width: number): Float64Array {
  const stride = shape[1]!;
  return values.filter((_, i) => i % stride >= begin && i % stride < begin + width);
}

/** The matrix with these columns replaced. */
function replaced({ shape, values }: Host, begin: number, width: number, by: Float64Array): Float64Array {
  const stride = shape[1]!;
  return values.map((value, i) => {
    const column = (i % stride) - begin;
    return column >= 0 && column < width ? by[Math.floor(i / stride) * width + column]! : value;
  });
}
