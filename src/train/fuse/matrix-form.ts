/** How a matrix lies in a file: as plain numbers, or as MLX's affine codes beside scales and biases. */
import type { Affine } from "../../core/affine.ts";
import type { Problems } from "../../core/errors.ts";
import { type FloatDtype, isFloatDtype } from "../../core/float-bytes.ts";
import type { Checkpoint } from "../../formats/checkpoint.ts";
import { type QuantizationConfig, quantizationFor } from "../../formats/quantization.ts";

export interface Codes extends Affine {
  /** Of scales and biases. */
  readonly scales: FloatDtype;
}

export type MatrixForm = FloatDtype | Codes;

export const isCodes = (form: MatrixForm): form is Codes => typeof form === "object";

/** The tensors of a matrix: "path.weight", and of one in codes the other two. */
export const PARTS = ["weight", "scales", "biases"] as const;
export type Part = (typeof PARTS)[number];

/** "model.layers.0.mlp.up_proj.scales" → the path and "scales"; null for what is no part of a matrix. */
export function splitName(name: string): { readonly path: string; readonly part: Part } | null {
  const dot = name.lastIndexOf(".");
  const part = PARTS.find((one) => one === name.slice(dot + 1));
  return part ? { path: name.slice(0, dot), part } : null;
}

export interface StoredMatrix {
  readonly path: string;
  /** [out, in] of the numbers */
  readonly shape: readonly [rows: number, columns: number];
  readonly form: MatrixForm;
}

/** null, with the reason in `problems`, where no numbers can be made out. The path has a weight of two axes. */
export function storedMatrix(
  { tensors }: Checkpoint,
  quantization: QuantizationConfig | null,
  path: string,
  problems: Problems,
): StoredMatrix | null {
  const { dtype, shape } = tensors.get(`${path}.weight`)!;
  const [rows, width] = shape as [number, number];
  const scales = tensors.get(`${path}.scales`);
  if (!scales) {
    if (isFloatDtype(dtype)) return { path, shape: [rows, width], form: dtype };
    problems.add(`${path}.weight: expected F32, F16 or BF16 to merge into, found ${dtype}`);
    return null;
  }
  const affine = quantizationFor(quantization, path);
  const biases = tensors.get(`${path}.biases`);
  const columns = (scales.shape[1] ?? 0) * (affine?.group ?? 0);
  const whole = affine !== null && dtype === "U32" && width * 32 === columns * affine.bits;
  const alike = biases?.dtype === scales.dtype && biases.shape.join() === scales.shape.join();
  if (!whole || !alike || !isFloatDtype(scales.dtype) || scales.shape[0] !== rows) {
    problems.add(`${path}: its weight, scales and biases do not fit each other and config.json's "quantization"`);
    return null;
  }
  const { bits, group } = affine;
  return { path, shape: [rows, columns], form: { bits, group, scales: scales.dtype } };
}
