/** A thousand updates of the true trainer leave nothing behind: neither on the GPU nor in the JavaScript heap. */
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, it } from "vitest";
import { median } from "../../src/core/robust.ts";
import type { MemoryLedger } from "../../src/gpu/pool.ts";
import { TrainingSession } from "../../src/train/session.ts";
import { openAltered } from "../gpu/altered-gpu.ts";
import { fixtureFolder } from "../support/golden.ts";
import { configOf, goldenExamples, mainExamples } from "./support.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const SETTLED = 200;
const END = 1000;
/** Updates after those, with leaks planted by the listener. */
const LEAKING = 200;
const LEAK_BYTES = 4096;
/** Updates between two looks. */
const EVERY = 25;
/**
 * Bytes of heap an update may add. By design the trainer keeps three numbers of each; the rest is the heap's own noise, a
 * few hundred kilobytes whenever it is measured.
 */
const MOST_BYTES = 1024;

/** What a GPUDevice makes that lives until it is dropped. */
const MADE = ["createBuffer", "createBindGroup", "createComputePipelineAsync", "createShaderModule"] as const;
type Made = Record<(typeof MADE)[number], number>;

interface Moment {
  readonly memory: MemoryLedger;
  readonly made: Made;
  /** Of JavaScript objects and what they hold outside the heap, after garbage collection. */
  readonly heapBytes: number;
}

async function heapBytes(): Promise<number> {
  // Finalizers of GPU objects run between tasks, and let go of others.
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await sleep(10);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe(`${END} updates of the trainer, with validations and checkpoints`, () => {
  const moments = new Map<number, Moment>();
  const losses: number[] = [];
  /** Bytes that an update adds to the heap: the median over all pairs of looks, since each look has its own noise. */
  const growth = (from: number, to: number): number => {
    const looks = [...moments].filter(([step]) => step >= from && step <= to);
    const pairs = looks.flatMap(([step, { heapBytes: bytes }], i) =>
      looks.slice(i + 1).map(([later, { heapBytes }]) => (heapBytes - bytes) / (later - step)),
    );
    return median(pairs);
  };

  beforeAll(async () => {
    const made: Made = { createBuffer: 0, createBindGroup: 0, createComputePipelineAsync: 0, createShaderModule: 0 };
    const device = await openAltered((real) => {
      const counted = MADE.map((name) => {
        const own = real[name].bind(real) as (descriptor: unknown) => unknown;
        const make = (descriptor: unknown) => {
          made[name] += 1;
          return own(descriptor);
        };
        return [name, make] as const;
      });
      return Object.fromEntries(counted);
    });
    const session = new TrainingSession(device);
    await session.load(fixtureFolder("llama"));
    const config = configOf({ steps: END + LEAKING, stepsPerEval: 100, saveEvery: 100 });
    const leaked: unknown[] = [];
    for await (const event of session.train({ config, train: await goldenExamples(), valid: await mainExamples() })) {
      if (event.type !== "step") continue;
      losses.push(event.loss);
      if (event.step > END) leaked.push(new Float64Array(LEAK_BYTES / 8), device.allocate([64], "leaked"));
      if (event.step % EVERY !== 0) continue;
      moments.set(event.step, { memory: { ...device.memory }, made: { ...made }, heapBytes: await heapBytes() });
    }
    expect(leaked).toHaveLength(2 * LEAKING);
    device.destroy();
  });

  it("train", () => {
    expect(losses).toHaveLength(END + LEAKING);
    expect(losses[END]).toBeLessThan(0.1 * losses[0]!);
  });

  it("hold the same bytes on the GPU after the last as after the first ones", () => {
    expect(moments.get(SETTLED)!.memory.live).toBeGreaterThan(0);
    expect(moments.get(END)!.memory).toEqual(moments.get(SETTLED)!.memory);
    // The control: 256 bytes an update.
    expect(moments.get(END + LEAKING)!.memory.live).toBe(moments.get(END)!.memory.live + 256 * LEAKING);
  });

  it("make no buffers, pipelines and shaders any more, and hardly a bind group", () => {
    const [before, after] = [moments.get(SETTLED)!.made, moments.get(END)!.made];
    const { createBindGroup: groups, ...rest } = after;
    expect({ ...before, ...rest }).toEqual({ ...rest, createBindGroup: before.createBindGroup });
    console.log(`made until update ${SETTLED}: ${JSON.stringify(before)}, until ${END}: ${JSON.stringify(after)}`);
    // The first ones have them made: it is counted.
    for (const name of MADE) expect(before[name], name).toBeGreaterThan(10);
    // An update binds some ninety; those that batches of other lengths need are kept up to a number.
    expect(groups - before.createBindGroup).toBeLessThan((END - SETTLED) / 10);
    // The control: a buffer an update.
    expect(moments.get(END + LEAKING)!.made.createBuffer).toBe(after.createBuffer + LEAKING);
  });

  it("leave nothing in the heap but the losses", () => {
    console.log(`bytes an update adds to the heap: ${growth(SETTLED, END).toFixed(0)}`);
    expect(growth(SETTLED, END)).toBeLessThan(MOST_BYTES);
    // From end to end, with the noise of two looks.
    const whole = moments.get(END)!.heapBytes - moments.get(SETTLED)!.heapBytes;
    expect(whole).toBeLessThan(0.75 * LEAK_BYTES * (END - SETTLED));
  });

  it("would show a leak of 4 KB an update", () => {
    console.log(`bytes an update adds to the heap, leaking: ${growth(END, END + LEAKING).toFixed(0)}`);
    expect(growth(END, END + LEAKING)).toBeGreaterThan(2 * MOST_BYTES);
  });
});
