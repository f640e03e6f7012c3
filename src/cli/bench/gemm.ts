/** Every layout of matrix product that training uses, at the sizes of a small model's layers. */
import { Random } from "../../core/random.ts";
import type { Device } from "../../gpu/device.ts";
import type { Program } from "../../gpu/program.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { allColumns, asWeight, recordNn, recordNt, recordTn } from "../../ops/matmul.ts";
import { timeProgram } from "./measure.ts";

export interface GemmSize {
  readonly tokens: number;
  readonly in: number;
  readonly out: number;
}

export interface GemmResult extends GemmSize {
  readonly layout: "NT" | "NN" | "TN";
  /** FLOP/s */
  readonly rate: number;
}

export const GEMM_SIZES: readonly GemmSize[] = [
  { tokens: 512, in: 896, out: 896 },
  { tokens: 512, in: 896, out: 4864 },
  { tokens: 512, in: 4864, out: 896 },
  { tokens: 512, in: 896, out: 8 },
];

/** Products per program for small sizes, so that a submit's own cost does not count. */
const FLOPS_PER_RUN = 5e8;

/**
 * NT: y = x·wᵀ (forward). NN: dx = dy·w. TN: dw = dyᵀ·x, as the gradients of the low-rank factors.
 * All three do the same number of FLOPs, 2·tokens·in·out.
 */
export async function benchGemm(device: Device, size: GemmSize, repeats: number): Promise<GemmResult[]> {
  const random = new Random(1);
  const matrix = (rows: number, columns: number, label: string) => randomMatrix(device, random, rows, columns, label);
  const x = matrix(size.tokens, size.in, "bench.x");
  const w = matrix(size.out, size.in, "bench.w");
  const y = matrix(size.tokens, size.out, "bench.y");
  const scratch = [x, w, y].map((tensor) => device.allocate(tensor.shape, "bench.result"));
  const [dx, dw, out] = scratch as [Tensor, Tensor, Tensor];
  const layouts: Record<GemmResult["layout"], (program: Program) => void> = {
    NT: (p) => recordNt(p, allColumns(x), size.tokens, asWeight(w), allColumns(out)),
    NN: (p) => recordNn(p, allColumns(y), size.tokens, asWeight(w), allColumns(dx)),
    TN: (p) => recordTn(p, allColumns(y), allColumns(x), size.tokens, dw),
  };
  const flops = 2 * size.tokens * size.in * size.out;
  const products = Math.max(1, Math.ceil(FLOPS_PER_RUN / flops));
  const best = new Map<GemmResult["layout"], number>();
  // Round by round, so that a slow moment of the machine hits all layouts alike.
  for (let round = 0; round <= repeats; round++) {
    for (const [layout, record] of Object.entries(layouts) as [GemmResult["layout"], (p: Program) => void][]) {
      const count = round === 0 ? 1 : products;
      const seconds = await timeProgram(device, (program) => {
        for (let i = 0; i < count; i++) record(program);
      });
      // The first round compiles.
      if (round > 0) best.set(layout, Math.min(best.get(layout) ?? Number.POSITIVE_INFINITY, seconds));
    }
  }
  for (const tensor of [x, w, y, ...scratch]) device.free(tensor);
  return [...best].map(([layout, seconds]) => ({ ...size, layout, rate: (products * flops) / seconds }));
}

function randomMatrix(device: Device, random: Random, rows: number, columns: number, label: string): Tensor {
  const tensor = device.allocate([rows, columns], label);
  const values = Float32Array.from({ length: rows * columns }, () => random.uniform() - 0.5);
  device.upload(tensor, new Uint8Array(values.buffer));
  return tensor;
}
