/** Timing by wall clock around submit and idle, after a warm-up that compiles the pipelines. */
import type { Device } from "../../gpu/device.ts";
import { Program } from "../../gpu/program.ts";
import { FLOPS_PER_STEP, recordPeak } from "../../ops/peak.ts";

/** Seconds that one program takes. `record` must write to resident tensors or read, or it is dropped. */
export async function timeProgram(device: Device, record: (program: Program) => void): Promise<number> {
  const program = new Program();
  record(program);
  await device.idle();
  const start = performance.now();
  await device.run(program);
  await device.idle();
  return (performance.now() - start) / 1000;
}

/** FLOP/s of fused multiply-adds in registers: this adapter's own peak. */
export async function measurePeak(device: Device): Promise<number> {
  const groups = 1024;
  const run = (steps: number) =>
    timeProgram(device, (program) => void program.read(recordPeak(program, groups, steps)));
  let steps = 64;
  await run(steps); // compiles
  for (;;) {
    const seconds = Math.min(await run(steps), await run(steps), await run(steps));
    // Long enough that the cost of a submit does not count.
    if (seconds > 0.25 || steps >= 2 ** 22) return (groups * 64 * steps * FLOPS_PER_STEP) / seconds;
    steps *= Math.min(64, Math.max(2, Math.ceil(0.5 / seconds)));
  }
}
