/**
 * What the engine needs of a GPU: residents, programs, and an account. Two devices implement it: `WebGpuDevice` runs
 * programs, `DryDevice` only counts. It is not a graphics API and offers no immediate mode: everything is a Program.
 */
import { deviceError } from "../core/errors.ts";
import type { Form } from "./kernel.ts";
import type { MemoryLedger } from "./pool.ts";
import type { Command, Program } from "./program.ts";
import { type Element, makeStorage, type Tensor, tensorBytes } from "./tensor.ts";

export interface DeviceLimits {
  /** Most bytes one binding may cover; larger weights are split by rows. */
  readonly maxBinding: number;
  /** Most bytes one buffer may have. */
  readonly maxBuffer: number;
}

export interface Counters {
  dispatches: number;
  submits: number;
  /** Floating-point operations of all dispatches. */
  flops: number;
  /** Bytes bound by all dispatches: what would move if nothing were cached. */
  bytes: number;
}

export interface Device {
  /** The adapter in words, as the user should read it. */
  readonly name: string;
  readonly limits: DeviceLimits;
  /** Of kernels: those that are taken wherever they suit, because they were measured to be faster here. */
  readonly forms: ReadonlySet<Form>;
  readonly memory: MemoryLedger;
  readonly counters: Counters;
  /** A resident tensor, zero-filled. Throws DeviceError when it is larger than a binding may be. */
  allocate(shape: readonly number[], label: string, element?: Element): Tensor;
  free(tensor: Tensor): void;
  /** Copies bytes into a resident tensor from `byteOffset` on (both multiples of 4). */
  upload(tensor: Tensor, bytes: Uint8Array<ArrayBuffer>, byteOffset?: number): void;
  /**
   * Encodes and submits, after every run that was started before. Resolves when all is submitted and at most two
   * submits are still in flight. When it throws, the program's reads reject with the same error.
   */
  run(program: Program): Promise<void>;
  /** Compiles what these commands need, so that running them does not wait for it. */
  prepare(commands: readonly Command[]): Promise<void>;
  /** Waits until the GPU has nothing left to do; throws what went wrong meanwhile. A GPU→CPU wait. */
  idle(): Promise<void>;
  destroy(): void;
}

/** The device's forms by name, for records. */
export const formNames = ({ forms }: Pick<Device, "forms">): string[] => [...forms].map(({ name }) => name);

export const emptyCounters = (): Counters => ({ dispatches: 0, submits: 0, flops: 0, bytes: 0 });

/** Throws DeviceError when the tensor is larger than a binding of these limits. */
export function residentTensor(
  shape: readonly number[],
  label: string,
  element: Element,
  { maxBinding }: DeviceLimits,
): Tensor {
  const storage = makeStorage(tensorBytes({ shape, element }), label, true);
  if (storage.bytes > maxBinding) {
    const message = `"${label}" needs ${storage.bytes} bytes in one binding, this device allows ${maxBinding}`;
    throw deviceError(message, "Choose a smaller model.", "model-too-large");
  }
  return { storage, offset: 0, shape, element };
}

/** Runs `program` and returns the value of one of its tensors. A GPU→CPU wait; not for use inside a training step. */
export async function fetchFloats(device: Device, program: Program, tensor: Tensor): Promise<Float32Array> {
  const values = program.readFloats(tensor);
  await device.run(program);
  return values;
}
