/** A choice of model and the bits that its weights are coded to while it loads. */
import type { Affine } from "../../core/affine.ts";
import type { CodedBits, ModelChoice } from "../protocol.ts";

/** Groups of 64, as mlx-lm makes them unless told otherwise. */
export const affineOf = ({ quantize }: ModelChoice): Affine | null => (quantize ? { bits: quantize, group: 64 } : null);

/** The same model, coded so. */
export function withBits({ quantize: _, ...place }: ModelChoice, bits: CodedBits | undefined): ModelChoice {
  return bits === undefined ? (place as ModelChoice) : ({ ...place, quantize: bits } as ModelChoice);
}
