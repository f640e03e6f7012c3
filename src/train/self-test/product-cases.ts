/** The matrix products everything is made of, in the three layouts, with every storage of weights. */

import type { WeightElement } from "../../gpu/weight.ts";
import { allColumns, type LowRankTerm, recordNn, recordNt, recordTn } from "../../ops/matmul.ts";
import { type Bench, measure, type SelfTestCase } from "./bench.ts";
import { productNn, productNt, productTn, scaled, sum } from "./reference.ts";
import { C, N } from "./sizes.ts";

/**
 * Columns of a wide product, where weights come in every storage, and of a narrow one: a low-rank factor. Wide enough for
 * every form that the device may have chosen.
 */
const WIDE = 132;
const RANK = 8;
const SCALE = 2;

const STORAGES: readonly (readonly [columns: number, element: WeightElement])[] = [
  [WIDE, "bf16"],
  [WIDE, "f16"],
  [RANK, "f32"],
];
/** The factors of q, k and v side by side. */
const SHARED: (typeof STORAGES)[number] = [3 * RANK, "f32"];

/** A random low-rank term: `shape` is that of its factor. */
function lowRankTerm(bench: Bench, shape: readonly [number, number]) {
  const [h, factor] = [bench.input([N, RANK]), bench.input(shape, 0.1)];
  const term: LowRankTerm = { h: allColumns(h.tensor), factor: factor.tensor, rank: RANK, scale: SCALE };
  return { h: h.values, factor: factor.values, term };
}

/** c = a·wᵀ + bias + s·h·Bᵀ */
function recordForward(bench: Bench): void {
  for (const [columns, element] of [...STORAGES, SHARED]) {
    const a = bench.input([N, C]);
    const bias = bench.input([columns]);
    const { values, weight } = bench.weight([columns, C], element);
    const { h, factor, term } = lowRankTerm(bench, [columns, RANK]);
    const c = bench.program.tensor([N, columns], "self-test");
    const options = { lowRank: term, bias: bias.tensor };
    recordNt(bench.program, allColumns(a.tensor), N, weight, allColumns(c), options);
    const lowRank = scaled(productNt(h, factor, N, columns, RANK), SCALE);
    const repeated = lowRank.map((_, i) => bias.values[i % columns]!);
    bench.expect(
      `${element} [${columns}, ${C}]`,
      c,
      sum(productNt(a.values, values, N, columns, C), lowRank, repeated),
    );
  }
}

/** c += a·w + s·h·A */
function recordInputGradient(bench: Bench): void {
  for (const [columns, element] of STORAGES) {
    const [a, c] = [bench.input([N, C]), bench.input([N, columns])];
    const { values, weight } = bench.weight([C, columns], element);
    const { h, factor, term } = lowRankTerm(bench, [RANK, columns]);
    const options = { lowRank: term, accumulate: true };
    recordNn(bench.program, allColumns(a.tensor), N, weight, allColumns(c.tensor), options);
    const lowRank = scaled(productNn(h, factor, N, columns, RANK), SCALE);
    bench.expect(
      `${element} [${C}, ${columns}]`,
      c.tensor,
      sum(c.values, productNn(a.values, values, N, columns, C), lowRank),
    );
  }
}

/** c += s·aᵀ·b, tall, low and wide as the factors' gradients are. */
function recordFactorGradient(bench: Bench): void {
  for (const [rows, columns] of [
    [WIDE, RANK],
    [RANK, WIDE],
    [3 * RANK, WIDE],
  ] as const) {
    const [a, b, c] = [bench.input([N, rows]), bench.input([N, columns]), bench.input([rows, columns])];
    const options = { scale: SCALE, accumulate: true };
    recordTn(bench.program, allColumns(a.tensor), allColumns(b.tensor), N, c.tensor, options);
    const expected = scaled(productTn(a.values, b.values, N, columns, rows), SCALE);
    bench.expect(`[${rows}, ${columns}]`, c.tensor, sum(c.values, expected));
  }
}

export const productCases: readonly SelfTestCase[] = [
  {
    name: "matrix product, forward",
    guards: "The output of every layer, with weights in bf16, f16 and f32, bias and adapter.",
    tolerance: 1e-4,
    run: (device) => measure(device, recordForward),
  },
  {
    name: "matrix product, gradient of the input",
    guards: "The gradient that flows from layer to layer.",
    tolerance: 1e-4,
    run: (device) => measure(device, recordInputGradient),
  },
  {
    name: "matrix product, gradient of the adapter",
    guards: "The gradient that the adapter learns from.",
    tolerance: 1e-4,
    run: (device) => measure(device, recordFactorGradient),
  },
];
