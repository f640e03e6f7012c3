/** y[s] = x[index[s]]: picks rows, for example the tokens that carry loss; backward puts their gradients back. */
import type { Op } from "../autograd/op.ts";
import type { Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { flatGrid, matrixShape } from "./shapes.ts";

export const rowsGather: Kernel = {
  stem: "rows",
  entry: "gather",
  inputs: ["source", "index"],
  outputs: ["target"],
  params: { rows: "u32" },
  constants: ["C"],
  grid: ({ rows = 0, C = 0 }) => flatGrid({ count: (rows * C) / 4 }),
};

export const rowsScatter: Kernel = { ...rowsGather, entry: "scatter" };

export interface RowsAttrs {
  /** u32 [S], each below N, none twice. */
  readonly index: Tensor;
}

/** inputs x [N, C] → y [S, C] */
export const gatherRows: Op<RowsAttrs, { total: number }> = {
  name: "rows",

  forward(program, inputs, { index }) {
    const x = inputs[0]!;
    const [total, C] = matrixShape("rows", "x", x);
    const rows = index.shape[0]!;
    const y = program.tensor([rows, C], "rows.y");
    program.dispatch(rowsGather, { constants: { C }, params: { rows }, inputs: [x, index], outputs: [y] });
    return { outputs: [y], saved: { total } };
  },

  backward(program, { total }, [dy], { index }, [needsX]) {
    if (!needsX) return [null];
    const [rows, C] = matrixShape("rows", "dy", dy!);
    const dx = program.tensor([total, C], "rows.dx");
    program.clear(dx);
    program.dispatch(rowsScatter, { constants: { C }, params: { rows }, inputs: [dy!, index], outputs: [dx] });
    return [dx];
  },
};
