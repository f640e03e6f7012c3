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

/** More than any cache holds. */
const COPY_BYTES = 64 * 2 ** 20;
const COPY_RUNS = 6;

/** Bytes a second that a copy within the device's memory moves, read and written together. */
export async function measureBandwidth(device: Device): Promise<number> {
  const [source, target] = ["from", "to"].map((label) => device.allocate([COPY_BYTES / 4], `bench.copy ${label}`));
  try {
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run <= COPY_RUNS; run++) {
      const seconds = await timeProgram(device, (program) => program.copy(source!, target!));
      if (run > 0) best = Math.min(best, seconds);
    }
    return (2 * COPY_BYTES) / best;
  } finally {
    device.free(source!);
    device.free(target!);
  }
}

/** Runs of the final length; the best counts. */
const PEAK_RUNS = 12;

/** FLOP/s of fused multiply-adds in registers: this adapter's own peak. */
export async function measurePeak(device: Device): Promise<number> {
  const groups = 1024;
  const run = (steps: number) =>
    timeProgram(device, (program) => void program.read(recordPeak(program, groups, steps)));
  let steps = 64;
  await run(steps); // compiles
  // Long enough that the cost of a submit does not count.
  for (let seconds = await run(steps); seconds < 0.1 && steps < 2 ** 22; seconds = await run(steps)) {
    steps *= Math.min(64, Math.max(2, Math.ceil(0.1 / seconds)));
  }
  // Where the device sleeps through the expected time, its estimate needs some runs to come down to this kernel's speed.
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < PEAK_RUNS; i++) best = Math.min(best, await run(steps));
  return (groups * 64 * steps * FLOPS_PER_STEP) / best;
}
