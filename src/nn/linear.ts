/** Linear layers y = x·Wᵀ + bias with frozen weights, and what an adapter may have added to them. */
import type { Tape } from "../autograd/tape.ts";
import { modelError } from "../core/errors.ts";
import { sliceRows, type Tensor } from "../gpu/tensor.ts";
import { sliceWeight, type Weight } from "../gpu/weight.ts";
import { dora, recordNorms } from "../ops/dora.ts";
import { dropout } from "../ops/dropout.ts";
import { type LinearMember, linear as linearOp } from "../ops/linear.ts";

/** scale·B·A beside a frozen weight; rank padded with zeros to a multiple of 4. */
export interface LowRank {
  /** [r, in] */
  readonly A: Tensor;
  /** [out, r] */
  readonly B: Tensor;
  readonly scale: number;
  readonly dropout: Dropout | null;
  /** [out], of DoRA: how long each row of W + scale·B·A is made. null: as long as it is. */
  readonly magnitude: Tensor | null;
}

export interface Dropout {
  readonly p: number;
  /** The mask's seed for the present micro-batch: the same however often it is asked, as checkpointing needs. */
  seed(): number;
}

export interface Linear {
  readonly kind: "linear";
  /** [out, in] */
  readonly shape: readonly [number, number];
  readonly hasBias: boolean;
  /** Layers of one parent with the same group share their input; their weights lie one behind another where that can be. */
  readonly group: string | null;
  /** Rows of each of its results, where one weight makes several (Phi-3's fused qkv); null: one result. */
  readonly parts: readonly number[] | null;
  /** null until loaded */
  weight: Weight | null;
  /** f32 [out] */
  bias: Tensor | null;
  readonly lowRank: LowRank | null;
}

export const linear = (
  in_features: number,
  out_features: number,
  {
    bias = false,
    group = null,
    parts = null,
  }: Partial<Pick<Linear, "group" | "parts"> & { readonly bias: boolean }> = {},
): Linear => ({
  kind: "linear",
  shape: [out_features, in_features],
  hasBias: bias,
  group,
  parts,
  weight: null,
  bias: null,
  lowRank: null,
});

/** residual + layer(x), [N, out]: how a block's branch comes back into the stream. */
export function projectOnto(tape: Tape, layer: Linear, x: Tensor, residual: Tensor): Tensor {
  return project(tape, [layer], x, residual)[0]!;
}

/**
 * Layers that share their input x [N, in] → one y [N, out_i] each, or one for each part of a layer that has parts;
 * `residual` [N, out] is added to a single one.
 */
export function project(tape: Tape, layers: readonly Linear[], x: Tensor, residual: Tensor | null = null): Tensor[] {
  const dropping = tape.training && layers.some(({ lowRank }) => lowRank?.dropout);
  // Every adapter drops other elements of x, so layers with dropout do not share the skinny product.
  if (dropping && layers.length > 1) return layers.flatMap((layer) => project(tape, [layer], x));
  const drop = dropping ? layers[0]!.lowRank!.dropout : null;
  const dropped = drop ? tape.apply(dropout, [x], { p: drop.p, seed: drop.seed() })[0]! : x;
  const members = layers.flatMap(membersOf);
  const factors = members.flatMap(({ lowRank }) => (lowRank ? [lowRank.A, lowRank.B] : []));
  const rescaling = layers.some(({ lowRank }) => lowRank?.magnitude);
  const added = rescaling ? null : residual;
  const inputs = [x, dropped, ...factors, ...(added ? [added] : [])];
  const ys = tape.apply(linearOp, inputs, { members, residual: added !== null });
  return rescaling ? rescaled(tape, layers, ys, residual) : [...ys];
}

/** The results of layers with magnitudes, times these over the norms of their rows of weights; bias and residual come after. */
function rescaled(tape: Tape, layers: readonly Linear[], ys: readonly Tensor[], residual: Tensor | null): Tensor[] {
  const left = [...ys];
  return layers.flatMap(({ weight, bias, lowRank, parts }) => {
    const own = left.splice(0, parts?.length ?? 1);
    if (!lowRank?.magnitude) return own;
    const { magnitude } = lowRank;
    const norms = tape.program.tensor(magnitude.shape, "dora.norms");
    recordNorms(tape.program, weight!, lowRank, norms);
    let begin = 0;
    return own.map((z) => {
      const attrs = { norms, bias, begin };
      begin += z.shape[1]!;
      return tape.apply(dora, [z, magnitude, ...(residual ? [residual] : [])], attrs)[0]!;
    });
  });
}

function membersOf({ weight, bias: whole, lowRank, hasBias, parts }: Linear): LinearMember[] {
  if (!weight || (hasBias && !whole)) throw modelError("a linear layer has no weights yet");
  const bias = lowRank?.magnitude ? null : whole;
  let begin = 0;
  return (parts ?? [weight.shape[0]]).map((rows) => {
    const first = begin;
    begin += rows;
    if (rows === weight.shape[0]) return { weight, bias, lowRank };
    return {
      weight: sliceWeight(weight, first, rows),
      bias: bias && sliceRows(bias, first, rows),
      lowRank: lowRank && { ...lowRank, B: sliceFactor(lowRank.B, first, rows) },
    };
  });
}

/** Rows of B with their gradient. */
function sliceFactor(B: Tensor, begin: number, rows: number): Tensor {
  const own = sliceRows(B, begin, rows);
  return B.grad ? { ...own, grad: sliceRows(B.grad, begin, rows) } : own;
}
