/** Frequencies against the published formulas, and the length that the table has. */
import { describe, expect, it } from "vitest";
import { parseModelConfig, type RopeConfig } from "../../src/formats/model-config.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { ropeFrequencies, ropeScale, rotatedElements } from "../../src/models/rope-frequencies.ts";
import { RopeTable, RopeTables } from "../../src/models/rope-table.ts";
import { fixtureConfig } from "../lora/support.ts";

/** Each value within a rounding to f32. */
function expectNear(actual: Float32Array, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(actual[i]! / value - 1)).toBeLessThan(2 ** -22);
}

const D = 64;
const plain = Array.from({ length: D / 2 }, (_, i) => Math.exp((-2 * i * Math.log(500000)) / D));

describe("rope frequencies", () => {
  it("are theta to the −2i/D", () => {
    expectNear(ropeFrequencies({ rope_type: "default", rope_theta: 500000 }, D), plain);
  });

  it("are divided by the factor under linear scaling", () => {
    const rope: RopeConfig = { rope_type: "linear", rope_theta: 500000, factor: 4 };
    expectNear(
      ropeFrequencies(rope, D),
      plain.map((frequency) => frequency / 4),
    );
  });

  it("follow llama3's three bands", () => {
    const rope: RopeConfig = {
      ...{ rope_type: "llama3", rope_theta: 500000, factor: 32, low_freq_factor: 1, high_freq_factor: 4 },
      original_max_position_embeddings: 8192,
    };
    // By turns within the original context: many are kept, less than one is slowed, those between are mixed by turns.
    const expected = plain.map((frequency) => {
      const turns = (8192 * frequency) / (2 * Math.PI);
      const kept = Math.min(1, Math.max(0, (turns - 1) / (4 - 1)));
      return frequency * (kept + (1 - kept) / 32);
    });
    const frequencies = ropeFrequencies(rope, D);
    expectNear(frequencies, expected);
    const ratios = [...frequencies].map((frequency, i) => frequency / plain[i]!);
    // The control: all three bands occur.
    expect(ratios.some((ratio) => Math.abs(ratio - 1) < 1e-6)).toBe(true);
    expect(ratios.some((ratio) => Math.abs(ratio - 1 / 32) < 1e-6)).toBe(true);
    expect(ratios.some((ratio) => ratio > 0.05 && ratio < 0.95)).toBe(true);
  });
});

/** By transformers 5.18: ROPE_INIT_FUNCTIONS of these configurations. */
describe("as transformers computes them", () => {
  const config = (scaling: object) =>
    parseModelConfig(
      {
        ...{ model_type: "phi3", vocab_size: 8, hidden_size: 128, intermediate_size: 8, num_hidden_layers: 1 },
        ...{ num_attention_heads: 4, rms_norm_eps: 1e-6, max_position_embeddings: 256, rope_scaling: scaling },
      },
      "config.json",
    );

  it("yarn", () => {
    const { rope } = config({ rope_type: "yarn", factor: 4, original_max_position_embeddings: 64 });
    expect(ropeScale(rope)).toBeCloseTo(1.138629436111989, 12);
    expectNear(ropeFrequencies(rope, 32).subarray(0, 7), [
      ...[1, 0.47799012064933777, 0.22135943174362183, 0.09780536592006683, 0.03999999910593033, 0.014058532193303108],
      0.007905694656074047,
    ]);
  });

  it("yarn with bounds of its own, not rounded, and two scales", () => {
    const bounds = { truncate: false, beta_fast: 8, beta_slow: 0.5, mscale: 1, mscale_all_dim: 0.5 };
    const { rope } = config({ rope_type: "yarn", factor: 4, original_max_position_embeddings: 64, ...bounds });
    expect(ropeScale(rope)).toBeCloseTo(1.0648216253695715, 12);
    expectNear(ropeFrequencies(rope, 32).subarray(0, 7), [
      ...[1, 0.5115220546722412, 0.23840846121311188, 0.10637637972831726, 0.0442483015358448, 0.016126127913594246],
      0.007905694656074047,
    ]);
  });

  it("longrope, within the original context and beyond, over three quarters of each head", () => {
    const rope: RopeConfig = {
      ...{ rope_type: "longrope", rope_theta: 10000, partial_rotary_factor: 0.75, attention_factor: 1.18 },
      original_max_position_embeddings: 32,
      short_factor: Array.from({ length: 6 }, (_, i) => 1 + 0.1 * i),
      long_factor: Array.from({ length: 6 }, (_, i) => 2 + 1.5 * i),
    };
    expect(rotatedElements(rope, 16)).toBe(12);
    expectNear(ropeFrequencies(rope, 16), [
      ...[1, 0.1958576887845993, 0.038679901510477066, 0.007692307699471712, 0.001538881566375494],
      0.00030943931778892875,
    ]);
    expectNear(ropeFrequencies(rope, 16, true), [
      ...[0.5, 0.061555273830890656, 0.009283176623284817, 0.0015384615398943424, 0.0002693042915780097],
      4.885883754468523e-5,
    ]);
  });
});

describe("the rope table", () => {
  const config = { ...fixtureConfig("llama/config.json"), max_position_embeddings: 600 };

  it("refuses positions that the model does not have", () => {
    const table = new RopeTable(config.rope, config);
    table.ensure(new DryDevice(), 600);
    expect(() => table.ensure(new DryDevice(), 601)).toThrow(
      "a sequence of 601 tokens is longer than the model's 600 positions",
    );
  });

  it("of longrope changes at the end of the original context, both ways, and scales", () => {
    const device = new DryDevice();
    const uploads: Float32Array[] = [];
    device.upload = (...args: unknown[]) => void uploads.push(new Float32Array((args[1] as Uint8Array).slice().buffer));
    const [short_factor, long_factor] = [Array(8).fill(1), Array(8).fill(2)];
    const scaling = { attention_factor: 1.5, original_max_position_embeddings: 300, short_factor, long_factor };
    const table = new RopeTable({ rope_type: "longrope", rope_theta: 100, ...scaling }, config);
    for (const positions of [10, 300, 301, 20]) table.ensure(device, positions);
    expect(uploads).toHaveLength(4);
    // (cos, sin) of position 1 and the first pair.
    const angles = uploads.map((values) => [values[16]! / 1.5, values[17]! / 1.5]);
    for (const [i, angle] of [1, 1, 0.5, 1].entries()) {
      expect(angles[i]![0]).toBeCloseTo(Math.cos(angle), 6);
      expect(angles[i]![1]).toBeCloseTo(Math.sin(angle), 6);
    }
    expect(device.memory.live).toBe(256 * 16 * 4);
  });

  it("of a model with its own for sliding layers is two", () => {
    const device = new DryDevice();
    const tables = new RopeTables(fixtureConfig("gemma3/config.json"));
    tables.ensure(device, 20);
    expect(tables.sliding).not.toBe(tables.full);
    const plain = new RopeTables(config);
    expect(plain.sliding).toBe(plain.full);
  });

  it("grows when a longer sequence comes and never holds two tables", () => {
    const device = new DryDevice();
    const table = new RopeTable(config.rope, config);
    expect(() => table.tensor).toThrow("not prepared");
    const rowBytes = config.head_dim * 4;
    for (const [positions, rows] of [
      [10, 256],
      [256, 256],
      [257, 512],
      [513, 600],
      [3, 600],
    ] as const) {
      table.ensure(device, positions);
      expect(table.tensor.shape).toEqual([rows, config.head_dim / 2, 2]);
      expect(device.memory.live).toBe(rows * rowBytes);
    }
  });
});
