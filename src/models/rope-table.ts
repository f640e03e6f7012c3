/**
 * Cosines and sines of the rotary embedding for every position, made on the CPU in f64 from the f32 frequencies that
 * the reference models use. WGSL's own sine is too coarse for positions in the thousands.
 */
import { configError, deviceError } from "../core/errors.ts";
import type { ModelConfig, RopeConfig } from "../formats/model-config.ts";
import type { Device } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";

export class RopeTable {
  private readonly frequencies: Float32Array;
  private readonly maxPositions: number;
  private current: Tensor | null = null;

  constructor(config: ModelConfig) {
    this.frequencies = ropeFrequencies(config.rope, config.head_dim);
    this.maxPositions = config.max_position_embeddings;
  }

  /** [P, D/2, 2] with P at least `positions`; throws ConfigError beyond the model's max_position_embeddings. */
  ensure(device: Device, positions: number): void {
    if (positions > this.maxPositions) {
      throw configError(
        `a sequence of ${positions} tokens is longer than the model's ${this.maxPositions} positions`,
        `Use --max-seq-length ${this.maxPositions} or less.`,
      );
    }
    if (this.current && this.current.shape[0]! >= positions) return;
    if (this.current) device.free(this.current);
    const rows = Math.min(this.maxPositions, Math.max(256, 2 ** Math.ceil(Math.log2(Math.max(positions, 1)))));
    this.current = device.allocate([rows, this.frequencies.length, 2], "rope.table");
    device.upload(this.current, new Uint8Array(ropeAngles(this.frequencies, rows).buffer));
  }

  get tensor(): Tensor {
    if (!this.current) throw deviceError("the rope table was not prepared; this is a bug");
    return this.current;
  }
}

/** (cos, sin) of position·frequency, [rows, D/2, 2]; the angle is rounded to f32 first, as the reference models do. */
function ropeAngles(frequencies: Float32Array, rows: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array(rows * frequencies.length * 2);
  for (let position = 0, at = 0; position < rows; position++) {
    for (const frequency of frequencies) {
      const angle = Math.fround(position * frequency);
      table[at++] = Math.cos(angle);
      table[at++] = Math.sin(angle);
    }
  }
  return table;
}

/**
 * Inverse frequencies [D/2]: theta^(−2i/D), stretched by the scaling in use. `llama3`: long wavelengths are slowed by
 * `factor`, short ones kept, those between interpolated (Llama 3.1; transformers' modeling_rope_utils.py).
 */
export function ropeFrequencies(rope: RopeConfig, headDim: number): Float32Array {
  const plain = Float32Array.from({ length: headDim / 2 }, (_, i) => 1 / rope.rope_theta ** ((2 * i) / headDim));
  if (rope.rope_type === "default") return plain;
  if (rope.rope_type === "linear") return plain.map((frequency) => frequency / rope.factor!);
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
