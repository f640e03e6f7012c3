/**
 * A frozen matrix [rows, columns] as its file stores it, split by rows where one binding cannot hold it.
 * Most weights have one shard; embeddings and output heads of large vocabularies have several.
 */
import { deviceError } from "../core/errors.ts";
import type { Device } from "./device.ts";
import { ALIGNMENT, sliceRows, type Tensor } from "./tensor.ts";
import { storedRow, storedRowBytes, type WeightElement } from "./weight-element.ts";

export type { WeightElement } from "./weight-element.ts";

export interface Shard {
  /** [rows of this shard, elements of a stored row] */
  readonly tensor: Tensor;
  /** First row of the whole matrix that this shard holds. */
  readonly begin: number;
  readonly rows: number;
}

export interface Weight {
  readonly shape: readonly [rows: number, columns: number];
  readonly element: WeightElement;
  readonly shards: readonly Shard[];
}

/** Rows per shard are a multiple of this, so that tiles of rows start on bindable offsets. */
const ROW_MULTIPLE = ALIGNMENT / 2;

/** Resident storage for a matrix, zero-filled; the loader uploads into the shards. */
export function allocateWeight(
  device: Device,
  shape: readonly [number, number],
  element: WeightElement,
  label: string,
): Weight {
  const [rows, columns] = shape;
  if (columns % 4 !== 0) throw deviceError(`"${label}" is [${shape}]: the kernels need columns in multiples of 4`);
  const stored = storedRow(element, columns);
  const rowBytes = storedRowBytes(element, columns);
  const fitting = Math.floor(device.limits.maxBinding / rowBytes);
  const perShard = fitting >= rows ? rows : Math.floor(fitting / ROW_MULTIPLE) * ROW_MULTIPLE;
  if (perShard === 0) {
    const { maxBinding } = device.limits;
    throw deviceError(
      `${ROW_MULTIPLE} rows of "${label}" do not fit into a binding of this device (${maxBinding} bytes)`,
      "Choose a smaller model.",
      "model-too-large",
    );
  }
  const shards: Shard[] = [];
  for (let begin = 0; begin < rows; begin += perShard) {
    const count = Math.min(perShard, rows - begin);
    shards.push({ tensor: device.allocate([count, stored.columns], label, stored.element), begin, rows: count });
  }
  return { shape, element, shards };
}

export function freeWeight(device: Device, weight: Weight): void {
  for (const shard of weight.shards) device.free(shard.tensor);
}

/** Rows [begin, begin + rows) of a weight; `begin` must be a multiple of 128 within its shard, to be bindable. */
export function sliceWeight(weight: Weight, begin: number, rows: number): Weight {
  const [, columns] = weight.shape;
  const end = begin + rows;
  const shards = weight.shards.flatMap((shard) => {
    const from = Math.max(begin, shard.begin);
    const to = Math.min(end, shard.begin + shard.rows);
    if (from >= to) return [];
    const tensor = sliceRows(shard.tensor, from - shard.begin, to - from);
    return [{ tensor, begin: from - begin, rows: to - from }];
  });
  return { shape: [rows, columns], element: weight.element, shards };
}
