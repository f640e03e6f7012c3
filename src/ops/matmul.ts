/**
 * The three matrix products everything is made of, as recording functions:
 *   NT  c = a·wᵀ   forward of a linear layer        NN  c = a·w   its gradient with respect to the input
 *   TN  c = aᵀ·b   gradients of the low-rank factors
 * Weights may be f32, f16, bf16 or quantised, and split into shards; rows may be strided, so that one wide matrix can hold the
 * low-rank products of several layers side by side.
 */
import { shapeError } from "../core/errors.ts";
import { ceilDiv, type Kernel, type Sizes } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import { sliceRows, type Tensor } from "../gpu/tensor.ts";
import type { Shard, Weight, WeightElement } from "../gpu/weight.ts";
import { weightPieces } from "../gpu/weight-element.ts";
import { formsOf } from "./matmul-forms.ts";

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
  begin_1: "u32",
  begin_2: "u32",
  stride_1: "u32",
  stride_2: "u32",
  offset_1: "u32",
  offset_2: "u32",
  apart: "u32",
  scale: "f32",
} as const;
const constants = ["WX", "ROWS", "SHARE", "COLS", "BITS", "GROUP"];

const INVOCATIONS = 64;
/** What every product is without another form: four rows of c for each invocation, which loads and sums up everything itself. */
const PLAIN = { ROWS: 4, SHARE: 1, COLS: 0, BITS: 0, GROUP: 0 };
const PLAIN_PIECES = ["products", "sums-4", "rows-direct", "sum-own"];

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

/** Workgroups for so many rows of c, and for so many columns. */
const down = (rows: number, { WX = 8, ROWS = 4, SHARE = 1 }: Sizes) => ceilDiv(rows * WX * SHARE, ROWS * INVOCATIONS);
const across = (columns: number, { WX = 8 }: Sizes) => ceilDiv(columns, 4 * WX);
const rowsFlops = ({ n = 0, k = 0, rank = 0, rows = 0 }: Sizes) => 2 * rows * n * (k + rank);

export const matmulNt: Kernel = {
  stem: "matmul",
  entry: "nt",
  inputs: ["a", "weight", "bias", "h", "low_rank", "residual"],
  outputs: ["c"],
  params,
  constants,
  include: [...PLAIN_PIECES, "weight-f32"],
  grid: ({ rows = 0, n = 0, ...sizes }) => [down(rows, sizes), across(n, sizes), 1],
  flops: rowsFlops,
  forms: formsOf("nt"),
};

/** NT for a few rows, as a decoding step has: limited by reading w once, not by arithmetic. */
export const matmulNtFew: Kernel = {
  ...matmulNt,
  forms: [],
  entry: "nt_few",
  grid: ({ n = 0, rows = 0, WX = 16 }) => [ceilDiv(n, (4 * INVOCATIONS) / WX), rows, 1],
};
/** Up to here w is read anew for every row. */
const FEW_ROWS = 4;
/** Invocations that share one sum, and read side by side. */
const SHARERS = 16;

export const matmulNn: Kernel = {
  ...matmulNt,
  entry: "nn",
  forms: formsOf("nn"),
  grid: ({ rows = 0, n = 0, apart = 0, ...sizes }) => [down(rows, sizes), across(n, sizes), Math.max(1, apart)],
};

export const matmulTn: Kernel = {
  ...matmulNt,
  entry: "tn",
  inputs: ["a", "b", "bias", "h", "low_rank", "residual"],
  grid: ({ k = 0, n = 0, ...sizes }) => [across(n, sizes), down(k, sizes), 1],
  forms: formsOf("tn"),
  flops: ({ n = 0, k = 0, rows = 0 }) => 2 * rows * n * k,
};

/** The kernels that have other forms. */
export const MATMULS: readonly Kernel[] = [matmulNt, matmulNn, matmulTn];

/** Columns of a matrix whose rows are `stride` elements apart, from element `begin` of its tensor on; all multiples of 4. */
export interface Columns {
  readonly tensor: Tensor;
  readonly stride: number;
  readonly begin: number;
  /** Further matrices in the same tensor that stand for the columns from `column` on. */
  readonly others?: readonly { readonly column: number; readonly stride: number; readonly begin: number }[];
}

/** All columns of a matrix [rows, stride]. */
export function allColumns(tensor: Tensor): Columns {
  return { tensor, stride: tensor.shape.at(-1)!, begin: 0 };
}

/** Most matrices that stand side by side. */
export const MOST_MEMBERS = 3;

/** Whole matrices [rows, width_i] in one storage, at most three, as if they stood side by side. */
export function sideBySide(matrices: readonly Tensor[]): Columns {
  const [first, ...rest] = matrices as [Tensor, ...Tensor[]];
  const { storage, element } = first;
  const tensor = { storage, offset: 0, shape: [storage.bytes / 4], element };
  let column = first.shape[1]!;
  const others = rest.map(({ offset, shape }) => {
    const other = { column, stride: shape[1]!, begin: offset / 4 };
    column += other.stride;
    return other;
  });
  return { tensor, stride: first.shape[1]!, begin: first.offset / 4, others };
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

export interface NnOptions extends ProductOptions {
  /** The matrices side by side in `a` have a product each, with their own rows of w, N columns further right in c. */
  readonly apart?: boolean;
}

export interface NtOptions extends ProductOptions {
  /** [N], added to every row */
  readonly bias?: Tensor | null;
  /** [M, N], added; c must be a whole matrix then. */
  readonly residual?: Tensor | null;
}

/**
 * c [M, N] = a [M, K] · wᵀ, w [N, K], shard by shard into c's columns. Where c is several matrices side by side, matrix m
 * has columns [m·rank, (m + 1)·rank) of h.
 */
export function recordNt(
  program: Program,
  a: Columns,
  rows: number,
  weight: Weight,
  c: Columns,
  { lowRank, accumulate, bias, residual }: NtOptions = {},
): void {
  const [, K] = weight.shape;
  const few = rows <= FEW_ROWS;
  const stored = weightPieces(weight.element);
  for (const shard of weight.shards) {
    program.dispatch(few ? matmulNtFew : matmulNt, {
      constants: { WX: few ? SHARERS : workgroupWidth(shard.rows, ANY_ROWS), ...PLAIN, ...stored.constants },
      include: [...PLAIN_PIECES, ...stored.include],
      params: {
        ...strides(rows, a, { ...c, begin: c.begin + shard.begin }, lowRank),
        n: shard.rows,
        k: K,
        rank: lowRank?.rank ?? 0,
        bias: bias ? 1 : 0,
        accumulate: residual ? FROM_RESIDUAL : Number(accumulate ?? false),
        apart: 0,
      },
      inputs: [
        a.tensor,
        shard.tensor,
        bias ? rowsOf(bias, shard) : null,
        lowRank?.h.tensor ?? null,
        lowRank ? rowsOf(lowRank.factor, shard) : null,
        residual ?? null,
      ],
      outputs: [c.tensor],
    });
  }
}
/** What of a bias or factor belongs to a shard. */
const rowsOf = (tensor: Tensor, { begin, rows }: Shard): Tensor =>
  tensor.shape[0] === rows ? tensor : sliceRows(tensor, begin, rows);

/** A value of the shader's `accumulate`. */
const FROM_RESIDUAL = 2;

/** c [M, N] = a [M, K] · w, w [K, N]; a's columns are summed shard by shard. */
export function recordNn(
  program: Program,
  a: Columns,
  rows: number,
  weight: Weight,
  c: Columns,
  { lowRank, accumulate, apart, scale = 1 }: NnOptions = {},
): void {
  const [, N] = weight.shape;
  const stored = weightPieces(weight.element);
  for (const [i, shard] of weight.shards.entries()) {
    const term = i === 0 ? lowRank : null;
    program.dispatch(matmulNn, {
      constants: { WX: workgroupWidth(N, ANY_ROWS), ...PLAIN, ...stored.constants },
      include: [...PLAIN_PIECES, ...stored.include],
      params: {
        ...strides(rows, { ...a, begin: a.begin + shard.begin }, c, term),
        n: N,
        k: shard.rows,
        rank: term?.rank ?? 0,
        bias: 0,
        accumulate: accumulate || i > 0 ? 1 : 0,
        apart: apart ? 1 + (a.others?.length ?? 0) : 0,
        scale: term?.scale ?? scale,
      },
      inputs: [a.tensor, shard.tensor, null, term?.h.tensor ?? null, term?.factor ?? null, null],
      outputs: [c.tensor],
    });
  }
}

/**
 * c [K, N] = scale · aᵀ·b with a [M, K], b [M, N]; `c` is a whole matrix. Where a is several matrices side by side,
 * matrix m is multiplied with columns [m·N, (m + 1)·N) of b.
 */
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
    constants: { WX: workgroupWidth(N, K), ...PLAIN },
    params: {
      ...strides(rows, a, allColumns(c), null),
      n: N,
      k: K,
      rank: 0,
      bias: 0,
      accumulate: accumulate ? 1 : 0,
      apart: 0,
      h_stride: b.stride / 4,
      h_offset: b.begin / 4,
      scale,
    },
    inputs: [a.tensor, b.tensor, null, null, null, null],
    outputs: [c],
  });
}

/** A column that no matrix reaches, in elements. */
const NOWHERE = 2 ** 32 - 4;

function strides(rows: number, a: Columns, c: Columns, lowRank: LowRankTerm | null | undefined): Sizes {
  const others = [...(a.others ?? []), ...(c.others ?? [])];
  if (others.length >= MOST_MEMBERS) throw shapeError(`[matmul] ${others.length + 1} matrices side by side`);
  const [second, third] = [0, 1].map((i) => others[i] ?? { column: NOWHERE, stride: 0, begin: 0 });
  const elements = {
    ...{ a_stride: a.stride, a_offset: a.begin, c_stride: c.stride, c_offset: c.begin },
    ...{ h_stride: lowRank?.h.stride ?? 0, h_offset: lowRank?.h.begin ?? 0 },
    ...{ begin_1: second!.column, stride_1: second!.stride, offset_1: second!.begin },
    ...{ begin_2: third!.column, stride_2: third!.stride, offset_2: third!.begin },
  };
  const units = Object.entries(elements).map(([name, n]) => [name, n / 4] as const);
  const odd = units.filter(([, n]) => !Number.isInteger(n)).map(([name]) => name);
  if (odd.length > 0) throw shapeError(`[matmul] strides and offsets must be multiples of 4: ${odd.join(", ")}`);
  return { rows, ...Object.fromEntries(units), scale: lowRank?.scale ?? 1 };
}

/** A plain f32 matrix [rows, columns] seen as a weight, e.g. a low-rank factor. */
export function asWeight(tensor: Tensor): Weight {
  const [rows = 0, columns = 0] = tensor.shape;
  return { shape: [rows, columns], element: tensor.element as WeightElement, shards: [{ tensor, begin: 0, rows }] };
}
