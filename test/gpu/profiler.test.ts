/** GPU time by kernel: the longer work takes longer, and each name is there with what it took. */
import { expect, it } from "vitest";
import { Profiler } from "../../src/gpu/profiler.ts";
import { Program } from "../../src/gpu/program.ts";
import { recordAdd } from "../../src/ops/add.ts";
import { recordPeak } from "../../src/ops/peak.ts";
import { testDevice } from "../support/device.ts";

it("tells the time of each kernel, once, the longest first", async ({ skip }) => {
  const device = await testDevice();
  const profiler = Profiler.of(device.gpu);
  if (!profiler) return skip("this adapter has no timestamps");
  const run = async (): Promise<void> => {
    const program = new Program();
    const x = program.constant(new Float32Array(8).fill(1), [2, 4], "x");
    void program.read(recordAdd(program, x, x));
    void program.read(recordPeak(program, 64, 4096));
    await device.run(program);
    await device.idle();
  };
  await run();
  device.profiler = profiler;
  await run();
  device.profiler = null;
  const seconds = await profiler.collect();
  expect([...seconds.keys()]).toEqual(["peak.multiply_add", "add.forward"]);
  expect(seconds.get("peak.multiply_add")!).toBeGreaterThan(seconds.get("add.forward")!);
  expect((await profiler.collect()).size).toBe(0);
});
