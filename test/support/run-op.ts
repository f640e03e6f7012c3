/** Runs one op, forward and backward, on a device with values from the host. */
import type { Op } from "../../src/autograd/op.ts";
import type { Device } from "../../src/gpu/device.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { type Host, toF32 } from "./values.ts";

/** Makes an op's attributes, uploading what they need. Weights are allocated on `device` and given back through `free`. */
export type Place<Attrs> = (program: Program, device: Device) => { readonly attrs: Attrs; free?(): void };

export interface Run<Attrs, Saved> {
  readonly op: Op<Attrs, Saved>;
  readonly inputs: readonly Host[];
  readonly place: Place<Attrs>;
  /** Gradients of the outputs; null for an op that ends the tape, whose dy is null. */
  readonly dys: readonly Host[] | null;
  /** Which gradients are asked for; none leaves backward out. */
  readonly needs: readonly boolean[];
  /** Gradients that the inputs have already, for an op that adds to them by itself. */
  readonly before?: readonly Host[];
}

export interface Result {
  readonly outputs: readonly Float32Array[];
  /** One per input; empty without backward. */
  readonly grads: readonly (Float32Array | null)[];
}

export function upload(program: Program, { shape, values }: Host, label: string): Tensor {
  return program.constant(toF32(values), shape, label);
}

export const indexTensor = (program: Program, values: readonly number[], shape = [values.length]): Tensor =>
  program.constant(Uint32Array.from(values), shape, "index");

export async function runOp<Attrs, Saved>(device: Device, run: Run<Attrs, Saved>): Promise<Result> {
  const { op, needs } = run;
  const program = new Program();
  const { attrs, free } = run.place(program, device);
  const inputs = run.inputs.map((host, i) => upload(program, host, `input ${i}`));
  const { outputs, saved } = op.forward(program, inputs, attrs, needs);
  const dys = run.dys ? run.dys.map((host, i) => upload(program, host, `dy ${i}`)) : outputs.map(() => null);
  const before = run.before?.map((host, i) => upload(program, host, `before ${i}`));
  const grads = needs.includes(true) ? op.backward(program, saved, dys, attrs, needs, before) : [];
  const reading = [...outputs, ...grads].map((tensor) => tensor && program.readFloats(tensor));
  await device.run(program);
  const values = await Promise.all(reading);
  await device.idle();
  free?.();
  return { outputs: values.slice(0, outputs.length) as Float32Array[], grads: values.slice(outputs.length) };
}

/** Dispatches that the run makes, and the shapes of its outputs and gradients. */
export async function dispatchesOf<Attrs, Saved>(run: Run<Attrs, Saved>): Promise<number> {
  const device = new DryDevice();
  await runOp(device, run);
  return device.counters.dispatches;
}
