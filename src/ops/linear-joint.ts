/**
 * Linear layers whose frozen weights, biases and factors lie one behind another in memory are one layer with more rows:
 * [W_1; W_2; …]. What makes them so is where loader and adapter put them; nothing else knows of it.
 */
import type { Program } from "../gpu/program.ts";
import { ALIGNMENT, type Tensor, tensorBytes } from "../gpu/tensor.ts";
import type { Weight } from "../gpu/weight.ts";
import type { LinearMember } from "./linear.ts";
import { allColumns, type Columns, MOST_MEMBERS, recordNt, sideBySide } from "./matmul.ts";

export interface Joint {
  /** [Σ out, in] */
  readonly weight: Weight;
  /** [Σ out] */
  readonly bias: Tensor | null;
  /** A [Σ r, in] and B [Σ out, r] with their gradients; null where no member has an adapter. */
  readonly lowRank: LinearMember["lowRank"];
}

/** The results of a group stand in one binding: at most what every WebGPU device allows. Beyond it dispatches are few anyway. */
const MOST_BYTES = 128 * 2 ** 20;

/** For an input of `rows` tokens. null where something stands in the way: then each layer is by itself. */
export function joinMembers(members: readonly LinearMember[], rows: number): Joint | null {
  if (members.length < 2 || members.length > MOST_MEMBERS) return null;
  const out = members.reduce((sum, { weight }) => sum + weight.shape[0], 0);
  if (4 * rows * out + MOST_MEMBERS * ALIGNMENT > MOST_BYTES) return null;
  const [first, ...rest] = members as [LinearMember, ...LinearMember[]];
  const weights = members.map(({ weight }) => weight.shards[0]!.tensor);
  const whole = members.every(({ weight }) => weight.shards.length === 1 && weight.element === first.weight.element);
  if (!whole || !areJoined(weights)) return null;
  const tensor = joined(weights);
  const shards = [{ tensor, begin: 0, rows: out }];
  const weight = { ...first.weight, shape: [out, first.weight.shape[1]], shards } as const;

  const biases = members.flatMap(({ bias }) => bias ?? []);
  if (biases.length > 0 && (biases.length < members.length || !areJoined(biases))) return null;
  const bias = biases.length > 0 ? joined(biases) : null;

  const adapters = members.flatMap(({ lowRank }) => lowRank ?? []);
  if (adapters.length === 0) return { weight, bias, lowRank: null };
  const { scale, A } = first.lowRank ?? {};
  const alike = rest.every(({ lowRank }) => lowRank?.scale === scale && lowRank?.A.shape[0] === A?.shape[0]);
  const [As, Bs] = [adapters.map((adapter) => adapter.A), adapters.map((adapter) => adapter.B)];
  if (!alike || !areJoined(As) || !areJoined(Bs)) return null;
  return { weight, bias, lowRank: { A: joined(As), B: joined(Bs), scale: scale! } };
}

/** The results of a joint group, one behind another. */
export function recordJoint(
  program: Program,
  x: Tensor,
  members: readonly LinearMember[],
  { weight, bias, lowRank }: Joint,
  h: Tensor | null,
): Tensor[] {
  const rows = x.shape[0]!;
  const ys = program.stacked(
    members.map((member) => [rows, member.weight.shape[0]]),
    "linear.y",
  );
  const term = lowRank && h && { h: allColumns(h), factor: lowRank.B, rank: lowRank.B.shape[1]!, scale: lowRank.scale };
  recordNt(program, allColumns(x), rows, weight, sideBySide(ys), { lowRank: term, bias });
  return ys;
}

export type JointGradient = Joint & { readonly dy: Columns };

/** The group as one layer, where the gradients of its results lie in one storage as well. */
export function jointGradient(members: readonly LinearMember[], dys: readonly (Tensor | null)[]): JointGradient | null {
  const given = dys.flatMap((dy) => dy ?? []);
  if (given.length < members.length || given.some(({ storage }) => storage !== given[0]!.storage)) return null;
  const joint = joinMembers(members, given[0]!.shape[0]!);
  return joint && { ...joint, dy: sideBySide(given) };
}

/** Whether tensors lie one behind another, and so do their gradients, or none has one. */
export const areJoined = (tensors: readonly Tensor[]): boolean =>
  tensors.every((tensor, i) => {
    const before = tensors[i - 1];
    if (!before) return true;
    const grads = before.grad && tensor.grad ? follows(before.grad, tensor.grad) : before.grad === tensor.grad;
    return follows(before, tensor) && grads;
  });

const follows = (a: Tensor, b: Tensor): boolean =>
  a.storage === b.storage && a.offset + tensorBytes(a) === b.offset && a.shape[1] === b.shape[1];

/** Joined tensors as one, with all their rows. */
export function joined(tensors: readonly Tensor[]): Tensor {
  const { storage, offset, shape, element } = tensors[0]!;
  const rows = tensors.reduce((sum, { shape: [count = 0] }) => sum + count, 0);
  const grads = tensors.flatMap(({ grad }) => grad ?? []);
  const all = { storage, offset, shape: [rows, ...shape.slice(1)], element };
  return grads.length > 0 ? { ...all, grad: joined(grads) } : all;
}
