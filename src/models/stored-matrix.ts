/**
 * How the matrices of a checkpoint are stored: plain, or as MLX's affine codes beside scales and biases; and their way to
 * the device, slice by slice.
 */
import { type Affine, quantizeRow } from "../core/affine.ts";
import { type Dtype, toFloat32 } from "../core/dtype.ts";
import type { Problems } from "../core/errors.ts";
import { type FloatDtype, roundTo, roundToBytes } from "../core/float-bytes.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import { quantizationFor } from "../formats/quantization.ts";
import type { Device } from "../gpu/device.ts";
import type { Weight } from "../gpu/weight.ts";
import {
  type PlainElement,
  quantizationOf,
  quantizedElement,
  storedRow,
  storedRowBytes,
  type WeightElement,
} from "../gpu/weight-element.ts";

const ELEMENTS: Partial<Record<Dtype, PlainElement>> = { F32: "f32", F16: "f16", BF16: "bf16" };
const DTYPES: Readonly<Record<PlainElement, FloatDtype>> = { f32: "F32", f16: "F16", bf16: "BF16" };

/** How plain weights of this dtype lie on the device; undefined for dtypes that cannot be trained on. */
export const tensorElement = (dtype: string): PlainElement | undefined =>
  Object.hasOwn(ELEMENTS, dtype) ? ELEMENTS[dtype as Dtype] : undefined;

/** The tensors of a matrix: "path.weight", and where it is quantised ".scales" and ".biases". */
export function matrixTensors(checkpoint: Checkpoint, path: string): string[] {
  const weight = `${path}.weight`;
  return checkpoint.tensors.has(`${path}.scales`) ? [weight, `${path}.scales`, `${path}.biases`] : [weight];
}

/**
 * How the matrix [rows, columns] of this path lies on the device. What is wrong with its tensors is added to `problems`.
 * @param quantize plain matrices become codes of so many bits where their columns allow it
 */
export function matrixElement(
  checkpoint: Checkpoint,
  config: ModelConfig,
  path: string,
  [rows, columns]: readonly [number, number],
  { problems, quantize }: { readonly problems: Problems; readonly quantize: Affine | null },
): WeightElement {
  const check = (name: string, shape: readonly number[], dtypes: readonly string[]): PlainElement => {
    const found = checkpoint.tensors.get(name);
    if (!found) problems.add(`${name} is missing, expected [${shape.join(", ")}]`);
    else if (found.shape.join() !== shape.join()) {
      problems.add(`${name}: expected [${shape.join(", ")}], found [${found.shape.join(", ")}]`);
    } else if (!dtypes.includes(found.dtype)) {
      problems.add(`${name}: expected ${dtypes.join(" or ").replace(" or ", ", ")}, found ${found.dtype}`);
    }
    return tensorElement(found?.dtype ?? "") ?? "f32";
  };
  const floats = ["F32", "F16", "BF16"];
  if (!checkpoint.tensors.has(`${path}.scales`)) {
    const element = check(`${path}.weight`, [rows, columns], floats);
    const fits = quantize && columns % quantize.group === 0;
    return fits ? quantizedElement({ ...quantize, scales: element }) : element;
  }
  const affine = quantizationFor(config.quantization, path);
  if (!affine || columns % affine.group !== 0) {
    problems.add(`${path}.scales: expected bits and group_size for it in config.json's "quantization", found none`);
    return "f32";
  }
  check(`${path}.weight`, [rows, (columns * affine.bits) / 32], ["U32"]);
  const groups = columns / affine.group;
  const scales = check(`${path}.scales`, [rows, groups], floats);
  check(`${path}.biases`, [rows, groups], [checkpoint.tensors.get(`${path}.scales`)!.dtype]);
  return quantizedElement({ ...affine, scales });
}

const SLICE_BYTES = 32 * 2 ** 20;

/** Uploads the matrix; `onBytes` is told how many of the file's bytes are there. */
export async function uploadMatrix(
  weight: Weight,
  path: string,
  checkpoint: Checkpoint,
  device: Device,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { element } = weight;
  const rowBytes = storedRowBytes(element, weight.shape[1]);
  const sliceRows = Math.max(1, Math.floor(SLICE_BYTES / rowBytes));
  const rows = rowReader(weight, path, checkpoint);
  for (const shard of weight.shards) {
    for (let row = 0; row < shard.rows; row += sliceRows) {
      const end = Math.min(row + sliceRows, shard.rows);
      const { bytes, read } = await rows(shard.begin + row, shard.begin + end);
      device.upload(shard.tensor, bytes, row * rowBytes);
      onBytes(read * (shard.begin + end));
    }
  }
}

/** Rows [begin, end) as they lie on the device, and how many of the file's bytes a row has. */
type RowReader = (begin: number, end: number) => Promise<{ bytes: Uint8Array<ArrayBuffer>; read: number }>;

function rowReader(weight: Weight, path: string, checkpoint: Checkpoint): RowReader {
  const [rows] = weight.shape;
  const quantization = quantizationOf(weight.element);
  const rowBytesOf = (name: string) => {
    const { begin, end } = checkpoint.tensors.get(name)!;
    return (end - begin) / rows;
  };
  const readRows = (name: string, begin: number, end: number) =>
    checkpoint.readRange(name, begin * rowBytesOf(name), end * rowBytesOf(name));
  const names = matrixTensors(checkpoint, path);
  const read = names.reduce((sum, name) => sum + rowBytesOf(name), 0);
  const [codes, scales, biases] = names as [string, string?, string?];
  if (!quantization) return async (begin, end) => ({ bytes: await readRows(codes, begin, end), read });
  const { scales: element } = quantization;
  if (scales && biases) {
    return async (begin, end) => {
      const [words, s, b] = [
        await readRows(codes, begin, end),
        await readRows(scales, begin, end),
        await readRows(biases, begin, end),
      ];
      return { bytes: interleave(words, s, b, end - begin, element), read };
    };
  }
  const { dtype } = checkpoint.tensors.get(codes)!;
  return async (begin, end) => {
    const values = toFloat32(await readRows(codes, begin, end), dtype);
    return { bytes: quantizeRows(values, weight, end - begin), read };
  };
}

/** Codes, scales and biases of `rows` rows → rows of codes with their scale and bias pairs behind them. */
function interleave(
  codes: Uint8Array,
  scales: Uint8Array,
  biases: Uint8Array,
  rows: number,
  element: PlainElement,
): Uint8Array<ArrayBuffer> {
  const size = element === "f32" ? 4 : 2;
  const [codeBytes, groups] = [codes.length / rows, scales.length / rows / size];
  const out = new Uint8Array(codes.length + scales.length + biases.length);
  const stride = codeBytes + 2 * groups * size;
  for (let row = 0; row < rows; row++) {
    out.set(codes.subarray(row * codeBytes, (row + 1) * codeBytes), row * stride);
    let at = row * stride + codeBytes;
    for (let g = row * groups; g < (row + 1) * groups; g++) {
      for (const half of [scales, biases]) {
        for (let i = 0; i < size; i++) out[at++] = half[g * size + i]!;
      }
    }
  }
  return out;
}

function quantizeRows(values: Float32Array, { shape, element }: Weight, rows: number): Uint8Array<ArrayBuffer> {
  const [, columns] = shape;
  const quantization = quantizationOf(element)!;
  const dtype = DTYPES[quantization.scales];
  const stored = (numbers: Float32Array) => roundToBytes(Float64Array.from(numbers), dtype);
  const round = (value: number) => roundTo(value, dtype);
  const out = new Uint8Array(rows * storedRowBytes(element, columns));
  const stride = 4 * storedRow(element, columns).columns;
  for (let row = 0; row < rows; row++) {
    const coded = quantizeRow(values.subarray(row * columns, (row + 1) * columns), quantization, round);
    const bytes = interleave(
      new Uint8Array(coded.words.buffer),
      stored(coded.scales),
      stored(coded.biases),
      1,
      quantization.scales,
    );
    out.set(bytes, row * stride);
  }
  return out;
}
