/**
 * The three matrix products everything is made of, as recording functions:
 *   NT  c = a·wᵀ   forward of a linear layer        NN  c = a·w   its gradient with respect to the input
 *   TN  c = aᵀ·b   gradients of the low-rank factors
 * Weights may be f32, f16 or bf16 and split into shards; rows may be strided, so that one wide matrix can hold the
 * low-rank products of several layers side by side.
 */
import { shapeError } from "../core/errors.ts";
import { ceilDiv, type Kernel, type Sizes } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Weight, WeightElement } from "../gpu/weight.ts";

const params = {
  rows: "u32",
  n: "u32",
  k: "u32",
  rank: "u32",
  bias: "u32",
  accumulate: "u32",
  a_stride: "u32",
  a_offset: "u32",
  c_stride: "u32",
  c_offset: "u32",
  h_stride: "u32",
  h_offset: "u32",
  scale: "f32",
} as const;
const constants = ["WX"];

/** Invocations per workgroup; each makes a 4×4 block of c. */
const INVOCATIONS = 64;

/**
 * Width of a workgroup: 8×8 for a large c, narrow for a narrow one (a low-rank product) and wide for a low one, so that
 * few invocations idle. Only three widths, since each is a pipeline to compile.
 */
function workgroupWidth(columns: number, rows: number): number {
  if (columns <= 16) return 2;
  return rows <= 16 ? 32 : 8;
}

/** The number of tokens is only known at run time, and large: it does not narrow the workgroup. */
const ANY_ROWS = Number.POSITIVE_INFINITY;

const blocks = (columns: number, rows: number, WX: number) =>
  [ceilDiv(columns, 4 * WX), ceilDiv(rows, (4 * INVOCATIONS) / WX), 1] as const;
const rowsGrid = ({ n = 0, rows = 0, WX = 8 }: Sizes) => blocks(n, rows, WX);
const rowsFlops = ({ n = 0, k = 0, rank = 0, rows = 0 }: Sizes) => 2 * rows * n * (k + rank);

export const matmulNt: Kernel = {
  stem: "matmul",
  entry: "nt",
  inputs: ["a", "weight", "bias", "h", "low_rank", "residual"],
  outputs: ["c"],
  params,
  constants,
  include: ["weight-f32"],
  grid: rowsGrid,
  flops: rowsFlops,
};

/** NT for a few rows, as a decoding step has: limited by reading w once, not by arithmetic. */
export const matmulNtFew: Kernel = {
  ...matmulNt,
  entry: "nt_few",
  grid: ({ n = 0, rows = 0, WX = 16 }) => [ceilDiv(n, (4 * INVOCATIONS) / WX), rows, 1],
};
/** Up to here w is read anew for every row. */
const FEW_ROWS = 4;
/** Invocations that share one sum, and read side by side. */
const SHARERS = 16;

export const matmulNn: Kernel = { ...matmulNt, entry: "nn" };

export const matmulTn: Kernel = {
  ...matmulNt,
  entry: "tn",
  inputs: ["a", "b"],
  outputs: ["c"],
  grid: ({ n = 0, k = 0, WX = 8 }) => blocks(n, k, WX),
  flops: ({ n = 0, k = 0, rows = 0 }) => 2 * rows * n * k,
};

/** Columns [begin, begin + width) of a matrix whose rows are `stride` elements apart; all multiples of 4. */
export interface Columns {
  readonly tensor: Tensor;
  readonly stride: number;
  readonly begin: number;
}

/** All columns of a matrix [rows, stride]. */
export function allColumns(tensor: Tensor): Columns {
  return { tensor, stride: tensor.shape.at(-1)!, begin: 0 };
}

/** s·h·factorᵀ (NT: factor [N, rank]) or s·h·factor (NN: factor [rank, N]), added to the product. */
export interface LowRankTerm {
  readonly h: Columns;
  readonly factor: Tensor;
  /** Padded to a multiple of 4. */
  readonly rank: number;
  readonly scale: number;
}

export interface ProductOptions {
  readonly lowRank?: LowRankTerm | null;
  /** c += instead of c = */
  readonly accumulate?: boolean;
  /** Multiplies the product; only where there is no low-rank term. */
  readonly scale?: number;
}

export interface NtOptions extends ProductOptions {
  /** [N], added to every row */
  readonly bias?: Tensor | null;
  /** [M, N], added; c must be a whole matrix then. */
  readonly residual?: Tensor | null;
}

/** c [M, N] = a [M, K] · wᵀ, w [N, K], shard by shard into c's columns. */
export function recordNt(
  program: Program,
  a: Columns,
  rows: number,
  weight: Weight,
  c: Columns,
  { lowRank, accumulate, bias, residual }: NtOptions = {},
): void {
  const [, K] = weight.shape;
  const sharded = weight.shards.length > 1;
  if (sharded && (lowRank || bias)) throw shapeError("[matmul] a weight split by rows has no bias and no adapter");
  const few = rows <= FEW_ROWS;
  for (const shard of weight.shards) {
    program.dispatch(few ? matmulNtFew : matmulNt, {
      constants: { WX: few ? SHARERS : workgroupWidth(shard.rows, ANY_ROWS) },
      include: [`weight-${weight.element}`],
      params: {
        ...strides(rows, a, { ...c, begin: c.begin + shard.begin }, lowRank),
        n: shard.rows,
        k: K,
        rank: lowRank?.rank ?? 0,
        bias: bias ? 1 : 0,
        accumulate: residual ? FROM_RESIDUAL : Number(accumulate ?? false),
      },
      inputs: [
        a.tensor,
        shard.tensor,
        bias ?? null,
        lowRank?.h.tensor ?? null,
        lowRank?.factor ?? null,
        residual ?? null,
      ],
      outputs: [c.tensor],
    });
  }
}
/** A value of the shader's `accumulate`. */
const FROM_RESIDUAL = 2;

/** c [M, N] = a [M, K] · w, w [K, N]; a's columns are summed shard by shard. */
export function recordNn(
  program: Program,
  a: Columns,
  rows: number,
  weight: Weight,
  c: Columns,
  { lowRank, accumulate, scale = 1 }: ProductOptions = {},
): void {
  const [, N] = weight.shape;
  for (const [i, shard] of weight.shards.entries()) {
    const term = i === 0 ? lowRank : null;
    program.dispatch(matmulNn, {
      constants: { WX: workgroupWidth(N, ANY_ROWS) },
      include: [`weight-${weight.element}`],
      params: {
        ...strides(rows, { ...a, begin: a.begin + shard.begin }, c, term),
        n: N,
        k: shard.rows,
        rank: term?.rank ?? 0,
        bias: 0,
        accumulate: accumulate || i > 0 ? 1 : 0,
        scale: term?.scale ?? scale,
      },
      inputs: [a.tensor, shard.tensor, null, term?.h.tensor ?? null, term?.factor ?? null, null],
      outputs: [c.tensor],
    });
  }
}

/** c [K, N] = scale · aᵀ·b with a [M, K], b [M, N]; `c` is a whole matrix. */
export function recordTn(
  program: Program,
  a: Columns,
  b: Columns,
  rows: number,
  c: Tensor,
  { scale = 1, accumulate = false } = {},
): void {
  const [K = 0, N = 0] = c.shape;
  program.dispatch(matmulTn, {
    constants: { WX: workgroupWidth(N, K) },
    params: {
      ...strides(rows, a, allColumns(c), null),
      n: N,
      k: K,
      rank: 0,
      bias: 0,
      accumulate: accumulate ? 1 : 0,
      h_stride: b.stride / 4,
      h_offset: b.begin / 4,
      scale,
    },
    inputs: [a.tensor, b.tensor],
    outputs: [c],
  });
}

function strides(rows: number, a: Columns, c: Columns, lowRank: LowRankTerm | null | undefined): Sizes {
  const units = [a.stride, a.begin, c.stride, c.begin, lowRank?.h.stride ?? 0, lowRank?.h.begin ?? 0];
  if (units.some((n) => n % 4 !== 0)) throw shapeError(`[matmul] strides and offsets must be multiples of 4: ${units}`);
  const [a_stride, a_offset, c_stride, c_offset, h_stride, h_offset] = units.map((n) => n / 4);
  return {
    rows,
    a_stride: a_stride!,
    a_offset: a_offset!,
    c_stride: c_stride!,
    c_offset: c_offset!,
    h_stride: h_stride!,
    h_offset: h_offset!,
    scale: lowRank?.scale ?? 1,
  };
}

/** A plain f32 matrix [rows, columns] seen as a weight, e.g. a low-rank factor. */
export function asWeight(tensor: Tensor): Weight {
  const [rows = 0, columns = 0] = tensor.shape;
  return { shape: [rows, columns], element: tensor.element as WeightElement, shards: [{ tensor, begin: 0, rows }] };
}
