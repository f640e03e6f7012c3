/** The products of a fine-tune that engine and libraries are compared on, with random operands. */
import { Random } from "../../../core/random.ts";
import type { GemmResult, GemmSize } from "../gemm.ts";
import type { Matrix, ProductInput } from "./library.ts";

export type Layout = GemmResult["layout"];
export const LAYOUTS: readonly Layout[] = ["NT", "NN", "TN"];

/** in × out of the layers of Qwen2.5-0.5B (q and o, k and v, gate and up, down), one larger square, and a factor of rank 8. */
const LAYERS = [
  [896, 896],
  [896, 128],
  [896, 4864],
  [4864, 896],
  [2048, 2048],
  [896, 8],
] as const;

/** Tokens of a small batch and of a large one; software adapters take minutes for the large one. */
export const TOKENS = [512, 2048] as const;

export const productSizes = (tokens: readonly number[]): GemmSize[] =>
  tokens.flatMap((count) => LAYERS.map(([columns, rows]) => ({ tokens: count, in: columns, out: rows })));

/** x [tokens, in], w [out, in] and dy [tokens, out], the same numbers every time. */
export interface Operands {
  readonly x: Matrix;
  readonly w: Matrix;
  readonly dy: Matrix;
}

export function randomOperands(size: GemmSize): Operands {
  const random = new Random(1);
  const matrix = (rows: number, columns: number): Matrix => {
    const values = Float32Array.from({ length: rows * columns }, () => random.uniform() - 0.5);
    return { rows, columns, values };
  };
  return { x: matrix(size.tokens, size.in), w: matrix(size.out, size.in), dy: matrix(size.tokens, size.out) };
}

/** NT: y = x·wᵀ. NN: dx = dy·w. TN: dw = dyᵀ·x. */
export function inputOf(layout: Layout, { x, w, dy }: Operands): ProductInput {
  if (layout === "NT") return { a: x, b: w, turnA: false, turnB: true };
  if (layout === "NN") return { a: dy, b: w, turnA: false, turnB: false };
  return { a: dy, b: x, turnA: true, turnB: false };
}
