/**
 * How a frozen matrix is stored: plain elements, or affine codes (core/affine.ts) with the scales and biases of a row behind
 * its codes, so that rows can be sliced whatever the storage:
 *   words [columns · bits / 32], then for each group scale and bias, two halves in one word or two words
 */
import { type Affine, BITS, GROUPS } from "../core/affine.ts";
import { ELEMENT_BYTES, type Element } from "./tensor.ts";

export type PlainElement = Exclude<Element, "u32">;
export interface Quantization extends Affine {
  /** What scales and biases are. */
  readonly scales: PlainElement;
}
export type QuantizedElement = `q${Affine["bits"]}g${Affine["group"]}-${PlainElement}`;
export type WeightElement = PlainElement | QuantizedElement;

export const quantizedElement = ({ bits, group, scales }: Quantization): QuantizedElement =>
  `q${bits}g${group}-${scales}`;

/** null for plain elements. */
export function quantizationOf(element: WeightElement): Quantization | null {
  const [, bits, group, scales] = /^q(\d)g(\d+)-(.+)$/.exec(element) ?? [];
  if (bits === undefined) return null;
  return {
    bits: BITS.find((one) => one === Number(bits))!,
    group: GROUPS.find((one) => one === Number(group))!,
    scales: scales as PlainElement,
  };
}

/** The storage of one row of `columns` weights: so many elements. */
export function storedRow(
  element: WeightElement,
  columns: number,
): { readonly element: Element; readonly columns: number } {
  const quantization = quantizationOf(element);
  if (!quantization) return { element: element as PlainElement, columns };
  const { bits, group, scales } = quantization;
  return { element: "u32", columns: (columns * bits) / 32 + (columns / group) * (scales === "f32" ? 2 : 1) };
}

/** Bytes of one row. */
export function storedRowBytes(element: WeightElement, columns: number): number {
  const row = storedRow(element, columns);
  return row.columns * ELEMENT_BYTES[row.element];
}

/** Pieces of shader that read a weight of this element, and the literals they need. */
export function weightPieces(element: WeightElement): {
  readonly include: readonly string[];
  readonly constants: { readonly BITS: number; readonly GROUP: number };
} {
  const quantization = quantizationOf(element);
  if (!quantization) return { include: [`weight-${element}`], constants: { BITS: 0, GROUP: 0 } };
  const { bits, group, scales } = quantization;
  return { include: [`scales-${scales}`, "weight-affine"], constants: { BITS: bits, GROUP: group } };
}
