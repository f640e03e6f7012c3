/** Inverse frequencies of the rotary embedding in each scaling, as transformers' modeling_rope_utils.py computes them. */
import type { RopeConfig } from "../formats/model-config.ts";

/** Elements of a head of `headDim` that turn, an even number. */
export const rotatedElements = ({ partial_rotary_factor = 1 }: RopeConfig, headDim: number): number =>
  Math.floor(headDim * partial_rotary_factor);

/** What cosines and sines are multiplied with. */
export const ropeScale = ({ attention_factor = 1 }: RopeConfig): number => attention_factor;

/**
 * [rotated/2]: theta^(−2i/rotated), stretched by the scaling in use.
 * @param long longrope: the sequence goes beyond the original context
 */
export function ropeFrequencies(rope: RopeConfig, headDim: number, long = false): Float32Array {
  const rotated = rotatedElements(rope, headDim);
  const plain = Float32Array.from({ length: rotated / 2 }, (_, i) => 1 / rope.rope_theta ** ((2 * i) / rotated));
  switch (rope.rope_type) {
    case "default":
      return plain;
    case "linear":
      return plain.map((frequency) => frequency / rope.factor!);
    case "llama3":
      return llama3(plain, rope);
    case "yarn":
      return yarn(plain, rope, rotated);
    case "longrope": {
      const stretch = long ? rope.long_factor! : rope.short_factor!;
      return Float32Array.from(stretch, (factor, i) => 1 / (factor * rope.rope_theta ** ((2 * i) / rotated)));
    }
  }
}

/** Long wavelengths are slowed by `factor`, short ones kept, those between interpolated (Llama 3.1). */
function llama3(plain: Float32Array, rope: RopeConfig): Float32Array {
  const { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings: original } = rope;
  const [low, high] = [low_freq_factor!, high_freq_factor!];
  return plain.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < original! / high) return frequency;
    if (wavelength > original! / low) return frequency / factor!;
    const smooth = (original! / wavelength - low) / (high - low);
    return ((1 - smooth) * frequency) / factor! + smooth * frequency;
  });
}

/**
 * Peng et al. 2023 (https://arxiv.org/abs/2309.00071): pairs that turn more than `beta_fast` times within the original
 * context are kept, those that turn less than `beta_slow` times are slowed by `factor`, a ramp over the pairs between.
 */
function yarn(plain: Float32Array, rope: RopeConfig, rotated: number): Float32Array {
  const { factor, beta_fast, beta_slow, truncate, original_max_position_embeddings: original } = rope;
  const pairOf = (turns: number) =>
    (rotated * Math.log(original! / (turns * 2 * Math.PI))) / (2 * Math.log(rope.rope_theta));
  const [first, last] = [pairOf(beta_fast!), pairOf(beta_slow!)];
  const low = Math.max(truncate ? Math.floor(first) : first, 0);
  const high = Math.min(truncate ? Math.ceil(last) : last, rotated - 1);
  const width = high === low ? 0.001 : high - low;
  return plain.map((frequency, pair) => {
    const slowed = Math.min(1, Math.max(0, (pair - low) / width));
    return (frequency / factor!) * slowed + frequency * (1 - slowed);
  });
}
