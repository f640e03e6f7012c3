/** Frequencies against the published formulas, and the length that the table has. */
import { describe, expect, it } from "vitest";
import type { RopeConfig } from "../../src/formats/model-config.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { RopeTable, ropeFrequencies } from "../../src/models/rope-table.ts";
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

describe("the rope table", () => {
  const config = { ...fixtureConfig("llama/config.json"), max_position_embeddings: 600 };

  it("refuses positions that the model does not have", () => {
    const table = new RopeTable(config);
    table.ensure(new DryDevice(), 600);
    expect(() => table.ensure(new DryDevice(), 601)).toThrow(
      "a sequence of 601 tokens is longer than the model's 600 positions",
    );
  });

  it("grows when a longer sequence comes and never holds two tables", () => {
    const device = new DryDevice();
    const table = new RopeTable(config);
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
