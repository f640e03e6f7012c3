import { describe, expect, it } from "vitest";
import { Tape } from "../../src/autograd/tape.ts";
import { Random } from "../../src/core/random.ts";
import type { Device } from "../../src/gpu/device.ts";
import type { Grid, Sizes } from "../../src/gpu/kernel.ts";
import { Program } from "../../src/gpu/program.ts";
import { recordAdd } from "../../src/ops/add.ts";
import { reshape } from "../../src/ops/reshape.ts";
import { type RmsnormAttrs, rmsnorm } from "../../src/ops/rmsnorm.ts";
import { rmsnormBackward, rmsnormForward } from "../reference/rmsnorm.ts";
import { expectClose, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { opContract } from "../support/op-contract.ts";
import { type Place, runOp, upload } from "../support/run-op.ts";
import { hostTensor, pick, type Style, toF32 } from "../support/values.ts";

interface Shape {
  readonly N: number;
  readonly C: number;
  readonly eps: number;
  readonly style?: Style;
}

const EPS = Math.fround(1e-6);

const edges: readonly Shape[] = [
  { N: 1, C: 4, eps: 1e-6 },
  // 128 invocations in a workgroup, one vec4 each: one short of full, one more.
  { N: 3, C: 508, eps: 1e-6 },
  { N: 3, C: 516, eps: 1e-5 },
  { N: 7, C: 20, eps: 1e-6, style: "large" },
  { N: 7, C: 20, eps: 1e-6, style: "equal" },
  { N: 5, C: 20, eps: 1e-6, style: "zero" },
  // Rows of heads, which share a workgroup: all of its places taken, the last one alone in it, more than 65,535 of them.
  { N: 64, C: 16, eps: 1e-6 },
  { N: 33, C: 20, eps: 1e-6 },
  { N: 17, C: 32, eps: 1e-6 },
  { N: 75, C: 64, eps: 1e-6, style: "large" },
  { N: 5, C: 128, eps: 1e-6 },
  { N: 1027, C: 256, eps: 1e-6 },
  { N: 65_537, C: 4, eps: 1e-6 },
  { N: 65_601, C: 16, eps: 1e-6 },
];

opContract({
  op: rmsnorm,
  edges,
  // Few widths: each is a pipeline of its own, slow to compile on a software adapter.
  random: (random): Shape => ({ N: 1 + random.below(40), C: pick(random, [4, 20, 52]), eps: 1e-6 }),
  problem: ({ N, C, eps, style }: Shape, random) => {
    const x = hostTensor(random, [N, C], style);
    const weight = hostTensor(random, [C]);
    const tolerance = { forward: TOLERANCE.reduction(C), backward: TOLERANCE.reduction(C) };
    return {
      inputs: [x],
      place: (program) => ({ attrs: { weight: upload(program, weight, "weight"), eps } }),
      forward: ([values]) => [rmsnormForward(values!, weight.values, Math.fround(eps))],
      backward: ([values], [dy]) => [rmsnormBackward(values!, weight.values, Math.fround(eps), dy!)],
      tolerance,
    };
  },
  savings: [[0]],
});

describe("rmsnorm: a grid of two dimensions, as past 65,535 workgroups", () => {
  it.each([16, 64, 516])("has every row of %i", async (C) => {
    const device = await testDevice();
    const random = new Random(C);
    const [x, weight, dy] = [hostTensor(random, [131, C]), hostTensor(random, [C]), hostTensor(random, [131, C])];
    const place: Place<RmsnormAttrs> = (program) => ({ attrs: { weight: upload(program, weight, "w"), eps: EPS } });
    let folds = 0;
    const run = (program: Program): Promise<void> => {
      for (const [i, command] of program.commands.entries()) {
        if (command.kind !== "dispatch") continue;
        const grid = (sizes: Sizes): Grid => [Math.ceil(command.kernel.grid(sizes)[0] / 3), 3, 1];
        program.commands[i] = { ...command, kernel: { ...command.kernel, grid } };
        folds += 1;
      }
      return device.run(program);
    };
    const folding: Device = Object.create(device, { run: { value: run } });
    const { outputs, grads } = await runOp(folding, { op: rmsnorm, inputs: [x], place, dys: [dy], needs: [true] });
    expect(folds).toBe(2);
    const tolerance = TOLERANCE.reduction(C);
    expectClose(outputs[0]!, rmsnormForward(x.values, weight.values, EPS), tolerance, "y");
    const dx = rmsnormBackward(x.values, weight.values, EPS, dy.values);
    expectClose(grads[0]!, dx, tolerance, "dx");
    const wrong = dx.map((value, i) => (i < C ? 0 : value));
    expect(() => expectClose(grads[0]!, wrong, tolerance, "dx")).toThrow("relative L2");
  });
});

describe("rmsnorm: of every head", () => {
  const [N, D] = [5, 16];
  const HEADS = [4, 2];

  it("norms results that lie one behind another, and so lie their gradients", async () => {
    const device = await testDevice();
    const random = new Random(3);
    const program = new Program();
    const weight = hostTensor(random, [D]);
    const attrs = { weight: upload(program, weight, "weight"), eps: EPS };
    // q and k, as a joint linear layer gives them.
    const stacked = program.stacked(
      HEADS.map((heads) => [N, heads * D]),
      "qk",
    );
    const tape = new Tape(program, recordAdd, "record");
    const reading = stacked.map((x, i) => {
      const [values, dy] = [hostTensor(random, x.shape), hostTensor(random, x.shape)];
      program.write(x, toF32(values.values));
      const [rows] = tape.apply(reshape, [tape.watch(x)], { shape: [N * HEADS[i]!, D] });
      const [normed] = tape.apply(rmsnorm, [rows!], attrs);
      const [y] = tape.apply(reshape, [normed!], { shape: x.shape });
      expect(y!.shape).toEqual(x.shape);
      const dx = tape.backward(y!, upload(program, dy, "dy")).get(x)!;
      expect(dx.shape).toEqual(x.shape);
      return { x: values.values, dy: dy.values, tensor: dx, dx: program.readFloats(dx), y: program.readFloats(y!) };
    });
    await device.run(program);
    for (const one of reading) {
      const tolerance = TOLERANCE.reduction(D);
      expectClose(await one.y, rmsnormForward(one.x, weight.values, EPS), tolerance, "y");
      expectClose(await one.dx, rmsnormBackward(one.x, weight.values, EPS, one.dy), tolerance, "dx");
    }
    const [first, second] = reading.map(({ tensor }) => tensor);
    expect(second!.storage).toBe(first!.storage);
    expect([first!.offset, second!.offset]).toEqual(stacked.map(({ offset }) => offset));
  });
});

describe("rmsnorm: shapes", () => {
  const forward = (x: number[], weight: number[]) => () => {
    const program = new Program();
    const attrs = { weight: program.tensor(weight, "weight"), eps: 1e-6 };
    rmsnorm.forward(program, [program.tensor(x, "x")], attrs, [false]);
  };

  it("accepts what fits", () => {
    expect(forward([2, 8], [8])).not.toThrow();
  });

  it("refuses what does not, with the shapes", () => {
    expect(forward([2, 8], [12])).toThrow("[rmsnorm] weight is [12], x has 8 in its last axis (x [2,8])");
    expect(forward([2, 8], [8, 1])).toThrow("[rmsnorm] weight is [8,1]");
    expect(forward([2, 7], [7])).toThrow(
      "[rmsnorm] x is [2,7], expected [rows, columns] with columns in multiples of 4",
    );
    expect(forward([8], [8])).toThrow("[rmsnorm] x is [8]");
  });
});
