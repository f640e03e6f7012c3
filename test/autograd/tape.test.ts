/** The tape composes ops rightly: proved on two small residual layers against float64, and in what it leaves out. */
import { beforeAll, describe, expect, it } from "vitest";
import { Tape, type TapeMode } from "../../src/autograd/tape.ts";
import { Random } from "../../src/core/random.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { add, recordAdd } from "../../src/ops/add.ts";
import { glu } from "../../src/ops/glu.ts";
import { gatherRows } from "../../src/ops/rows.ts";
import { expectClose, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { gradientError } from "../support/gradcheck.ts";
import { indexTensor, upload } from "../support/run-op.ts";
import { fill, toF32 } from "../support/values.ts";
import { backward, forward, type Model, makeModel, recordModel, SIZES } from "./model.ts";

const { N, C, LAYERS } = SIZES;

let device: WebGpuDevice;
beforeAll(async () => {
  device = await testDevice();
});

interface Outcome {
  readonly y: Float32Array;
  readonly dx: Float32Array | null;
  /** dA, dB of each layer. */
  readonly factors: readonly Float32Array[];
}

interface Options {
  readonly checkpoint?: boolean;
  readonly watch?: boolean;
  readonly mode?: TapeMode;
  /** Layers with an adapter; all by default. */
  readonly adapted?: readonly number[];
}

async function run(on: WebGpuDevice | DryDevice, model: Model, options: Options = {}): Promise<Outcome> {
  const { mode = "record", watch = true } = options;
  const program = new Program();
  const tape = new Tape(program, recordAdd, mode);
  const x = upload(program, { shape: [N, C], values: model.x }, "x");
  if (watch) tape.watch(x);
  const { y, factors, free } = recordModel(tape, on, model, x, options);
  const leaves = tape.backward(y, upload(program, { shape: [N, C], values: model.dy }, "dy"));
  const dx = leaves.get(x);
  const reading = [y, ...factors.map(({ grad }) => grad!)].map((tensor) => program.readFloats(tensor));
  const readingDx = dx ? program.readFloats(dx) : null;
  await on.run(program);
  const [values, ...gradients] = await Promise.all(reading);
  await on.idle();
  free();
  return { y: values!, dx: await readingDx, factors: gradients };
}

describe("a stack of two layers", () => {
  it("has a float64 twin whose backward is its derivative", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const model = makeModel(seed);
      const at = (inputs: readonly Float64Array[]): Model => ({ ...model, x: inputs[0]!, factors: inputs.slice(1) });
      const error = gradientError(
        [model.x, ...model.factors],
        (inputs) => [forward(at(inputs))],
        (inputs, [dy]) => backward({ ...at(inputs), dy: dy! }),
        new Random(seed),
      );
      expect(error).toBeLessThan(1e-7);
    }
  });

  it.each([1, 2, 3])("gives the twin's result and every gradient, seed %i", async (seed) => {
    const model = makeModel(seed);
    const before = device.memory.live;
    const { y, dx, factors } = await run(device, model);
    expect(device.memory.live).toBe(before);
    // Some ten ops one after the other, each with sums over 16 to 32.
    const tolerance = TOLERANCE.reduction(300);
    expectClose(y, forward(model), tolerance, "y");
    const [expectedDx, ...expectedFactors] = backward(model);
    expectClose(dx!, expectedDx!, tolerance, "dx");
    for (const [i, values] of factors.entries()) expectClose(values, expectedFactors[i]!, tolerance, `factor ${i}`);
  });

  it("gives the same bits when its layers are computed again in backward, from less memory", async () => {
    const model = makeModel(4);
    const plain = await run(device, model);
    const again = await run(device, model, { checkpoint: true });
    expect(again).toEqual(plain);

    const peak = async (checkpoint: boolean) => {
      const dry = new DryDevice();
      await run(dry, makeModel(4), { checkpoint });
      return { peak: dry.memory.peak, dispatches: dry.counters.dispatches };
    };
    const [kept, recomputed] = [await peak(false), await peak(true)];
    expect(recomputed.peak).toBeLessThan(kept.peak);
    expect(recomputed.dispatches).toBeGreaterThan(kept.dispatches);
  });
});

describe("what is not asked for", () => {
  const dispatches = async (options: Options): Promise<number> => {
    const dry = new DryDevice();
    await run(dry, makeModel(1), options);
    return dry.counters.dispatches;
  };

  it("is not dispatched: nothing below the lowest parameter", async () => {
    const forwardOnly = await dispatches({ mode: "off" });
    const all = await dispatches({ watch: true });
    const noInput = await dispatches({ watch: false });
    const upper = await dispatches({ watch: false, adapted: [LAYERS - 1] });
    const none = await dispatches({ watch: false, adapted: [] });
    // Without adapters each layer saves its skinny product; an adapter in the last layer adds h, g, dA and dB alone.
    expect(none).toBe(forwardOnly - LAYERS);
    expect(upper).toBe(none + 4);
    // The lowest layer's input gradient is its linear layer's, and its norm's, to which the norm adds the residual's.
    expect(noInput).toBe(all - 2);
  });

  it("records nothing when off, and only marks results when observing", () => {
    const program = new Program();
    const parameter: Tensor = { ...program.tensor([2, 4], "p"), grad: program.tensor([2, 4], "dp") };
    const plain = program.tensor([2, 4], "x");
    const seed = program.tensor([2, 4], "dy");
    const outcome = (mode: TapeMode) => {
      const tape = new Tape(program, recordAdd, mode);
      const watched = tape.watch(program.tensor([2, 4], "watched"));
      const [y] = tape.apply(add, [plain, watched], null);
      const [z] = tape.apply(add, [plain, plain], null);
      return [tape.needs(parameter), tape.needs(y!), tape.needs(z!), tape.backward(y!, seed).has(watched)];
    };
    expect(outcome("record")).toEqual([true, true, false, true]);
    expect(outcome("observe")).toEqual([true, true, false, false]);
    expect(outcome("off")).toEqual([false, false, false, false]);
  });
});

describe("sums of gradients", () => {
  const values = fill(new Random(1), 8);

  async function gradient(build: (tape: Tape, x: Tensor) => Tensor): Promise<number[]> {
    const program = new Program();
    const tape = new Tape(program, recordAdd, "record");
    const x = tape.watch(program.constant(toF32(values), [2, 4], "x"));
    const y = build(tape, x);
    const dx = tape.backward(y, program.constant(new Float32Array(8).fill(1), [2, 4], "dy")).get(x)!;
    const read = program.readFloats(dx);
    await device.run(program);
    return [...(await read)];
  }
  const plus = (tape: Tape, a: Tensor, b: Tensor): Tensor => tape.apply(add, [a, b], null)[0]!;

  it("counts a tensor as often as it is used", async () => {
    expect(await gradient((tape, x) => plus(tape, x, x))).toEqual(Array(8).fill(2));
    expect(await gradient((tape, x) => plus(tape, plus(tape, x, x), x))).toEqual(Array(8).fill(3));
    const twice = (tape: Tape, x: Tensor) => plus(tape, x, x);
    expect(await gradient((tape, x) => twice(tape, twice(tape, twice(tape, x))))).toEqual(Array(8).fill(8));
  });

  it("does so through checkpoints, nested ones too", async () => {
    const twice = (tape: Tape, x: Tensor) => plus(tape, x, x);
    const nested = (tape: Tape, x: Tensor) =>
      tape.checkpoint((inner, z) => inner.checkpoint(twice, twice(inner, z)), x);
    expect(await gradient((tape, x) => plus(tape, nested(tape, x), x))).toEqual(Array(8).fill(5));
  });

  it("of a product of a tensor with itself is that of its square", async () => {
    // glu's gradients take the places of what it was given, so each factor is a tensor of its own.
    const copy = (tape: Tape, x: Tensor) => plus(tape, x, tape.program.constant(new Float32Array(8), [2, 4], "zero"));
    const dx = await gradient((tape, x) => tape.apply(glu, [copy(tape, x), copy(tape, x)], { activation: "silu" })[0]!);
    const slope = (x: number) => (x * x) / (1 + Math.exp(-x));
    const expected = values.map((x) => (slope(x + 1e-6) - slope(x - 1e-6)) / 2e-6);
    expectClose(dx, expected, { relative: 1e-6 }, "dx");
  });

  it("leaves rows alone that nothing depends on", async () => {
    const program = new Program();
    const tape = new Tape(program, recordAdd, "record");
    const x = tape.watch(program.constant(toF32(values), [2, 4], "x"));
    const [row] = tape.apply(gatherRows, [x], { index: indexTensor(program, [1]) });
    tape.apply(add, [x, x], null);
    const dx = tape.backward(row!, program.constant(new Float32Array(4).fill(1), [1, 4], "dy")).get(x)!;
    const read = program.readFloats(dx);
    await device.run(program);
    expect([...(await read)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  });

  it("refuses an op whose backward has the wrong number of gradients", () => {
    const program = new Program();
    const tape = new Tape(program, recordAdd, "record");
    const x = tape.watch(program.tensor([2, 4], "x"));
    const [y] = tape.apply({ ...add, backward: () => [x] }, [x, x], null);
    expect(() => tape.backward(y!, x)).toThrow("[add] backward gave 1 gradients for 2 inputs");
  });
});
