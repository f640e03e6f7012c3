/** Runs a group of linear layers on a device, and holds what came out against the float64 reference. */
import { expect } from "vitest";
import type { Device } from "../../src/gpu/device.ts";
import { Program } from "../../src/gpu/program.ts";
import { linear } from "../../src/ops/linear.ts";
import { linearBackward, linearForward } from "../reference/linear.ts";
import { expectClose, TOLERANCE, type Tolerance } from "./compare.ts";
import { type Group, type GroupShape, placeGroup } from "./linear-problem.ts";
import { upload } from "./run-op.ts";
import { toF32 } from "./values.ts";

export interface Outcome {
  readonly ys: readonly Float32Array[];
  readonly dx: Float32Array | null;
  readonly dDropped: Float32Array | null;
  /** Per adapted layer [dA, dB], null where frozen. */
  readonly factors: readonly (Float32Array | null)[];
}

/** Forward and `passes` times backward, whose gradients of the factors add up. */
export async function runGroup(
  on: Device,
  shape: GroupShape,
  group: Group,
  needs = [true, true],
  passes = 1,
): Promise<Outcome> {
  const program = new Program();
  const placed = placeGroup(program, on, shape, group);
  const residual = group.residual && upload(program, group.residual, "residual");
  const attrs = { members: placed.members, residual: residual !== null };
  const x = upload(program, group.x, "x");
  const dropped = shape.dropped ? upload(program, group.dropped, "dropped") : x;
  const inputs = [x, dropped, ...placed.factors, ...(residual ? [residual] : [])];
  const wanted = [...needs, ...placed.factors.map((factor) => factor.grad !== undefined), ...(residual ? [true] : [])];
  const { outputs, saved } = linear.forward(program, inputs, attrs, wanted);
  const dys = group.dys.map((dy, i) => {
    if (!shape.joint) return upload(program, dy, `dy ${i}`);
    const tensor = program.gradient(outputs[i]!, "dys");
    program.write(tensor, toF32(dy.values));
    return tensor;
  });
  let grads = linear.backward(program, saved, dys, attrs, wanted);
  for (let pass = 1; pass < passes; pass++) grads = linear.backward(program, saved, dys, attrs, wanted);
  expect(grads).toHaveLength(inputs.length);
  expect(grads.slice(2)).toEqual([...placed.factors.map(() => null), ...(residual ? [dys[0]] : [])]);

  const [dx, dDropped] = [grads[0]!, grads[1]!];
  const reading = [...outputs, dx, dDropped, ...placed.factors.map(({ grad }) => grad ?? null)].map(
    (tensor) => tensor && program.readFloats(tensor),
  );
  await on.run(program);
  const values = await Promise.all(reading);
  await on.idle();
  placed.free();
  const n = outputs.length;
  return {
    ys: values.slice(0, n) as Float32Array[],
    dx: values[n]!,
    dDropped: values[n + 1]!,
    factors: values.slice(n + 2),
  };
}

/** Holds an outcome against the reference, each result with the tolerance of its own sums. */
export function expectGroup(
  outcome: Outcome,
  shape: GroupShape,
  group: Group,
  passes = 1,
  reference = linearBackward,
): void {
  const { N, K } = shape;
  const [x, dropped] = [group.x.values, group.dropped.values];
  const widest = Math.max(...group.layers.map(({ out }) => out));
  const forward = TOLERANCE.reduction(K);
  for (const [i, y] of linearForward(x, dropped, group.layers, N, K).entries()) {
    const { residual } = group;
    expectClose(outcome.ys[i]!, residual ? y.map((value, at) => value + residual.values[at]!) : y, forward, `y ${i}`);
  }
  const expected = reference(
    x,
    dropped,
    group.layers,
    group.dys.map(({ values }) => values),
    N,
    K,
  );
  const backward = TOLERANCE.reduction(widest * group.layers.length);
  const dx = shape.dropped ? expected.dx : expected.dx.map((value, i) => value + expected.dDropped[i]!);
  if (outcome.dx) expectClose(outcome.dx, dx, backward, "dx");
  if (outcome.dDropped) expectClose(outcome.dDropped, expected.dDropped, backward, "dDropped");
  // Two products one after the other: over K or out, then over N.
  const factor: Tolerance = TOLERANCE.reduction(Math.max(K, widest) + N);
  const factors = expected.factors.flatMap((gradients) => (gradients ? [gradients.dA, gradients.dB] : []));
  for (const [i, values] of outcome.factors.entries()) {
    if (values)
      expectClose(
        values,
        factors[i]!.map((value) => passes * value),
        factor,
        `factor ${i}`,
      );
  }
}
