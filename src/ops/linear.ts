/**
 * Linear layers that share an input, each with an optional low-rank adapter (Hu et al. 2021,
 * https://arxiv.org/abs/2106.09685):
 *
 *   h_i = x̃·A_iᵀ      y_i = x·W_iᵀ + bias_i + s_i·h_i·B_iᵀ        x̃ = dropout(x), or x itself
 *
 * A single layer may add its result to a residual stream: y = residual + x·Wᵀ + ….
 *
 * q, k, v share their input, gate and up theirs; a single layer is a group of one. A group whose weights and factors lie
 * one behind another is one product. The adapter costs one skinny product for the group and r more steps in the loop of
 * the base product; the same holds backward:
 *
 *   g_i = dy_i·B_i     dx = Σ dy_i·W_i + s_i·g_i·A_i     dB_i += s_i·dy_iᵀ·h_i     dA_i += s_i·g_iᵀ·x̃
 *
 * W and bias are frozen: they are attributes and get no gradient.
 */
import type { Op } from "../autograd/op.ts";
import { shapeError } from "../core/errors.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Weight } from "../gpu/weight.ts";
import { areJoined, type JointGradient, joined, joinMembers, jointGradient, recordJoint } from "./linear-joint.ts";
import { allColumns, asWeight, type Columns, type LowRankTerm, recordNn, recordNt, recordTn } from "./matmul.ts";
import { matrixShape, show } from "./shapes.ts";

export interface LinearMember {
  /** [out, in], frozen */
  readonly weight: Weight;
  /** [out], frozen */
  readonly bias: Tensor | null;
  /** Factors A [r, in] and B [out, r] with r padded by zeros to a multiple of 4, and the scale s; null without adapter. */
  readonly lowRank: { readonly A: Tensor; readonly B: Tensor; readonly scale: number } | null;
}

export interface LinearAttrs {
  readonly members: readonly LinearMember[];
  /** The last input is a tensor [N, out] that y is added to; for a single member. */
  readonly residual?: boolean;
}

interface Adapted {
  readonly member: number;
  readonly A: Tensor;
  readonly B: Tensor;
  readonly scale: number;
  readonly rank: number;
  /** First column of this member in h and g; members with the same A have the same. */
  readonly column: number;
}

interface Saved {
  readonly x: Tensor;
  readonly dropped: Tensor;
  readonly h: Tensor | null;
}

/**
 * inputs x [N, in], x̃ [N, in] (x itself without dropout), then A_i and B_i of every adapted member, in order, then the
 * residual [N, out] where there is one
 * → one y_i [N, out_i] per member
 */
export const linear: Op<LinearAttrs, Saved> = {
  name: "linear",

  forward(program, inputs, { members, residual: added }) {
    const [x, dropped] = [inputs[0]!, inputs[1]!];
    const residual = added ? inputs.at(-1)! : null;
    const [rows, K] = matrixShape("linear", "x", x);
    for (const member of members) checkMember(member, x, K);
    if (residual) checkResidual(residual, rows, members);
    const adapted = adaptedMembers(members);
    const h = adapted.length > 0 ? recordDown(program, dropped, adapted) : null;
    const joint = joinMembers(members, rows);
    if (joint) return { outputs: recordJoint(program, x, members, joint, h), saved: { x, dropped, h } };
    const outputs = members.map(({ weight, bias }, i) => {
      const y = program.tensor([rows, weight.shape[0]], "linear.y");
      const own = adapted.find(({ member }) => member === i);
      const lowRank = own && h ? term(own, h, own.B) : null;
      recordNt(program, allColumns(x), rows, weight, allColumns(y), { lowRank, bias, residual });
      return y;
    });
    return { outputs, saved: { x, dropped, h } };
  },

  backward(program, { x, dropped, h }, dys, { members, residual }, needs) {
    const adapted = adaptedMembers(members).filter(({ member }) => dys[member]);
    const [needsX, needsDropped] = needs;
    const separate = dropped !== x;
    const joint = jointGradient(members, dys);
    const g = h && adapted.length > 0 ? recordUpGradients(program, adapted, dys, h, joint) : null;
    if (h && g) {
      addGradientsB(program, adapted, dys, h, joint);
      addGradientsA(program, adapted, g, dropped);
    }
    const dx = needsX ? recordDx(program, x, members, dys, separate ? [] : adapted, g, joint) : null;
    const dDropped = separate && needsDropped && g ? recordDropped(program, dropped, adapted, g) : null;
    const given: (Tensor | null)[] = [dx, dDropped, ...needs.slice(2).map(() => null)];
    // The residual's gradient is dy itself.
    if (residual && needs.at(-1)) given[given.length - 1] = dys[0]!;
    return given;
  },
};

function adaptedMembers(members: readonly LinearMember[]): Adapted[] {
  const adapted: Adapted[] = [];
  for (const [member, { lowRank }] of members.entries()) {
    if (!lowRank) continue;
    const before = adapted.at(-1);
    const column = before?.A === lowRank.A ? before.column : (before?.column ?? 0) + (before?.rank ?? 0);
    adapted.push({ member, ...lowRank, rank: lowRank.A.shape[0]!, column });
  }
  return adapted;
}

const totalRank = (adapted: readonly Adapted[]): number => {
  const last = adapted.at(-1);
  return last ? last.column + last.rank : 0;
};

/** One member for each A. */
const oneForEachA = (adapted: readonly Adapted[]): Adapted[] =>
  adapted.filter(({ column }, i) => adapted[i - 1]?.column !== column);

/** A member's columns of a matrix [N, Σr]. */
const columnsOf = (own: Adapted, matrix: Tensor): Columns => ({
  tensor: matrix,
  stride: matrix.shape[1]!,
  begin: own.column,
});

const term = (own: Adapted, matrix: Tensor, factor: Tensor): LowRankTerm => ({
  h: columnsOf(own, matrix),
  factor,
  rank: own.rank,
  scale: own.scale,
});

/** h [N, Σr] = x̃·[A_1; A_2; …]ᵀ: one product where the factors lie side by side, else one each. */
function recordDown(program: Program, x: Tensor, adapted: readonly Adapted[]): Tensor {
  const rows = x.shape[0]!;
  const h = program.tensor([rows, totalRank(adapted)], "linear.h");
  for (const run of contiguousRuns(adapted)) {
    recordNt(program, allColumns(x), rows, asWeight(joined(run.map((own) => own.A))), columnsOf(run[0]!, h));
  }
  return h;
}

/** g [N, Σr]: each member's dy_i·B_i. */
function recordUpGradients(
  program: Program,
  adapted: readonly Adapted[],
  dys: readonly (Tensor | null)[],
  h: Tensor,
  joint: JointGradient | null,
): Tensor {
  const g = program.tensor(h.shape, "linear.g");
  if (joint?.lowRank) {
    recordNn(program, joint.dy, h.shape[0]!, asWeight(joint.lowRank.B), allColumns(g), { apart: true });
    return g;
  }
  const firsts = oneForEachA(adapted);
  for (const own of adapted) {
    const dy = dys[own.member]!;
    const accumulate = !firsts.includes(own);
    recordNn(program, allColumns(dy), dy.shape[0]!, asWeight(own.B), columnsOf(own, g), { accumulate });
  }
  return g;
}

function addGradientsB(
  program: Program,
  adapted: readonly Adapted[],
  dys: readonly (Tensor | null)[],
  h: Tensor,
  joint: JointGradient | null,
): void {
  const rows = h.shape[0]!;
  if (joint?.lowRank) {
    const { B, scale } = joint.lowRank;
    if (B.grad) recordTn(program, joint.dy, allColumns(h), rows, B.grad, { scale, accumulate: true });
    return;
  }
  for (const own of adapted) {
    const options = { scale: own.scale, accumulate: true };
    if (own.B.grad) recordTn(program, allColumns(dys[own.member]!), columnsOf(own, h), rows, own.B.grad, options);
  }
}

function addGradientsA(program: Program, adapted: readonly Adapted[], g: Tensor, x: Tensor): void {
  for (const run of contiguousRuns(adapted)) {
    const first = run[0]!;
    if (!first.A.grad) continue;
    const grad = joined(run.map((own) => own.A.grad!));
    const options = { scale: first.scale, accumulate: true };
    recordTn(program, columnsOf(first, g), allColumns(x), x.shape[0]!, grad, options);
  }
}

/** dx = Σ dy_i·W_i (+ s_i·g_i·A_i for the members in `adapted`) */
function recordDx(
  program: Program,
  x: Tensor,
  members: readonly LinearMember[],
  dys: readonly (Tensor | null)[],
  adapted: readonly Adapted[],
  g: Tensor | null,
  joint: JointGradient | null,
): Tensor {
  const dx = program.tensor(x.shape, "linear.dx");
  if (joint) {
    const { weight, dy, lowRank } = joint;
    const term =
      lowRank && g && adapted.length > 0
        ? { h: allColumns(g), factor: lowRank.A, rank: lowRank.A.shape[0]!, scale: lowRank.scale }
        : null;
    recordNn(program, dy, x.shape[0]!, weight, allColumns(dx), { lowRank: term });
    return dx;
  }
  let accumulate = false;
  for (const [i, { weight }] of members.entries()) {
    const dy = dys[i];
    if (!dy) continue;
    const own = oneForEachA(adapted).find(({ member }) => member === i);
    const lowRank = own && g ? term(own, g, own.A) : null;
    recordNn(program, allColumns(dy), x.shape[0]!, weight, allColumns(dx), { lowRank, accumulate });
    accumulate = true;
  }
  return dx;
}

/** dx̃ = Σ s_i·g_i·A_i, where dropout stands between x and the adapter. */
function recordDropped(program: Program, dropped: Tensor, adapted: readonly Adapted[], g: Tensor): Tensor {
  const dx = program.tensor(dropped.shape, "linear.dropped");
  for (const [i, own] of oneForEachA(adapted).entries()) {
    recordNn(program, columnsOf(own, g), dropped.shape[0]!, asWeight(own.A), allColumns(dx), {
      accumulate: i > 0,
      scale: own.scale,
    });
  }
  return dx;
}

/** Splits into runs of members whose A (and A's gradients) lie one behind the other in memory, with one scale; each A once. */
function contiguousRuns(adapted: readonly Adapted[]): Adapted[][] {
  const runs: Adapted[][] = [];
  for (const own of oneForEachA(adapted)) {
    const before = runs.at(-1)?.at(-1);
    const beside = before && before.column + before.rank === own.column && before.scale === own.scale;
    if (beside && areJoined([before.A, own.A])) runs.at(-1)!.push(own);
    else runs.push([own]);
  }
  return runs;
}

function checkResidual(residual: Tensor, rows: number, members: readonly LinearMember[]): void {
  const [member, ...more] = members;
  const shape = [rows, member!.weight.shape[0]];
  if (more.length > 0 || residual.shape.join() !== shape.join()) {
    throw shapeError(`[linear] the residual is ${show(residual)}, expected [${shape}] and one layer`);
  }
}

function checkMember({ weight, bias, lowRank }: LinearMember, x: Tensor, K: number): void {
  const [out, columns] = weight.shape;
  if (columns !== K || out % 4 !== 0) {
    throw shapeError(`[linear] weight is [${weight.shape}], x is ${show(x)}; out must be a multiple of 4`);
  }
  if (bias && bias.shape[0] !== out) throw shapeError(`[linear] bias is ${show(bias)}, weight is [${weight.shape}]`);
  if (!lowRank) return;
  const { A, B } = lowRank;
  const rank = A.shape[0]!;
  if (A.shape[1] !== K || B.shape[0] !== out || B.shape[1] !== rank || rank % 4 !== 0) {
    throw shapeError(`[linear] A is ${show(A)} and B is ${show(B)}, weight is [${weight.shape}]`);
  }
}
