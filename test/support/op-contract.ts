/**
 * What every op must do, as one suite. An op gives its reference and a way to make problems; it gets:
 *   1. a gradcheck of the float64 reference (central differences), and proof that the check notices a wrong gradient;
 *   2. forward and backward kernels against the reference, on edge shapes and random ones, with the tolerance of its
 *      class, and proof that the comparison notices a wrong reference;
 *   3. `needs`: a gradient that is not asked for is null, changes no other, and costs nothing where it is a kernel;
 *   4. gradients that are there already are added to, where the op says so;
 *   5. no GPU error and no byte left behind, after every run.
 * To add an op: write test/reference/<stem>.ts, then a test file that calls `opContract`.
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { Op } from "../../src/autograd/op.ts";
import { Random } from "../../src/core/random.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { expectClose, type Tolerance } from "./compare.ts";
import { testDevice } from "./device.ts";
import { gradientError } from "./gradcheck.ts";
import { dispatchesOf, type Place, type Run, runOp } from "./run-op.ts";
import { fill, type Host, seedOf } from "./values.ts";

/** One case: inputs, attributes and the reference that goes with them. */
export interface OpProblem<Attrs> {
  readonly inputs: readonly Host[];
  readonly place: Place<Attrs>;
  /** Rows of the outputs where they are not those of the first input. */
  readonly outputRows?: number;
  forward(inputs: readonly Float64Array[]): readonly Float64Array[];
  /** One gradient per input. */
  backward(inputs: readonly Float64Array[], dys: readonly Float64Array[]): readonly Float64Array[];
  readonly tolerance: { readonly forward: Tolerance; readonly backward: Tolerance };
}

export interface OpContract<Shape extends object, Attrs, Saved> {
  readonly op: Op<Attrs, Saved>;
  /** Cases chosen by hand: sizes of one, primes, a workgroup more or less one, extreme values. */
  readonly edges: readonly Shape[];
  /** Small shapes of every kind; also those of the gradcheck, so away from kinks. */
  random(random: Random): Shape;
  problem(shape: Shape, random: Random): OpProblem<Attrs>;
  /** Sets of inputs whose gradients, left out together, must save a dispatch. */
  readonly savings: readonly (readonly number[])[];
  /** For an op that ends the tape: the gradient of the loss with respect to each output value. */
  readonly lossScale?: number;
}

const RANDOM_CASES = 6;
const GRADCHECKS = 50;
const GRADCHECK_LIMIT = 1e-7;

export function opContract<Shape extends object, Attrs, Saved>(contract: OpContract<Shape, Attrs, Saved>): void {
  const { op, edges } = contract;
  const make = (shape: Shape, seed: number) => contract.problem(shape, new Random(seed));
  const randomShapes = Array.from({ length: RANDOM_CASES }, (_, i) =>
    contract.random(new Random(seedOf(`${op.name} ${i}`))),
  );
  const shapes = [...edges, ...randomShapes].map((shape, i) => ({ shape, seed: seedOf(`${op.name} problem ${i}`) }));
  const title = ({ shape, seed }: (typeof shapes)[number]) => `${JSON.stringify(shape)} seed ${seed}`;

  describe(`${op.name}: reference`, () => {
    it("has the derivative of its forward as its backward", () => {
      for (let seed = 1; seed <= GRADCHECKS; seed++) {
        const shape = contract.random(new Random(seed));
        const error = check(make(shape, seed), seed, (gradients) => gradients);
        if (!(error < GRADCHECK_LIMIT)) throw new Error(`${JSON.stringify(shape)} seed ${seed}: error ${error}`);
      }
    });

    it("would be caught with one gradient wrong by a thousandth", () => {
      const problem = make(contract.random(new Random(1)), 1);
      for (const i of problem.inputs.keys()) {
        const error = check(problem, 1, (gradients) =>
          gradients.map((g, j) => (i === j ? g.map((x) => x * 1.001) : g)),
        );
        expect(error).toBeGreaterThan(GRADCHECK_LIMIT);
      }
    });
  });

  describe(`${op.name}: kernels`, () => {
    let device: WebGpuDevice;
    beforeAll(async () => {
      device = await testDevice();
    });

    it.each(shapes.map((entry) => [title(entry), entry] as const))("%s", async (_title, { shape, seed }) => {
      const problem = make(shape, seed);
      const all = await measure(
        device,
        contract,
        problem,
        seed,
        problem.inputs.map(() => true),
      );
      compare(all, problem, title({ shape, seed }));
    });

    it("differ from a reference that is wrong by a thousandth", async () => {
      const { shape, seed } = shapes.at(-1)!;
      const problem = make(shape, seed);
      const all = await measure(
        device,
        contract,
        problem,
        seed,
        problem.inputs.map(() => true),
      );
      const wrong = (values: readonly Float64Array[]) => values.map((v) => v.map((x) => x * 1.001));
      expect(() => compare(all, { ...problem, forward: (x) => wrong(problem.forward(x)) }, "")).toThrow("relative L2");
      const backward: typeof problem.backward = (x, dys) => wrong(problem.backward(x, dys));
      expect(() => compare(all, { ...problem, backward }, "")).toThrow("relative L2");
    });

    it.skipIf(!op.adds)("add to gradients that are there", async () => {
      const { shape, seed } = shapes.at(-1)!;
      const problem = make(shape, seed);
      const random = new Random(seed);
      const before = problem.inputs.map(({ shape, values }) => ({ shape, values: fill(random, values.length) }));
      const run = { op, ...runOf(contract, problem, seed), needs: problem.inputs.map(() => true), before };
      const { grads } = await runOp(device, run);
      const inputs = problem.inputs.map(({ values }) => values);
      for (const [i, own] of problem.backward(inputs, run.gradients).entries()) {
        const sum = own.map((value, j) => value + before[i]!.values[j]!);
        expectClose(grads[i]!, sum, problem.tolerance.backward, `gradient of input ${i}`);
      }
    });

    it("make no gradient that was not asked for", async () => {
      const { shape, seed } = shapes.at(-1)!;
      const problem = make(shape, seed);
      const count = problem.inputs.length;
      const everything = await measure(device, contract, problem, seed, Array(count).fill(true));
      for (let off = 0; off < count; off++) {
        const needs = problem.inputs.map((_, i) => i !== off);
        if (!needs.includes(true)) continue;
        const { result } = await measure(device, contract, problem, seed, needs);
        expect(result.grads.map((grad) => grad !== null)).toEqual(needs);
        for (const [i, grad] of result.grads.entries()) if (grad) expect(grad).toEqual(everything.result.grads[i]);
      }
    });

    it.each(contract.savings.map((off) => [off]))("save dispatches without the gradients of inputs %j", async (off) => {
      const { shape, seed } = shapes.at(-1)!;
      const problem = make(shape, seed);
      const run = { op, ...runOf(contract, problem, seed) };
      const all = await dispatchesOf({ ...run, needs: problem.inputs.map(() => true) });
      const fewer = await dispatchesOf({ ...run, needs: problem.inputs.map((_, i) => !off.includes(i)) });
      expect(fewer).toBeLessThan(all);
    });
  });
}

interface Measured {
  readonly result: Awaited<ReturnType<typeof runOp>>;
  readonly dys: readonly Float64Array[];
}

/** Runs a problem on the device and holds it to leave nothing behind. */
async function measure<Shape extends object, Attrs, Saved>(
  device: WebGpuDevice,
  contract: OpContract<Shape, Attrs, Saved>,
  problem: OpProblem<Attrs>,
  seed: number,
  needs: readonly boolean[],
): Promise<Measured> {
  const before = device.memory.live;
  const run = runOf(contract, problem, seed);
  const result = await runOp(device, { op: contract.op, ...run, needs });
  expect(device.memory.live).toBe(before);
  return { result, dys: run.gradients };
}

function runOf<Shape extends object, Attrs, Saved>(
  { lossScale }: OpContract<Shape, Attrs, Saved>,
  problem: OpProblem<Attrs>,
  seed: number,
): Omit<Run<Attrs, Saved>, "op" | "needs"> & { readonly gradients: readonly Float64Array[] } {
  const random = new Random(seed ^ 0x5eed);
  const inputs = problem.inputs.map(({ values }) => values);
  const gradients = problem
    .forward(inputs)
    .map(({ length }) => (lossScale === undefined ? fill(random, length) : new Float64Array(length).fill(lossScale)));
  const rows = problem.outputRows ?? problem.inputs[0]!.shape[0]!;
  const dys = gradients.map((values) => ({ shape: [rows, values.length / rows], values }));
  return { inputs: problem.inputs, place: problem.place, dys: lossScale === undefined ? dys : null, gradients };
}

function compare<Attrs>({ result, dys }: Measured, problem: OpProblem<Attrs>, what: string): void {
  const inputs = problem.inputs.map(({ values }) => values);
  const { forward, backward } = problem.tolerance;
  for (const [i, expected] of problem.forward(inputs).entries()) {
    expectClose(result.outputs[i]!, expected, forward, `${what}, output ${i}`);
  }
  for (const [i, expected] of problem.backward(inputs, dys).entries()) {
    expectClose(result.grads[i]!, expected, backward, `${what}, gradient of input ${i}`);
  }
}

function check<Attrs>(
  problem: OpProblem<Attrs>,
  seed: number,
  distort: (gradients: readonly Float64Array[]) => readonly Float64Array[],
): number {
  const inputs = problem.inputs.map(({ values }) => values);
  const backward: typeof problem.backward = (x, dys) => distort(problem.backward(x, dys));
  return gradientError(inputs, problem.forward, backward, new Random(seed));
}
