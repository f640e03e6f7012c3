/** x[n] = scale·table[ids[n]]. The table is frozen and may be split by rows; there is no backward, by design. */
import { shapeError } from "../core/errors.ts";
import type { Kernel } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Weight } from "../gpu/weight.ts";
import { weightPieces } from "../gpu/weight-element.ts";
import { flatGrid, show } from "./shapes.ts";

export const embeddingGather: Kernel = {
  stem: "embedding",
  entry: "gather",
  inputs: ["ids", "weight"],
  outputs: ["x"],
  params: { rows: "u32", begin: "u32", count: "u32", scale: "f32" },
  constants: ["C", "BITS", "GROUP"],
  include: ["weight-f32"],
  grid: ({ rows = 0, C = 0 }) => flatGrid({ count: (rows * C) / 4 }),
};

/** ids u32 [N], table [V, C] → x [N, C], rows times `scale`. Ids must be below V: the loader of data checks them. */
export function recordEmbedding(program: Program, ids: Tensor, table: Weight, scale = 1): Tensor {
  const [, C] = table.shape;
  const rows = ids.shape[0];
  if (ids.shape.length !== 1 || rows === undefined || ids.element !== "u32") {
    throw shapeError(`[embedding] ids are ${show(ids)} ${ids.element}, expected u32 [N]`);
  }
  const x = program.tensor([rows, C], "embedding.x");
  const stored = weightPieces(table.element);
  for (const shard of table.shards) {
    program.dispatch(embeddingGather, {
      constants: { C, ...stored.constants },
      include: stored.include,
      params: { rows, begin: shard.begin, count: shard.rows, scale },
      inputs: [ids, shard.tensor],
      outputs: [x],
    });
  }
  return x;
}
