/** What every case of the self-test stands on: seeded values, a program to record into, and comparison with f64. */
import { f32ToBf16, f32ToF16 } from "../../core/dtype.ts";
import { Random } from "../../core/random.ts";
import { formatCount, formatNumber } from "../../core/units.ts";
import type { Device } from "../../gpu/device.ts";
import type { Grid, Kernel, Sizes } from "../../gpu/kernel.ts";
import { type Command, Program } from "../../gpu/program.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { allocateWeight, freeWeight, type Weight, type WeightElement } from "../../gpu/weight.ts";

export interface Measured {
  /** Largest L2 norm of an error relative to the expected values' own; NaN when something is not a number. */
  readonly error: number;
  /** Where the error is largest, in words. */
  readonly evidence: string;
}

export interface SelfTestCase {
  readonly name: string;
  /** What would go wrong for the user without it. */
  readonly guards: string;
  /** Largest error allowed. */
  readonly tolerance: number;
  run(device: Device): Promise<Measured>;
}

export interface Comparison {
  readonly what: string;
  readonly got: ArrayLike<number>;
  readonly expected: ArrayLike<number>;
}

/** Values on the host and the same on the device. */
export interface Both {
  readonly values: Float64Array;
  readonly tensor: Tensor;
}

export interface Bench {
  readonly program: Program;
  readonly random: Random;
  /** f32 [shape] of standard normal values times `size`. */
  input(shape: readonly number[], size?: number): Both;
  words(values: ArrayLike<number>, shape?: readonly number[]): Tensor;
  /** A frozen matrix whose values every element type holds exactly. */
  weight(
    shape: readonly [number, number],
    element: WeightElement,
  ): { readonly values: Float64Array; readonly weight: Weight };
  /** The tensor's values at this point of the program shall be these. */
  expect(what: string, tensor: Tensor, expected: ArrayLike<number>): void;
}

/** Seeded, and exact in f32: kernel and formula see the same numbers. */
export function normal(random: Random, count: number, size = 1): Float64Array {
  return Float64Array.from({ length: count }, () => Math.fround(size * random.normal()));
}

/** Multiples of 1/512 of at most 7 bits, about ±0.08: exact in f32, f16 and bf16. */
export function weightValues(random: Random, count: number): Float64Array {
  return Float64Array.from(
    { length: count },
    () => Math.max(-127, Math.min(127, Math.round(42 * random.normal()))) / 512,
  );
}

export function uploadWeight(device: Device, weight: Weight, values: Float64Array): void {
  const { element } = weight;
  const half = element === "f16" ? f32ToF16 : f32ToBf16;
  const words = element === "f32" ? Float32Array.from(values) : Uint16Array.from(values, half);
  for (const { tensor, begin, rows } of weight.shards) {
    const columns = weight.shape[1];
    const part = words.slice(begin * columns, (begin + rows) * columns);
    device.upload(tensor, new Uint8Array(part.buffer as ArrayBuffer));
  }
}

/** Records with `record`, runs, and compares everything that was expected. A GPU→CPU wait. */
export async function measure(
  device: Device,
  record: (bench: Bench) => void,
  { folded = false } = {},
): Promise<Measured> {
  const program = new Program();
  const random = new Random(1);
  const weights: Weight[] = [];
  const wanted: { what: string; got: Promise<Float32Array>; expected: ArrayLike<number> }[] = [];
  try {
    record({
      program,
      random,
      input(shape, size) {
        const values = normal(
          random,
          shape.reduce((a, b) => a * b, 1),
          size,
        );
        return { values, tensor: program.constant(Float32Array.from(values), shape, "self-test") };
      },
      words: (values, shape = [values.length]) => program.constant(Uint32Array.from(values), shape, "self-test"),
      weight(shape, element) {
        const values = weightValues(random, shape[0] * shape[1]);
        const weight = allocateWeight(device, shape, element, "self-test");
        weights.push(weight);
        uploadWeight(device, weight, values);
        return { values, weight };
      },
      expect: (what, tensor, expected) => void wanted.push({ what, got: program.readFloats(tensor), expected }),
    });
    if (folded) for (const [i, command] of program.commands.entries()) program.commands[i] = foldGrid(command);
    await device.run(program);
    return worst(await Promise.all(wanted.map(async (one) => ({ ...one, got: await one.got }))));
  } finally {
    for (const weight of weights) freeWeight(device, weight);
  }
}

/** The comparison with the largest error. */
export function worst(comparisons: readonly Comparison[]): Measured {
  let found = { error: -1, evidence: "nothing was compared" };
  for (const comparison of comparisons) {
    const error = relativeError(comparison);
    // Written so that NaN wins.
    if (found.error >= error) continue;
    const { what, expected } = comparison;
    const at = `${what}: relative error ${formatNumber(error)} over ${formatCount(expected.length)} values`;
    found = { error, evidence: at + farthest(comparison) };
    if (Number.isNaN(error)) break;
  }
  return found;
}

function relativeError({ got, expected }: Comparison): number {
  if (got.length !== expected.length) return Number.NaN;
  let [errors, squares] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    errors += (got[i]! - expected[i]!) ** 2;
    squares += expected[i]! ** 2;
  }
  return errors === 0 ? 0 : Math.sqrt(errors / squares);
}

/** The value that is farthest off, or not a number. */
function farthest({ got, expected }: Comparison): string {
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isNaN(got[i]!)) at = i;
    else if (Math.abs(got[i]! - expected[i]!) > Math.abs(got[at]! - expected[at]!)) at = i;
  }
  const [is, should] = [got[at] ?? Number.NaN, expected[at] ?? Number.NaN].map((value) => formatNumber(value, 6));
  return is === should ? "" : `; the farthest is [${at}]: got ${is}, expected ${should}`;
}

/** A dispatch over [x, 1, 1] workgroups becomes one over [x/2, 2, 1], as the engine makes it past 65,535. */
function foldGrid(command: Command): Command {
  if (command.kind !== "dispatch") return command;
  const { kernel } = command;
  const grid = (sizes: Sizes): Grid => {
    const [x, y, z] = kernel.grid(sizes);
    return x > 1 && y === 1 && z === 1 ? [Math.ceil(x / 2), 2, 1] : [x, y, z];
  };
  return { ...command, kernel: { ...kernel, grid } satisfies Kernel };
}
