/** The optimizer as an object: its state on the device over several updates, and set back when a run resumes. */
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { Adamw, type UpdateReport } from "../../src/optim/adamw.ts";
import { type AdamwState, adamwStep } from "../reference/adamw.ts";
import { expectClose, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fill, toF32 } from "../support/values.ts";

const SIZE = 1000;
const settings = { weightDecay: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, maxGradNorm: 20 };

describe("the optimizer", () => {
  let device: WebGpuDevice;
  beforeAll(async () => {
    device = await testDevice();
  });

  const upload = (tensor: Tensor, values: ArrayLike<number>) =>
    device.upload(tensor, new Uint8Array(toF32(values).buffer));
  const read = async (tensor: Tensor): Promise<Float32Array> => {
    const program = new Program();
    const values = program.readFloats(tensor);
    await device.run(program);
    return values;
  };
  const make = (start: ArrayLike<number>) => {
    const parameters = device.allocate([SIZE], "parameters");
    const gradients = device.allocate([SIZE], "gradients");
    upload(parameters, start);
    return { parameters, gradients, optimizer: new Adamw(device, parameters, gradients) };
  };
  type Made = ReturnType<typeof make>;
  const update = async ({ gradients, optimizer }: Made, values: ArrayLike<number>, learningRate: number) => {
    upload(gradients, values);
    const program = new Program();
    const report: Promise<UpdateReport> = optimizer.record(program, { ...settings, learningRate });
    await device.run(program);
    return report;
  };
  const free = ({ parameters, gradients, optimizer }: Made) => {
    optimizer.free(device);
    device.free(parameters);
    device.free(gradients);
  };

  it("is the float64 reference over updates with changing rates, clipped and not, and one that is not finite", async () => {
    const random = new Random(9);
    const start = fill(random, SIZE);
    const live = device.memory.live;
    const made = make(start);
    const state: AdamwState = {
      parameters: start.slice(),
      m: new Float64Array(SIZE),
      v: new Float64Array(SIZE),
      t: 0,
      skipped: 0,
    };
    for (const [i, learningRate] of [0, 1e-3, 1e-2, 1e-2, 3e-3, 1e-3].entries()) {
      // Norms of 3, 32, 95, …: below and above the bound of 20.
      const gradients = fill(random, SIZE).map((value) => Math.fround(value * (i % 3 === 0 ? 0.1 : i)));
      if (i === 3) gradients[77] = Number.NaN;
      const norm = adamwStep(state, gradients, { ...settings, learningRate });
      const report = await update(made, gradients, learningRate);
      expect(report).toMatchObject({ finite: i !== 3, applied: state.t, skipped: state.skipped });
      if (i !== 3) expect(Math.abs(report.gradNorm / norm - 1)).toBeLessThan(1e-6);
      expectClose(
        await read(made.parameters),
        state.parameters,
        TOLERANCE.pointwise,
        `parameters after update ${i + 1}`,
      );
    }
    expect([state.t, state.skipped]).toEqual([5, 1]);
    free(made);
    expect(device.memory.live).toBe(live);
  });

  it("goes on bit for bit from its moments and counters", async () => {
    const random = new Random(10);
    const start = fill(random, SIZE);
    const gradients = Array.from({ length: 4 }, () => fill(random, SIZE));
    const whole = make(start);
    for (const values of gradients.slice(0, 2)) await update(whole, values, 1e-2);
    const { optimizer } = whole;
    const rest = make(await read(whole.parameters));
    upload(rest.optimizer.m, await read(optimizer.m));
    upload(rest.optimizer.v, await read(optimizer.v));
    rest.optimizer.setSteps(device, 2, 5);
    // The control: without the counters, bias correction starts anew.
    const forgetful = make(await read(whole.parameters));
    upload(forgetful.optimizer.m, await read(optimizer.m));
    upload(forgetful.optimizer.v, await read(optimizer.v));
    for (const values of gradients.slice(2)) {
      await update(whole, values, 1e-2);
      expect(await update(rest, values, 1e-2)).toMatchObject({ skipped: 5 });
      await update(forgetful, values, 1e-2);
    }
    expect(await read(rest.parameters)).toEqual(await read(whole.parameters));
    expect(await read(forgetful.parameters)).not.toEqual(await read(whole.parameters));
    for (const made of [whole, rest, forgetful]) free(made);
  });
});
