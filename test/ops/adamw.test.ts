import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { Program } from "../../src/gpu/program.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { ADAMW_STATE, type AdamwSettings, type AdamwTensors, recordAdamw } from "../../src/ops/adamw.ts";
import { type AdamwState, adamwStep } from "../reference/adamw.ts";
import { difference, expectClose } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fill, toF32 } from "../support/values.ts";

let device: WebGpuDevice;
beforeAll(async () => {
  device = await testDevice();
});

const SETTINGS: AdamwSettings = {
  learningRate: 1e-2,
  weightDecay: 0,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  maxGradNorm: 0,
};

/** Parameters with their state on the GPU, and a twin in float64. */
function start(P: number, seed: number) {
  const allocate = (label: string) => device.allocate([P], label);
  const tensors: AdamwTensors = {
    parameters: allocate("parameters"),
    gradients: allocate("gradients"),
    m: allocate("m"),
    v: allocate("v"),
    state: device.allocate([ADAMW_STATE], "state"),
  };
  const parameters = fill(new Random(seed), P);
  device.upload(tensors.parameters, new Uint8Array(toF32(parameters).buffer));
  const twin: AdamwState = { parameters, m: new Float64Array(P), v: new Float64Array(P), t: 0, skipped: 0 };
  return { tensors, twin };
}

interface Snapshot {
  readonly parameters: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly state: Float32Array;
}

async function step(
  tensors: AdamwTensors,
  gradients: Float64Array,
  settings: AdamwSettings,
  losses: ArrayLike<number> | null = null,
): Promise<Snapshot> {
  device.upload(tensors.gradients, new Uint8Array(toF32(gradients).buffer));
  const program = new Program();
  const written = losses && program.constant(Float32Array.from(losses), [losses.length], "losses");
  recordAdamw(program, { ...tensors, losses: written }, settings);
  const reading = [tensors.parameters, tensors.m, tensors.v, tensors.state].map((tensor) => program.readFloats(tensor));
  await device.run(program);
  const [parameters, m, v, state] = await Promise.all(reading);
  await device.idle();
  return { parameters: parameters!, m: m!, v: v!, state: state! };
}

function free(tensors: AdamwTensors): void {
  for (const tensor of Object.values(tensors)) device.free(tensor);
}

/** Ten steps keep every value within a few roundings per step. */
const TOLERANCE = { relative: 2e-6 };
/** Each step rounds a parameter once or twice to 2⁻²⁴ of itself, which after ten steps is some 2e-7. */
const PARAMETERS = { relative: 3e-7 };

describe("adamw against float64, ten steps", () => {
  it.each<Partial<AdamwSettings> & { P: number; gain?: number }>([
    { P: 4 },
    { P: 508, weightDecay: 0.1 },
    { P: 516, maxGradNorm: 1 },
    { P: 20, maxGradNorm: 1e6 },
    { P: 20, eps: 1e-2, beta1: 0.8, beta2: 0.95 },
    { P: 20, gain: 1e-6 },
    { P: 20, beta1: 0, beta2: 0 },
    // Two rounds of the norm's first pass: more than 256 workgroups of 128 vec4s.
    { P: 4 * (256 * 128 + 1), maxGradNorm: 1, weightDecay: 0.01 },
  ])("%j", async ({ P, gain = 1, ...changes }) => {
    const settings = { ...SETTINGS, ...changes };
    const before = device.memory.live;
    const { tensors, twin } = start(P, P);
    const random = new Random(P + 1);
    for (let i = 1; i <= 10; i++) {
      const gradients = fill(random, P).map((g) => Math.fround(gain * g));
      // The rate changes from step to step, as under a schedule.
      const now = { ...settings, learningRate: settings.learningRate / i };
      const got = await step(tensors, gradients, now);
      const norm = adamwStep(twin, gradients, now);
      const where = `step ${i}`;
      expectClose(got.m, twin.m, TOLERANCE, `${where}, m`);
      expectClose(got.v, twin.v, TOLERANCE, `${where}, v`);
      expectClose(got.parameters, twin.parameters, PARAMETERS, `${where}, parameters`);
      expectClose([got.state[0]!], [norm], TOLERANCE, `${where}, norm`);
      expect([...got.state.slice(2, 5)]).toEqual([1, i, 0]);
    }
    free(tensors);
    expect(device.memory.live).toBe(before);
  });

  it("notices a beta that is wrong in its fifth digit", async () => {
    const { tensors, twin } = start(20, 1);
    const gradients = fill(new Random(2), 20);
    const got = await step(tensors, gradients, SETTINGS);
    adamwStep(twin, gradients, { ...SETTINGS, beta2: 0.99901 });
    expect(difference(got.v, twin.v, TOLERANCE)).toContain("relative L2");
    free(tensors);
  });
});

describe("adamw: a gradient that is not finite", () => {
  it.each([
    ["infinity", Number.POSITIVE_INFINITY],
    ["minus infinity", Number.NEGATIVE_INFINITY],
    ["NaN", Number.NaN],
  ])("%s: changes nothing, is counted, and does not advance t", async (_name, broken) => {
    const P = 516;
    const { tensors, twin } = start(P, 7);
    const random = new Random(8);
    const first = await step(tensors, fill(random, P), { ...SETTINGS, maxGradNorm: 1 });
    for (const at of [0, 3, P - 1]) {
      const gradients = fill(random, P);
      gradients[at] = broken;
      const got = await step(tensors, gradients, { ...SETTINGS, maxGradNorm: 1, weightDecay: 0.1 });
      for (const name of ["parameters", "m", "v"] as const) expect(got[name]).toEqual(first[name]);
      expect(got.state[2]).toBe(0);
      expect(got.state[3]).toBe(1);
    }
    // The next good step is the second one.
    const gradients = fill(random, P);
    const got = await step(tensors, gradients, { ...SETTINGS, maxGradNorm: 1 });
    expect([...got.state.slice(2, 5)]).toEqual([1, 2, 3]);
    adamwStep(twin, fill(new Random(8), P), { ...SETTINGS, maxGradNorm: 1 });
    adamwStep(twin, gradients, { ...SETTINGS, maxGradNorm: 1 });
    expectClose(got.parameters, twin.parameters, TOLERANCE, "parameters");
    free(tensors);
  });
});

describe("adamw: a loss that is not finite", () => {
  it.each([1, 5, 300])("among %i losses: changes nothing though the gradient is finite", async (S) => {
    const { tensors } = start(20, S);
    const random = new Random(S);
    const fine = Float64Array.from(fill(random, S), Math.abs);
    const before = await step(tensors, fill(random, 20), SETTINGS, fine);
    expect([...before.state.slice(2, 5)]).toEqual([1, 1, 0]);
    for (const broken of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const at of [0, S - 1]) {
        const got = await step(tensors, fill(random, 20), SETTINGS, fine.with(at, broken));
        for (const name of ["parameters", "m", "v"] as const) expect(got[name]).toEqual(before[name]);
        expect(got.state[2]).toBe(0);
      }
    }
    const after = await step(tensors, fill(random, 20), SETTINGS, fine);
    expect([...after.state.slice(2, 5)]).toEqual([1, 2, 4]);
    free(tensors);
  });
});
