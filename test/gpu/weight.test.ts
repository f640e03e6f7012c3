/** Weights: split by rows where a binding cannot hold them, sliced across shards, and widened exactly. */
import { describe, expect, it } from "vitest";
import { bf16ToF32, f16ToF32 } from "../../src/core/dtype.ts";
import { fetchFloats } from "../../src/gpu/device.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { Program } from "../../src/gpu/program.ts";
import { allocateWeight, freeWeight, sliceWeight } from "../../src/gpu/weight.ts";
import { recordEmbedding } from "../../src/ops/embedding.ts";
import { testDevice } from "../support/device.ts";

const SMALLEST_NORMAL = 2 ** -126;

// All 65,536 bit patterns of both formats go through the GPU once.
it.each([
  { element: "f16", widen: f16ToF32 },
  { element: "bf16", widen: bf16ToF32 },
] as const)("weight-$element widens every finite pattern exactly", async ({ element, widen }) => {
  const device = await testDevice();
  const patterns = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
  const weight = allocateWeight(device, [256, 256], element, "patterns");
  device.upload(weight.shards[0]!.tensor, new Uint8Array(patterns.buffer));
  const program = new Program();
  const ids = program.constant(
    Uint32Array.from({ length: 256 }, (_, row) => row),
    [256],
    "ids",
  );
  const values = await fetchFloats(device, program, recordEmbedding(program, ids, weight));
  freeWeight(device, weight);

  let checked = 0;
  const wrong: string[] = [];
  for (let bits = 0; bits < 65_536; bits++) {
    const expected = widen(bits);
    if (!Number.isFinite(expected)) continue;
    checked++;
    // WGSL lets a GPU treat f32 subnormals as zero; every half and every normal bfloat16 is a normal f32.
    const flushed = Math.abs(expected) < SMALLEST_NORMAL && values[bits] === 0;
    if (Object.is(values[bits], expected) || flushed) continue;
    wrong.push(`0x${bits.toString(16)}: got ${values[bits]}, expected ${expected}`);
  }
  expect(wrong).toEqual([]);
  expect(checked).toBe(element === "f16" ? 2 * 31 * 1024 : 2 * 255 * 128);
});

describe("shards", () => {
  const device = (maxBinding: number) => new DryDevice({ maxBinding, maxBuffer: maxBinding });
  const rowsOf = (maxBinding: number, rows: number, element: "f32" | "bf16" = "f32") =>
    allocateWeight(device(maxBinding), [rows, 8], element, "w").shards.map((shard) => [shard.begin, shard.rows]);

  it("are as few as fit, of a multiple of 128 rows each", () => {
    expect(rowsOf(300 * 32, 300)).toEqual([[0, 300]]);
    expect(rowsOf(299 * 32, 300)).toEqual([
      [0, 256],
      [256, 44],
    ]);
    expect(rowsOf(299 * 32, 300, "bf16")).toEqual([[0, 300]]);
    expect(rowsOf(128 * 32, 257)).toEqual([
      [0, 128],
      [128, 128],
      [256, 1],
    ]);
  });

  it("give everything back", () => {
    const on = device(128 * 32);
    const weight = allocateWeight(on, [257, 8], "f32", "w");
    expect(on.memory.live).toBe(257 * 32);
    freeWeight(on, weight);
    expect(on.memory.live).toBe(0);
  });

  it("refuse what cannot be split, and columns no kernel can read", () => {
    expect(() => rowsOf(127 * 32, 300)).toThrow(
      '128 rows of "w" do not fit into a binding of this device (4064 bytes)',
    );
    const odd = () => allocateWeight(device(1e6), [4, 6], "f32", "w");
    expect(odd).toThrow('"w" is [4,6]: the kernels need columns in multiples of 4');
  });

  it("are sliced where a slice crosses their borders", () => {
    const weight = allocateWeight(device(256 * 32), [600, 8], "f32", "w");
    const slice = sliceWeight(weight, 128, 300);
    expect(slice.shape).toEqual([300, 8]);
    expect(slice.shards.map(({ begin, rows, tensor }) => [begin, rows, tensor.offset, tensor.shape])).toEqual([
      [0, 128, 128 * 32, [128, 8]],
      [128, 172, 0, [172, 8]],
    ]);
    expect(sliceWeight(weight, 0, 600).shards).toHaveLength(3);
    expect(() => sliceWeight(weight, 4, 8)).toThrow("not 256-byte aligned");
  });
});
