import { addForward } from "./add.ts";
import { matmulNn, matmulNt, matmulTn } from "./matmul.ts";

/** One layer of a group that shares its input: y = x·Wᵀ + bias + s·(x̃·Aᵀ)·Bᵀ */
export interface LinearLayer {
  readonly out: number;
  /** [out, in] */
  readonly W: Float64Array;
  /** [out] or null */
  readonly bias: Float64Array | null;
  /** A [r, in], B [out, r] */
  readonly lowRank: {
    readonly A: Float64Array;
    readonly B: Float64Array;
    readonly scale: number;
    readonly rank: number;
  } | null;
}

/** x, x̃ [N, in] → y_i [N, out_i] of every layer */
export function linearForward(
  x: Float64Array,
  dropped: Float64Array,
  layers: readonly LinearLayer[],
  N: number,
  K: number,
): Float64Array[] {
  return layers.map(({ W, bias, out, lowRank }) => {
    let y = matmulNt(x, W, N, out, K);
    if (bias) y = y.map((value, i) => value + bias[i % out]!);
    if (!lowRank) return y;
    const h = matmulNt(dropped, lowRank.A, N, lowRank.rank, K);
    return addForward(y, scaled(matmulNt(h, lowRank.B, N, out, lowRank.rank), lowRank.scale));
  });
}

export interface LinearGradients {
  readonly dx: Float64Array;
  readonly dDropped: Float64Array;
  /** Per layer; null without adapter. */
  readonly factors: readonly ({ readonly dA: Float64Array; readonly dB: Float64Array } | null)[];
}

/** g = dy·B:  dx = Σ dy·W   dx̃ = Σ s·g·A   dB = s·dyᵀ·h   dA = s·gᵀ·x̃ */
export function linearBackward(
  x: Float64Array,
  dropped: Float64Array,
  layers: readonly LinearLayer[],
  dys: readonly Float64Array[],
  N: number,
  K: number,
): LinearGradients {
  let dx = new Float64Array(x.length);
  let dDropped = new Float64Array(x.length);
  const factors = layers.map(({ W, out, lowRank }, i) => {
    const dy = dys[i]!;
    dx = addForward(dx, matmulNn(dy, W, N, K, out)) as Float64Array<ArrayBuffer>;
    if (!lowRank) return null;
    const { A, B, scale, rank } = lowRank;
    const h = matmulNt(dropped, A, N, rank, K);
    const g = matmulNn(dy, B, N, rank, out);
    dDropped = addForward(dDropped, scaled(matmulNn(g, A, N, K, rank), scale)) as Float64Array<ArrayBuffer>;
    return { dB: scaled(matmulTn(dy, h, N, rank, out), scale), dA: scaled(matmulTn(g, dropped, N, K, rank), scale) };
  });
  return { dx, dDropped, factors };
}

const scaled = (values: Float64Array, factor: number): Float64Array => values.map((value) => factor * value);
