/**
 * An adapter in memory, free of any file's layout, and the rules about module paths that both layouts share.
 * Forward: y = W·x + scale · B·(A·x); DoRA makes each row of W + scale·B·A as long as its magnitude says.
 */

import { shapeError } from "../core/errors.ts";

/** The two factors of one adapted linear. */
export interface AdapterFactor {
  /** Hub path of the linear: "model.layers.0.self_attn.q_proj". */
  readonly module: string;
  readonly in_features: number;
  readonly out_features: number;
  readonly rank: number;
  /** What its B·A is multiplied with, where that is not the adapter's scale. */
  readonly scale?: number;
  /** [rank, in_features] */
  readonly A: Float32Array;
  /** [out_features, rank] */
  readonly B: Float32Array;
  /** [out_features], of DoRA. */
  readonly magnitude?: Float32Array;
}

export interface Adapter {
  /** The largest of its factors' ranks. */
  readonly rank: number;
  readonly alpha: number;
  /** What B·A is multiplied with, for every factor that has no scale of its own. */
  readonly scale: number;
  readonly dropout: number;
  /** By block, then by name. */
  readonly factors: readonly AdapterFactor[];
  /** Hub id or path of the model it was trained on, where the file says so. */
  readonly base_model?: string;
  /** Blocks of the base, where known: MLX counts adapted blocks from the last. */
  readonly num_hidden_layers?: number;
  /** The file's scale was alpha / √rank. */
  readonly use_rslora: boolean;
  /** Trained inside a multimodal model, whose text half other tools call `language_model`. */
  readonly in_language_model?: boolean;
}

export interface LinearShape {
  readonly in_features: number;
  readonly out_features: number;
}

/** "model.layers.12.self_attn.q_proj" → block 12, "self_attn.q_proj"; outside the blocks null and the whole path. */
export function splitModule(module: string): { block: number | null; key: string } {
  const match = /(?:^|\.)layers\.(\d+)\.(.+)$/.exec(module);
  return match ? { block: Number(match[1]), key: match[2]! } : { block: null, key: module };
}

/** Order of factors: by block, then by name; modules outside the blocks come last. */
export function compareModules(a: string, b: string): number {
  const blockA = splitModule(a).block ?? Number.POSITIVE_INFINITY;
  const blockB = splitModule(b).block ?? Number.POSITIVE_INFINITY;
  if (blockA !== blockB) return blockA - blockB;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What B·A of this factor is multiplied with. */
export const scaleOf = (adapter: Pick<Adapter, "scale">, factor: AdapterFactor): number =>
  factor.scale ?? adapter.scale;

/** Whether it is DoRA's: with magnitudes. */
export const isDora = ({ factors }: Pick<Adapter, "factors">): boolean => factors.some(({ magnitude }) => magnitude);

/**
 * Throws ShapeError unless every A is [r, in] and every B [out, r], with the adapter's rank as the largest r, and all or
 * none have magnitudes [out].
 */
export function checkFactors({ rank, factors }: Adapter): void {
  for (const { module, in_features, out_features, rank: r, A, B } of factors) {
    if (r >= 1 && A.length === r * in_features && B.length === out_features * r) continue;
    throw shapeError(
      `${module}: expected A [${r}, ${in_features}] and B [${out_features}, ${r}], ` +
        `got ${A.length} and ${B.length} values`,
    );
  }
  const dora = isDora({ factors });
  for (const { module, out_features, magnitude } of factors) {
    if ((magnitude?.length ?? 0) === (dora ? out_features : 0)) continue;
    throw shapeError(
      `${module}: expected ${dora ? out_features : 0} magnitudes as DoRA has them, got ${magnitude?.length ?? 0}`,
    );
  }
  const largest = Math.max(...factors.map((factor) => factor.rank));
  if (largest !== rank) throw shapeError(`adapter: expected rank ${rank} as its largest, got ${largest}`);
}

/** Index of the first NaN or infinity, or −1. */
export function firstNonFinite(values: Float32Array): number {
  return values.findIndex((value) => !Number.isFinite(value));
}

/** [rows, columns] → [columns, rows], both row-major. */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column]!;
  }
  return out;
}
