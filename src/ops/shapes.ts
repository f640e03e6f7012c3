/** Small checks and grids that several ops share. */
import { elementCount } from "../core/dtype.ts";
import { shapeError } from "../core/errors.ts";
import { ceilDiv, type Grid, grid1d, type Sizes } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";

export const show = (tensor: Pick<Tensor, "shape">): string => `[${tensor.shape.join(",")}]`;

/** [rows, columns] of a matrix whose columns are a multiple of 4, or ShapeError. */
export function matrixShape(op: string, name: string, tensor: Tensor): [rows: number, columns: number] {
  const [rows, columns] = tensor.shape;
  if (tensor.shape.length !== 2 || rows === undefined || columns === undefined || columns % 4 !== 0) {
    throw shapeError(`[${op}] ${name} is ${show(tensor)}, expected [rows, columns] with columns in multiples of 4`);
  }
  return [rows, columns];
}

export function sameShape(op: string, names: readonly [string, string], a: Tensor, b: Tensor): void {
  if (a.shape.join() === b.shape.join()) return;
  throw shapeError(`[${op}] ${names[0]} is ${show(a)} but ${names[1]} is ${show(b)}`);
}

/** vec4s in a tensor. */
export const vec4Count = (tensor: Tensor): number => elementCount(tensor.shape) / 4;

/** One invocation per unit of `count`, 64 per workgroup. */
export const flatGrid = ({ count = 0 }: Sizes): Grid => grid1d(ceilDiv(count, 64));

/** One workgroup per row. */
export const rowGrid = ({ rows = 0 }: Sizes): Grid => grid1d(rows);
