/** The walk over a program that both devices share: buffers appear at the first write and go at the last use. */
import { deviceError } from "../core/errors.ts";
import { formatBytes } from "../core/units.ts";
import type { Counters, DeviceLimits } from "./device.ts";
import { type BufferBackend, Pool } from "./pool.ts";
import { type Command, type DispatchCommand, type Liveness, writes } from "./program.ts";
import { alignUp, type Storage, type Tensor, tensorBytes } from "./tensor.ts";

/** Making buffers anew costs a small model's update more than this much memory is worth. */
const LITTLE = 64 * 2 ** 20;

export class Buffers<B> {
  private readonly resident = new Map<Storage, B>();
  private transient = new Map<Storage, B>();
  readonly pool: Pool<B>;
  private readonly limits: DeviceLimits;
  /** What the largest program so far takes by itself; of little, nothing is given up. */
  private largest = LITTLE;

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

  /**
   * Before a program runs: gives up free buffers where there would otherwise be more in the end than the largest program
   * takes by itself, as batches of ever other lengths leave buffers of ever other sizes behind. True where some were
   * destroyed; nothing that is encoded but not submitted may use them.
   */
  makeRoom(plan: Liveness): boolean {
    const now = rehearse(plan, this.pool.rehearsal());
    if (now.bytes <= this.largest) return false;
    this.largest = Math.max(this.largest, rehearse(plan, this.pool.rehearsal(true)).bytes);
    if (now.bytes <= this.largest) return false;
    // Those that it has no use for, if that is enough.
    this.pool.trim(now.usedBytes <= this.largest ? now.used : new Set());
    return true;
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

interface Rehearsed {
  /** Of all buffers, once the program has run. */
  readonly bytes: number;
  /** The buffers that it used, and their bytes. */
  readonly used: ReadonlySet<unknown>;
  readonly usedBytes: number;
}

/** What a program would take of a pool, found by walking it on one that counts. */
function rehearse({ commands, dead }: Liveness, pool: Pool<unknown>): Rehearsed {
  const held = new Map<Storage, unknown>();
  const used = new Set<unknown>();
  for (const [i, command] of commands.entries()) {
    for (const { storage } of writes(command)) {
      if (storage.resident || held.has(storage)) continue;
      const buffer = pool.acquire(storage.bytes, storage.label);
      held.set(storage, buffer);
      used.add(buffer);
    }
    for (const storage of dead[i]!) pool.release(held.get(storage));
  }
  const bytes = pool.ledger.allocated;
  pool.trim(used);
  return { bytes, used, usedBytes: pool.ledger.allocated };
}

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
