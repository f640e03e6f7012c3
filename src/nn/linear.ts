/** Linear layers y = x·Wᵀ + bias with frozen weights, and the low-rank term an adapter may have added to them. */
import type { Tape } from "../autograd/tape.ts";
import { modelError } from "../core/errors.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Weight } from "../gpu/weight.ts";
import { add } from "../ops/add.ts";
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
  /** null until loaded */
  weight: Weight | null;
  /** f32 [out] */
  bias: Tensor | null;
  readonly lowRank: LowRank | null;
}

export const linear = (
  in_features: number,
  out_features: number,
  { bias = false, group = null }: { readonly bias?: boolean; readonly group?: string | null } = {},
): Linear => ({
  kind: "linear",
  shape: [out_features, in_features],
  hasBias: bias,
  group,
  weight: null,
  bias: null,
  lowRank: null,
});

/** residual + layer(x), [N, out]: how a block's branch comes back into the stream. */
export function projectOnto(tape: Tape, layer: Linear, x: Tensor, residual: Tensor): Tensor {
  if (layer.weight && layer.weight.shards.length > 1) {
    return tape.apply(add, [residual, project(tape, [layer], x)[0]!], null)[0]!;
  }
  return project(tape, [layer], x, residual)[0]!;
}

/** Layers that share their input x [N, in] → one y [N, out_i] each; `residual` [N, out] is added to a single one. */
export function project(tape: Tape, layers: readonly Linear[], x: Tensor, residual: Tensor | null = null): Tensor[] {
  const dropping = tape.training && layers.some(({ lowRank }) => lowRank?.dropout);
  // Every adapter drops other elements of x, so layers with dropout do not share the skinny product.
  if (dropping && layers.length > 1) return layers.flatMap((layer) => project(tape, [layer], x));
  const drop = dropping ? layers[0]!.lowRank!.dropout : null;
  const dropped = drop ? tape.apply(dropout, [x], { p: drop.p, seed: drop.seed() })[0]! : x;
  const factors = layers.flatMap(({ lowRank }) => (lowRank ? [lowRank.A, lowRank.B] : []));
  const inputs = [x, dropped, ...factors, ...(residual ? [residual] : [])];
  return [...tape.apply(linearOp, inputs, { members: layers.map(member), residual: residual !== null })];
}

function member({ weight, bias, lowRank, hasBias }: Linear): LinearMember {
  if (!weight || (hasBias && !bias)) throw modelError("a linear layer has no weights yet");
  return { weight, bias, lowRank };
}
