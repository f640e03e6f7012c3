/** The bytes of a fused model's tensors, slice by slice: copied, merged, decoded or written in codes again. */
import { dequantizeRow, quantizeRow } from "../../core/affine.ts";
import { toFloat32 } from "../../core/dtype.ts";
import { roundTo, roundToBytes } from "../../core/float-bytes.ts";
import type { Checkpoint } from "../../formats/checkpoint.ts";
import { addSums, type MergeSums, mergedValues, NO_SUMS, sumsOf } from "../../lora/merge.ts";
import { type Codes, isCodes, PARTS, type Part, splitName } from "./matrix-form.ts";
import type { FusedMatrix, FusedTensor } from "./plan.ts";

/** A part of a tensor as it shall be written. */
export interface FusedSlice {
  /** First byte, counted from the tensor's start. */
  readonly begin: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the same place would hold without the adapter. */
  unmerged(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
  readonly sums: MergeSums;
}

export type SlicesOf = (tensor: FusedTensor) => AsyncGenerator<FusedSlice>;

/** Merging needs some twenty bytes for every number of a slice. */
const MERGE_VALUES = 2 ** 20;
const COPY_BYTES = 16 * 2 ** 20;

/**
 * Of one matrix in codes all codes are kept: its three tensors stand one behind another in a file, and are made together.
 * @param scale of every factor
 */
export function fusedSlices(checkpoint: Checkpoint, scale: number): SlicesOf {
  let kept: { readonly matrix: FusedMatrix; readonly coded: CodedMatrix } | null = null;
  return async function* slices(tensor) {
    const { matrix, name } = tensor;
    if (!matrix) yield* copied(checkpoint, tensor);
    else if (!isCodes(matrix.written)) yield* merged(checkpoint, matrix, scale);
    else {
      if (kept?.matrix !== matrix) kept = { matrix, coded: await codedAgain(checkpoint, matrix, scale) };
      const { part } = splitName(name)!;
      const sums = part === "weight" ? kept.coded.sums : NO_SUMS;
      yield { begin: 0, bytes: kept.coded[part], unmerged: () => checkpoint.read(name), sums };
    }
  };
}

async function* copied(checkpoint: Checkpoint, { name, bytes: size }: FusedTensor): AsyncGenerator<FusedSlice> {
  for (let begin = 0; begin < size; begin += COPY_BYTES) {
    const bytes = await checkpoint.readRange(name, begin, Math.min(size, begin + COPY_BYTES));
    yield { begin, bytes, unmerged: () => bytes, sums: NO_SUMS };
  }
}

async function* merged(checkpoint: Checkpoint, matrix: FusedMatrix, scale: number): AsyncGenerator<FusedSlice> {
  const dtype = matrix.written as Exclude<FusedMatrix["written"], Codes>;
  let begin = 0;
  for await (const { row, values } of storedRows(checkpoint, matrix)) {
    const result = mergedValues(values, matrix.factor, scale, row);
    const bytes = roundToBytes(result.values, dtype);
    const unmerged = () => roundToBytes(new Float64Array(values), dtype);
    yield { begin, bytes, unmerged, sums: sumsOf(result, toFloat32(bytes, dtype)) };
    begin += bytes.length;
  }
}

type CodedMatrix = Readonly<Record<Part, Uint8Array<ArrayBuffer>>> & { readonly sums: MergeSums };

/**
 * Each group stays on the base's grid or takes the one that fits it, whichever is nearer: on the base's no number can miss
 * by more than its change, so that of a change no more than all can be lost.
 */
async function codedAgain(checkpoint: Checkpoint, matrix: FusedMatrix, scale: number): Promise<CodedMatrix> {
  const form = matrix.written as Codes;
  const round = (value: number) => roundTo(value, form.scales);
  const [weight, scales, biases] = PARTS.map((part) => {
    const { begin, end } = checkpoint.tensors.get(`${matrix.path}.${part}`)!;
    return new Uint8Array(end - begin);
  }) as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  let [sums, atCodes, atScales] = [NO_SUMS, 0, 0];
  for await (const { row, values, grid } of storedRows(checkpoint, matrix)) {
    const result = mergedValues(values, matrix.factor, scale, row);
    const coded = quantizeRow(Float32Array.from(result.values), form, round, grid);
    sums = addSums(sums, sumsOf(result, dequantizeRow(coded, form)));
    const halves = [coded.scales, coded.biases].map((own) => roundToBytes(new Float64Array(own), form.scales));
    weight.set(new Uint8Array(coded.words.buffer), atCodes);
    scales.set(halves[0]!, atScales);
    biases.set(halves[1]!, atScales);
    atCodes += coded.words.byteLength;
    atScales += halves[0]!.length;
  }
  return { weight, scales, biases, sums };
}

interface StoredRows {
  /** The first. */
  readonly row: number;
  /** [rows, in], decoded */
  readonly values: Float32Array;
  /** Of rows in codes. */
  readonly grid?: { readonly scales: Float32Array; readonly biases: Float32Array };
}

async function* storedRows(checkpoint: Checkpoint, { path, shape, form }: FusedMatrix): AsyncGenerator<StoredRows> {
  const [rows, columns] = shape;
  const step = Math.max(1, Math.floor(MERGE_VALUES / columns));
  for (let row = 0; row < rows; row += step) {
    const end = Math.min(rows, row + step);
    const read = (part: Part) => {
      const name = `${path}.${part}`;
      const { begin, end: last } = checkpoint.tensors.get(name)!;
      const rowBytes = (last - begin) / rows;
      return checkpoint.readRange(name, row * rowBytes, end * rowBytes);
    };
    const stored = await read("weight");
    if (!isCodes(form)) {
      yield { row, values: toFloat32(stored, form) };
      continue;
    }
    const scales = toFloat32(await read("scales"), form.scales);
    const biases = toFloat32(await read("biases"), form.scales);
    const words = new Uint32Array(stored.buffer);
    yield { row, values: dequantizeRow({ words, scales, biases }, form), grid: { scales, biases } };
  }
}
