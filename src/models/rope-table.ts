/**
 * Cosines and sines of the rotary embedding for every position, made on the CPU in f64 from the f32 frequencies that
 * the reference models use. WGSL's own sine is too coarse for positions in the thousands.
 */
import { configError, deviceError } from "../core/errors.ts";
import type { ModelConfig, RopeConfig } from "../formats/model-config.ts";
import type { Device } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ropeFrequencies, ropeScale, rotatedElements } from "./rope-frequencies.ts";

/** The tables of a model: one for its layers, or for gemma3 one for each kind of layer. */
export class RopeTables {
  readonly full: RopeTable;
  readonly sliding: RopeTable;

  constructor(config: ModelConfig) {
    this.full = new RopeTable(config.rope, config);
    this.sliding = config.rope_local ? new RopeTable(config.rope_local, config) : this.full;
  }

  /** For sequences of so many tokens; throws ConfigError beyond the model's max_position_embeddings. */
  ensure(device: Device, positions: number): void {
    this.full.ensure(device, positions);
    this.sliding.ensure(device, positions);
  }
}

export class RopeTable {
  /** Elements of a head that turn. */
  readonly rotated: number;
  private readonly rope: RopeConfig;
  private readonly headDim: number;
  private readonly maxPositions: number;
  private current: { readonly table: Tensor; readonly long: boolean } | null = null;

  constructor(rope: RopeConfig, config: Pick<ModelConfig, "head_dim" | "max_position_embeddings">) {
    this.rope = rope;
    this.headDim = config.head_dim;
    this.maxPositions = config.max_position_embeddings;
    this.rotated = rotatedElements(rope, config.head_dim);
  }

  /** [P, rotated/2, 2] with P at least `positions`; throws ConfigError beyond the model's max_position_embeddings. */
  ensure(device: Device, positions: number): void {
    if (positions > this.maxPositions) {
      throw configError(
        `a sequence of ${positions} tokens is longer than the model's ${this.maxPositions} positions`,
        `Use --max-seq-length ${this.maxPositions} or less.`,
      );
    }
    // longrope has other frequencies for sequences beyond the original context, from their first token on.
    const long = this.rope.rope_type === "longrope" && positions > this.rope.original_max_position_embeddings!;
    if (this.current && this.current.long === long && this.current.table.shape[0]! >= positions) return;
    if (this.current) device.free(this.current.table);
    const frequencies = ropeFrequencies(this.rope, this.headDim, long);
    const rows = Math.min(this.maxPositions, Math.max(256, 2 ** Math.ceil(Math.log2(Math.max(positions, 1)))));
    const table = device.allocate([rows, frequencies.length, 2], "rope.table");
    device.upload(table, new Uint8Array(ropeAngles(frequencies, rows, ropeScale(this.rope)).buffer));
    this.current = { table, long };
  }

  get tensor(): Tensor {
    if (!this.current) throw deviceError("the rope table was not prepared; this is a bug");
    return this.current.table;
  }
}

/** scale·(cos, sin) of position·frequency, [rows, D/2, 2]; the angle is rounded to f32 first, as the reference models do. */
function ropeAngles(frequencies: Float32Array, rows: number, scale: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array(rows * frequencies.length * 2);
  for (let position = 0, at = 0; position < rows; position++) {
    for (const frequency of frequencies) {
      const angle = Math.fround(position * frequency);
      table[at++] = scale * Math.cos(angle);
      table[at++] = scale * Math.sin(angle);
    }
  }
  return table;
}
