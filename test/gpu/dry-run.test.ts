/** The dry run's account is the real one: the same program gives the same numbers on both devices. */
import { describe, expect, it } from "vitest";
import type { LorikeetError } from "../../src/core/errors.ts";
import { Random } from "../../src/core/random.ts";
import { type Device, fetchFloats } from "../../src/gpu/device.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { openDevice } from "../../src/gpu/open.ts";
import { Program } from "../../src/gpu/program.ts";
import { sliceRows } from "../../src/gpu/tensor.ts";
import { freeWeight } from "../../src/gpu/weight.ts";
import { recordAdd } from "../../src/ops/add.ts";
import { attention } from "../../src/ops/attention.ts";
import { crossEntropy } from "../../src/ops/cross-entropy.ts";
import { glu } from "../../src/ops/glu.ts";
import { testGpu } from "../support/gpu.ts";
import { indexTensor, runOp } from "../support/run-op.ts";
import { hostTensor } from "../support/values.ts";
import { placeWeight } from "../support/weights.ts";
import { altered, openAltered } from "./altered-gpu.ts";

const random = new Random(1);

const RUNS: Record<string, (device: Device) => Promise<unknown>> = {
  glu: (device) =>
    runOp(device, {
      op: glu,
      inputs: [hostTensor(random, [300, 64]), hostTensor(random, [300, 64])],
      place: () => ({ attrs: { activation: "silu" } }),
      dys: [hostTensor(random, [300, 64])],
      needs: [true, true],
    }),
  attention: (device) =>
    runOp(device, {
      op: attention,
      inputs: [hostTensor(random, [33, 16]), hostTensor(random, [33, 8]), hostTensor(random, [33, 8])],
      place: (program) => {
        const ranges = Array.from({ length: 33 }, () => [0, 33]).flat();
        const tensors = {
          queryRanges: indexTensor(program, ranges, [33, 2]),
          keyRanges: indexTensor(program, ranges, [33, 2]),
        };
        return { attrs: { ...tensors, heads: 2, kvHeads: 1, headDim: 8, scale: 0.5, softcap: 0 } };
      },
      dys: [hostTensor(random, [33, 16])],
      needs: [true, true, false],
    }),
  "cross-entropy": (device) =>
    runOp(device, {
      op: crossEntropy,
      inputs: [hostTensor(random, [130, 8])],
      place: (program, on) => {
        const weight = placeWeight(on, hostTensor(random, [30, 8]), "f32");
        const targets = indexTensor(program, new Array(130).fill(3));
        const attrs = { weight, targets, scale: 1, softcap: 0, logitsBytes: 64 * 32 * 4 };
        return { attrs, free: () => freeWeight(on, weight) };
      },
      dys: null,
      needs: [true],
    }),
};

it.each(Object.keys(RUNS))("%s: dispatches, FLOPs, bytes and peak memory", async (name) => {
  const [dry, real] = [new DryDevice(), await openDevice(testGpu())];
  await RUNS[name]!(dry);
  await RUNS[name]!(real);
  const { dispatches, flops, bytes } = dry.counters;
  expect(real.counters).toMatchObject({ dispatches, flops, bytes });
  expect(real.memory).toEqual(dry.memory);
  expect(dispatches).toBeGreaterThan(1);
  expect(flops).toBeGreaterThan(0);
  expect([...dry.byKernel.values()].reduce((sum, count) => sum + count, 0)).toBe(dispatches);
  real.destroy();
});

it("dry runs deliver zeros of the right size", async () => {
  const result = (await RUNS.glu!(new DryDevice())) as Awaited<ReturnType<typeof runOp>>;
  expect(result.outputs.map((values) => values.length)).toEqual([300 * 64]);
  expect(result.outputs[0]!.every((value) => value === 0)).toBe(true);
});

it("dry runs refuse what no device of these limits could hold", () => {
  const device = new DryDevice({ maxBinding: 1024, maxBuffer: 1024 });
  expect(device.allocate([256], "fits").shape).toEqual([256]);
  expect(() => device.allocate([257], "large")).toThrow(
    '"large" needs 1028 bytes in one binding, this device allows 1024',
  );
});

describe("an activation larger than a buffer of the device", () => {
  const limits = { maxBinding: 4096, maxBuffer: 4096 };
  const devices: Record<string, () => Promise<Device>> = {
    dry: async () => new DryDevice(limits),
    real: () =>
      openAltered(({ limits: own }) => ({
        limits: altered(own, { maxStorageBufferBindingSize: limits.maxBinding, maxBufferSize: limits.maxBuffer }),
      })),
  };
  const sum = (device: Device, rows: number) => {
    const program = new Program();
    const x = program.constant(new Float32Array(4).fill(1), [1, 4], "x");
    const small = recordAdd(program, x, x);
    const wide = program.tensor([rows, 4], "wide");
    program.clear(wide);
    return fetchFloats(device, program, recordAdd(program, small, sliceRows(wide, 0, 1)));
  };

  it.each(Object.keys(devices))("is told as an update too large, and the device goes on: %s", async (name) => {
    const device = await devices[name]!();
    const error = await sum(device, 257).catch((cause: LorikeetError) => cause);
    expect(error).toMatchObject({
      ...{ kind: "device", code: "update-too-large" },
      message: '"wide" needs 4.1 kB in one buffer, this device allows 4.1 kB',
      hint: expect.stringMatching(/batch-size.*max-seq-length/),
    });
    expect(device.memory.live).toBe(0);
    // As large as a buffer may be; rounding up for reuse asks for no more.
    expect([...(await sum(device, 256))]).toEqual(name === "dry" ? [0, 0, 0, 0] : [2, 2, 2, 2]);
    expect(device.memory.peak).toBeLessThanOrEqual(4096 + 4 * 256);
    await device.idle();
  });
});
