import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { Program } from "../../src/gpu/program.ts";
import { freeWeight, type WeightElement } from "../../src/gpu/weight.ts";
import { storedRowBytes } from "../../src/gpu/weight-element.ts";
import { type CrossEntropyAttrs, crossEntropy, planTiles } from "../../src/ops/cross-entropy.ts";
import { crossEntropyBackward, crossEntropyForward } from "../reference/cross-entropy.ts";
import { TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { opContract } from "../support/op-contract.ts";
import { indexTensor, type Place, runOp } from "../support/run-op.ts";
import { hostTensor, pick, type Style } from "../support/values.ts";
import { placeWeight, rounded, withBinding } from "../support/weights.ts";

interface Shape {
  /** Rows that carry loss. */
  readonly S: number;
  readonly V: number;
  readonly C: number;
  readonly element?: WeightElement;
  /** Bytes for logits: small ones make several chunks of rows, smaller ones several tiles of words. */
  readonly logitsBytes?: number;
  /** Rows per shard of the weight. */
  readonly shardRows?: number;
  /** Factor on x: 20 makes logits beyond ±80. */
  readonly gain?: number;
  readonly style?: Style;
  readonly softcap?: number;
}

const SCALE = 1 / 64;

const edges: readonly Shape[] = [
  { S: 1, V: 1, C: 4 },
  { S: 3, V: 127, C: 8 },
  { S: 3, V: 129, C: 8, element: "f16" },
  // Two chunks of 64 rows and one of 2.
  { S: 130, V: 30, C: 8, logitsBytes: 64 * 32 * 4 },
  // Three tiles of 128, 128 and 45 words, in two chunks.
  { S: 70, V: 301, C: 8, element: "bf16", logitsBytes: 64 * 128 * 4 },
  // Shards of 128, 128 and 45 rows; tiles of 256 cross their borders.
  { S: 66, V: 301, C: 8, logitsBytes: 64 * 256 * 4, shardRows: 128 },
  { S: 5, V: 301, C: 8, element: "bf16", shardRows: 128 },
  { S: 9, V: 30, C: 8, gain: 20 },
  { S: 9, V: 30, C: 8, style: "zero" },
  // Capped: one tile, three tiles, logits mostly so far beyond the cap that a tanh by e^x would overflow.
  { S: 9, V: 30, C: 8, softcap: 3 },
  { S: 70, V: 301, C: 8, element: "bf16", logitsBytes: 64 * 128 * 4, softcap: 3 },
  { S: 9, V: 30, C: 8, gain: 40, softcap: 1 },
];

function problem(
  { S, V, C, element = "f32", logitsBytes, shardRows, gain = 1, style, softcap = 0 }: Shape,
  random: Random,
) {
  const weight = rounded(hostTensor(random, [V, C]), element);
  const x = hostTensor(random, [S, C], style);
  const targets = Array.from({ length: S }, () => random.below(V));
  const rowBytes = storedRowBytes(element, C);
  const { relative } = TOLERANCE.reduction(C + V);
  const place: Place<CrossEntropyAttrs> = (program, device) => {
    const placed = placeWeight(withBinding(device, (shardRows ?? V) * rowBytes), weight, element);
    const attrs = { weight: placed, targets: indexTensor(program, targets), scale: SCALE, softcap };
    const free = () => freeWeight(device, placed);
    return { attrs: logitsBytes === undefined ? attrs : { ...attrs, logitsBytes }, free };
  };
  return {
    inputs: [{ ...x, values: x.values.map((value) => Math.fround(gain * value)) }],
    place,
    forward: ([values]: readonly Float64Array[]) => [crossEntropyForward(values!, weight.values, targets, C, softcap)],
    backward: ([values]: readonly Float64Array[], [dy]: readonly Float64Array[]) => [
      crossEntropyBackward(values!, weight.values, targets, C, softcap, dy!),
    ],
    // A logit of size s is off by s·2⁻²⁴, its probability relatively by that much. One word alone has loss and dx zero.
    tolerance: {
      forward: { relative: relative * gain, terms: V === 1 ? 1 : 0 },
      backward: { relative: relative * gain, terms: V === 1 ? SCALE : 0 },
    },
  };
}

opContract({
  op: crossEntropy,
  edges,
  random: (random): Shape => ({
    S: 1 + random.below(30),
    V: pick(random, [5, 30, 127]),
    C: 8,
    softcap: pick(random, [0, 2, 30]),
  }),
  problem,
  savings: [[0]],
  lossScale: SCALE,
});

describe("cross-entropy: chunks and tiles", () => {
  it.each([
    { S: 5, V: 100, bytes: 1e6, chunkRows: 64, tileRows: 100 },
    { S: 1000, V: 100, bytes: 64 * 400, chunkRows: 64, tileRows: 100 },
    { S: 1000, V: 100, bytes: 200 * 400, chunkRows: 192, tileRows: 100 },
    { S: 1000, V: 1001, bytes: 64 * 1004 * 4 - 1, chunkRows: 64, tileRows: 896 },
    { S: 1000, V: 1001, bytes: 0, chunkRows: 64, tileRows: 128 },
    { S: 3, V: 1001, bytes: 3 * 4016, chunkRows: 64, tileRows: 1001 },
  ])("$S rows of $V words in $bytes bytes: $chunkRows × $tileRows", ({ S, V, bytes, chunkRows, tileRows }) => {
    expect(planTiles(S, V, bytes)).toEqual({ chunkRows, tileRows });
  });

  it("change nothing but the order of a sum: the gradient's, by less than its own error", async () => {
    const device = await testDevice();
    const shape: Shape = { S: 70, V: 301, C: 8 };
    const run = async (logitsBytes: number) => {
      const { inputs, place } = problem({ ...shape, logitsBytes }, new Random(5));
      return runOp(device, { op: crossEntropy, inputs, place, dys: null, needs: [true] });
    };
    const [whole, chunked, tiled] = [await run(1e6), await run(64 * 304 * 4), await run(64 * 128 * 4)];
    expect(chunked).toEqual(whole);
    for (const [i, value] of whole.outputs[0]!.entries()) expect(tiled.outputs[0]![i]).toBeCloseTo(value, 5);
    for (const [i, value] of whole.grads[0]!.entries()) expect(tiled.grads[0]![i]).toBeCloseTo(value, 7);
  });

  it("reach rows past 65,535, which a small vocabulary allows in one chunk", async () => {
    const device = await testDevice();
    const S = 65_600;
    const x = { shape: [S, 4], values: Float64Array.from({ length: 4 * S }, (_, i) => (i % 4 === 0 ? 1 : 0)) };
    const weight = { shape: [2, 4], values: Float64Array.from([1, 0, 0, 0, 0, 0, 0, 0]) };
    const place: Place<CrossEntropyAttrs> = (program, on) => {
      const placed = placeWeight(on, weight, "f32");
      const attrs = { weight: placed, targets: indexTensor(program, new Array(S).fill(1)), scale: 1, softcap: 0 };
      return { attrs, free: () => freeWeight(on, placed) };
    };
    const { outputs, grads } = await runOp(device, { op: crossEntropy, inputs: [x], place, dys: null, needs: [true] });
    const p = 1 / (1 + Math.exp(-1));
    expect(outputs[0]!.findIndex((nll) => Math.abs(nll - Math.log(1 + Math.E)) > 1e-6)).toBe(-1);
    expect(grads[0]!.findIndex((dx, i) => Math.abs(dx - (i % 4 === 0 ? p : 0)) > 1e-6)).toBe(-1);
  });
});

describe("cross-entropy: refusals", () => {
  const program = new Program();
  const weight = { shape: [6, 8], element: "f32", shards: [] } as const;
  const forward = (x: number[], targets: number[]) => () =>
    crossEntropy.forward(
      program,
      [program.tensor(x, "x")],
      { weight, targets: program.tensor(targets, "targets", "u32"), scale: 1, softcap: 0 },
      [false],
    );

  it("names the shapes that do not fit", () => {
    expect(forward([3, 8], [3])).not.toThrow();
    expect(forward([3, 12], [3])).toThrow("[cross-entropy] x is [3,12], weight [6,8], targets [3]");
    expect(forward([3, 8], [4])).toThrow("[cross-entropy] x is [3,8], weight [6,8], targets [4]");
  });

  it("is the end of a tape", () => {
    const dy = program.tensor([3], "dy");
    const attrs = { weight, targets: dy, scale: 1, softcap: 0 };
    expect(() => crossEntropy.backward(program, { dx: null }, [dy], attrs, [true])).toThrow("the end of the tape");
  });
});
