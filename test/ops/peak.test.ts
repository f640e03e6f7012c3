import { describe, expect, it } from "vitest";
import { fetchFloats } from "../../src/gpu/device.ts";
import { Program } from "../../src/gpu/program.ts";
import { recordPeak } from "../../src/ops/peak.ts";
import { peak } from "../reference/peak.ts";
import { testDevice } from "../support/device.ts";

describe("the kernel that measures peak speed", () => {
  it.each([0, 1, 7])("really does %i steps", async (steps) => {
    const device = await testDevice();
    const program = new Program();
    const values = await fetchFloats(device, program, recordPeak(program, 2, steps));
    // Small powers of two all the way: exact in f32.
    expect([...values]).toEqual(peak(128, steps, 0.5, 0.25));
  });

  it("counts the FLOPs it does", async () => {
    const device = await testDevice();
    const before = device.counters.flops;
    const program = new Program();
    await fetchFloats(device, program, recordPeak(program, 3, 10));
    expect(device.counters.flops - before).toBe(3 * 64 * 10 * 64);
  });
});
