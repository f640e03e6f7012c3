/**
 * MLX's affine quantisation: groups of consecutive values along a row share a scale and a bias, w = scale·q + bias with q
 * of `bits` bits. Codes lie in one little-endian stream of bits, the first in the lowest bits, read as 32-bit words.
 * Only decoding is fixed by the format; encoding follows MLX's CPU code (mlx/backend/cpu/quantized.cpp).
 */

export const BITS = [2, 3, 4, 5, 6, 8] as const;
export const GROUPS = [32, 64, 128] as const;
export type Bits = (typeof BITS)[number];
export type Group = (typeof GROUPS)[number];

export interface Affine {
  readonly bits: Bits;
  readonly group: Group;
}

/** A row's codes and, for each group, its scale and bias. */
export interface AffineRow {
  /** columns · bits / 32 words */
  readonly words: Uint32Array;
  readonly scales: Float32Array;
  readonly biases: Float32Array;
}

/** Scales and biases of a row's groups. */
export type AffineGrid = Pick<AffineRow, "scales" | "biases">;

/**
 * @param row its length a multiple of the group; several rows behind one another are as good as one
 * @param round what scales and biases are stored as; codes are chosen for the stored ones
 * @param kept a grid that each group stays on where it errs no more there than on the one that fits it
 */
export function quantizeRow(
  row: Float32Array,
  { bits, group }: Affine,
  round = Math.fround,
  kept?: AffineGrid,
): AffineRow {
  const levels = 2 ** bits - 1;
  const groups = row.length / group;
  const [scales, biases] = [new Float32Array(groups), new Float32Array(groups)];
  const codes = new Uint8Array(row.length);
  const other = new Uint8Array(group);
  for (let g = 0; g < groups; g++) {
    const values = row.subarray(g * group, (g + 1) * group);
    const own = codes.subarray(g * group, (g + 1) * group);
    const fitted = fitGroup(values, levels);
    [scales[g], biases[g]] = [round(fitted.scale), round(fitted.bias)];
    const error = encode(values, scales[g]!, biases[g]!, levels, own);
    if (!kept || !(encode(values, kept.scales[g]!, kept.biases[g]!, levels, other) <= error)) continue;
    [scales[g], biases[g]] = [kept.scales[g]!, kept.biases[g]!];
    own.set(other);
  }
  return { words: packCodes(codes, bits), scales, biases };
}

/** The nearest codes of a group, into `codes`; returns the sum of the squares of what they miss. */
function encode(values: Float32Array, scale: number, bias: number, levels: number, codes: Uint8Array): number {
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const nearest = roundHalfEven(Math.fround(Math.fround(value - bias) / scale));
    const code = Math.min(levels, Math.max(0, nearest));
    codes[i] = code;
    error += (Math.fround(Math.fround(scale * code) + bias) - value) ** 2;
  }
  return error;
}

/** The scale that reaches from the value farthest from zero to the other end, so that zero is hit exactly or nearly. */
function fitGroup(values: Float32Array, levels: number): { scale: number; bias: number } {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const width = Math.max(Math.fround(Math.fround(high - low) / levels), SMALLEST);
  const lowFarther = Math.abs(low) > Math.abs(high);
  const edge = lowFarther ? low : high;
  const scale = lowFarther ? width : -width;
  const steps = roundHalfEven(Math.fround(edge / scale));
  return steps === 0 ? { scale, bias: 0 } : { scale: Math.fround(edge / steps), bias: edge };
}

const SMALLEST = Math.fround(1e-7);

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest > 0.5 ? floor + 1 : floor;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Codes below 2^bits as one stream of bits; their number is a multiple of 32. */
export function packCodes(codes: Uint8Array, bits: Bits): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array((codes.length * bits) / 32);
  for (const [i, code] of codes.entries()) {
    const [word, shift] = [(i * bits) >>> 5, (i * bits) & 31];
    words[word] = words[word]! | (code << shift);
    if (shift + bits > 32) words[word + 1] = words[word + 1]! | (code >>> (32 - shift));
  }
  return words;
}

/** The code of element `i`. */
export function codeAt(words: Uint32Array, i: number, bits: Bits): number {
  const [word, shift] = [(i * bits) >>> 5, (i * bits) & 31];
  const low = words[word]! >>> shift;
  const code = shift + bits > 32 ? low | (words[word + 1]! << (32 - shift)) : low;
  return code & (2 ** bits - 1);
}

/** scale·q + bias of a whole row (or of several behind one another), in f32. */
export function dequantizeRow({ words, scales, biases }: AffineRow, { bits, group }: Affine): Float32Array {
  const values = new Float32Array((words.length * 32) / bits);
  for (let g = 0; g < scales.length; g++) {
    const [scale, bias] = [scales[g]!, biases[g]!];
    for (let i = g * group; i < (g + 1) * group; i++) values[i] = Math.fround(scale * codeAt(words, i, bits)) + bias;
  }
  return values;
}
