/**
 * A stack of residual layers, once through the tape and once in float64:
 *   x ← x + linear(rmsnorm(x)), the linear layer with a low-rank adapter
 */
import type { Tape } from "../../src/autograd/tape.ts";
import { Random } from "../../src/core/random.ts";
import type { Device } from "../../src/gpu/device.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { add } from "../../src/ops/add.ts";
import { type LinearMember, linear } from "../../src/ops/linear.ts";
import { asWeight } from "../../src/ops/matmul.ts";
import { rmsnorm } from "../../src/ops/rmsnorm.ts";
import { addForward } from "../reference/add.ts";
import { type LinearLayer, linearBackward, linearForward } from "../reference/linear.ts";
import { rmsnormBackward, rmsnormForward } from "../reference/rmsnorm.ts";
import { upload } from "../support/run-op.ts";
import { fill, toF32 } from "../support/values.ts";

export const SIZES = { N: 70, C: 16, R: 4, LAYERS: 4, SCALE: 0.5, EPS: 1e-5 } as const;
const { N, C, R, LAYERS, SCALE, EPS } = SIZES;

export interface Model {
  readonly x: Float64Array;
  readonly dy: Float64Array;
  /** Per layer: norm weight [C], base weight [C, C]. */
  readonly frozen: readonly { readonly norm: Float64Array; readonly W: Float64Array }[];
  /** A [R, C] and B [C, R] of layer 0, then of layer 1, … */
  readonly factors: readonly Float64Array[];
}

export function makeModel(seed: number): Model {
  const random = new Random(seed);
  const small = (count: number) => fill(random, count).map((value) => Math.fround(value / 4));
  const layers = Array.from({ length: LAYERS }, () => null);
  return {
    x: fill(random, N * C),
    dy: fill(random, N * C),
    frozen: layers.map(() => ({ norm: fill(random, C), W: small(C * C) })),
    factors: layers.flatMap(() => [small(R * C), small(C * R)]),
  };
}

const layerOf = ({ frozen, factors }: Model, i: number): LinearLayer => ({
  out: C,
  W: frozen[i]!.W,
  bias: null,
  lowRank: { A: factors[2 * i]!, B: factors[2 * i + 1]!, scale: SCALE, rank: R },
});

/** What each layer sees: x of layer 0, 1, … and the stack's result. */
function states(model: Model): Float64Array[] {
  const all = [model.x];
  for (const [i, { norm }] of model.frozen.entries()) {
    const h = rmsnormForward(all[i]!, norm, Math.fround(EPS));
    all.push(addForward(all[i]!, linearForward(h, h, [layerOf(model, i)], N, C)[0]!));
  }
  return all;
}

export const forward = (model: Model): Float64Array => states(model).at(-1)!;

/** dx, then dA and dB of each layer. */
export function backward(model: Model): Float64Array[] {
  const all = states(model);
  let dy = model.dy;
  const factors: Float64Array[] = [];
  for (const [i, { norm }] of [...model.frozen.entries()].reverse()) {
    const h = rmsnormForward(all[i]!, norm, Math.fround(EPS));
    const gradients = linearBackward(h, h, [layerOf(model, i)], [dy], N, C);
    factors.unshift(gradients.factors[0]!.dA, gradients.factors[0]!.dB);
    const dh = addForward(gradients.dx, gradients.dDropped);
    dy = addForward(dy, rmsnormBackward(all[i]!, norm, Math.fround(EPS), dh));
  }
  return [dy, ...factors];
}

/** The same through the tape, layer by layer or as checkpoints; layers that are not `adapted` have only their base. */
export function recordModel(
  tape: Tape,
  device: Device,
  model: Model,
  x: Tensor,
  { checkpoint = false, adapted }: { readonly checkpoint?: boolean; readonly adapted?: readonly number[] },
): { y: Tensor; factors: Tensor[]; free(): void } {
  const { program } = tape;
  const resident: Tensor[] = [];
  const parameter = (values: Float64Array, shape: readonly number[]): Tensor => {
    const [tensor, grad] = [device.allocate(shape, "factor"), device.allocate(shape, "gradient")];
    device.upload(tensor, new Uint8Array(toF32(values).buffer));
    resident.push(tensor, grad);
    return { ...tensor, grad };
  };
  const factors: Tensor[] = [];
  const blocks = model.frozen.map(({ norm, W }, i) => {
    const [A, B] = [parameter(model.factors[2 * i]!, [R, C]), parameter(model.factors[2 * i + 1]!, [C, R])];
    factors.push(A, B);
    const weight = asWeight(upload(program, { shape: [C, C], values: W }, "W"));
    const lowRank = !adapted || adapted.includes(i) ? { A, B, scale: SCALE } : null;
    const member: LinearMember = { weight, bias: null, lowRank };
    const normWeight = upload(program, { shape: [C], values: norm }, "norm");
    return (inner: Tape, input: Tensor): Tensor => {
      const h = inner.apply(rmsnorm, [input], { weight: normWeight, eps: EPS })[0]!;
      const y = inner.apply(linear, [h, h, ...(lowRank ? [A, B] : [])], { members: [member] })[0]!;
      return inner.apply(add, [input, y], null)[0]!;
    };
  });
  const y = blocks.reduce((state, block) => (checkpoint ? tape.checkpoint(block, state) : block(tape, state)), x);
  return { y, factors, free: () => resident.forEach((tensor) => void device.free(tensor)) };
}
