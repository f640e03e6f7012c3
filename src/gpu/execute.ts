/** The walk over a program that both devices share: buffers appear at the first write and go at the last use. */
import { deviceError } from "../core/errors.ts";
import { formatBytes } from "../core/units.ts";
import type { Counters, DeviceLimits } from "./device.ts";
import { type BufferBackend, Pool } from "./pool.ts";
import type { Command, DispatchCommand, Liveness } from "./program.ts";
import { alignUp, type Storage, type Tensor, tensorBytes } from "./tensor.ts";

export class Buffers<B> {
  private readonly resident = new Map<Storage, B>();
  private transient = new Map<Storage, B>();
  readonly pool: Pool<B>;
  private readonly limits: DeviceLimits;

  constructor(backend: BufferBackend<B>, limits: DeviceLimits) {
    this.pool = new Pool(backend, limits.maxBuffer);
    this.limits = limits;
  }

  addResident(storage: Storage): B {
    const buffer = this.pool.acquireExact(storage.bytes, storage.label);
    this.resident.set(storage, buffer);
    return buffer;
  }

  freeResident(storage: Storage): void {
    const buffer = this.resident.get(storage);
    if (!buffer) return;
    this.resident.delete(storage);
    this.pool.discard(buffer);
  }

  /** Throws DeviceError when an activation is larger than a binding of this device. */
  of(tensor: Tensor): B {
    const { storage } = tensor;
    const found = storage.resident ? this.resident.get(storage) : this.transient.get(storage);
    if (found) return found;
    if (storage.resident) throw deviceError(`"${storage.label}" was freed, or belongs to another device`);
    if (alignUp(storage.bytes, 16) > this.limits.maxBinding) throw tooLarge(storage, this.limits);
    const buffer = this.pool.acquire(storage.bytes, storage.label);
    this.transient.set(storage, buffer);
    return buffer;
  }

  releaseTransient(storage: Storage): void {
    const buffer = this.transient.get(storage);
    if (!buffer) return;
    this.transient.delete(storage);
    this.pool.release(buffer);
  }

  /** After a program that failed half-way. */
  releaseAllTransient(): void {
    for (const storage of [...this.transient.keys()]) this.releaseTransient(storage);
  }
}

/** Its size goes with the tokens of a micro-batch, and recomputing makes it all the same. */
const tooLarge = ({ bytes, label }: Storage, { maxBinding }: DeviceLimits) =>
  deviceError(
    `"${label}" needs ${formatBytes(bytes)} in one buffer, this device allows ${formatBytes(maxBinding)}`,
    "Use a smaller batch-size, with more grad-accumulation-steps for the same updates, or a lower max-seq-length. Checkpointing does not help here.",
    "update-too-large",
  );

/** Calls `visit` for every effective command, in order, with its buffers in place. */
export async function execute<B>(
  { commands, dead }: Liveness,
  buffers: Buffers<B>,
  visit: (command: Command) => void | Promise<void>,
): Promise<void> {
  try {
    for (const [i, command] of commands.entries()) {
      const pending = visit(command);
      // Only a full submit queue makes us wait; awaiting nothing would cost a microtask per dispatch.
      if (pending) await pending;
      for (const storage of dead[i]!) buffers.releaseTransient(storage);
    }
  } finally {
    buffers.releaseAllTransient();
  }
}

export interface Cost {
  readonly flops: number;
  readonly bytes: number;
}

export function dispatchCost(command: DispatchCommand): Cost {
  const sizes = { ...command.variant.constants, ...command.params };
  const tensors = [...command.inputs, ...command.outputs];
  return {
    flops: command.kernel.flops?.(sizes) ?? 0,
    bytes: tensors.reduce((sum, t) => sum + (t ? tensorBytes(t) : 0), 0),
  };
}

export function count(counters: Counters, cost: Cost): void {
  counters.dispatches += 1;
  counters.flops += cost.flops;
  counters.bytes += cost.bytes;
}
