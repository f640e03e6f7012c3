/**
 * A device that only counts. The same model, tape and trainer run on it and yield the exact peak bytes, dispatches and
 * FLOPs without a GPU and before anything is downloaded. Reads deliver zeros.
 */
import { type Counters, type Device, type DeviceLimits, emptyCounters, residentTensor } from "./device.ts";
import { Buffers, count, dispatchCost, execute } from "./execute.ts";
import type { Form, Kernel } from "./kernel.ts";
import { aliveAt, analyse, type Command, type Program, writes } from "./program.ts";
import type { Element, Storage, Tensor } from "./tensor.ts";

const GIB = 2 ** 30;

export class DryDevice implements Device {
  readonly name = "dry run (counts only)";
  readonly limits: DeviceLimits;
  readonly counters: Counters = emptyCounters();
  /** Dispatches by "stem.entry". */
  readonly byKernel = new Map<string, number>();
  /** The activations that were there when the most bytes were in use. */
  fullest: ReadonlySet<Storage> = new Set();
  private mostLive = 0;
  private readonly buffers: Buffers<{ readonly bytes: number }>;

  constructor(limits: DeviceLimits = { maxBinding: GIB, maxBuffer: GIB }) {
    this.limits = limits;
    this.buffers = new Buffers({ create: (bytes) => ({ bytes }), destroy() {} }, limits);
  }

  readonly forms = new Set<Form>();

  get memory() {
    return this.buffers.pool.ledger;
  }

  allocate(shape: readonly number[], label: string, element: Element = "f32"): Tensor {
    const tensor = residentTensor(shape, label, element, this.limits);
    this.buffers.addResident(tensor.storage);
    return tensor;
  }

  free(tensor: Tensor): void {
    this.buffers.freeResident(tensor.storage);
  }

  upload(): void {}

  async run(program: Program): Promise<void> {
    this.counters.submits += 1;
    const liveness = analyse(program);
    this.buffers.makeRoom(liveness);
    let [index, fullest] = [0, -1];
    await execute(liveness, this.buffers, (command) => {
      this.visit(command);
      if (this.memory.live > this.mostLive) [this.mostLive, fullest] = [this.memory.live, index];
      index += 1;
    });
    if (fullest >= 0) this.fullest = aliveAt(liveness, fullest);
  }

  private visit(command: Command): void {
    if (command.kind === "read") command.settle.deliver(new Uint8Array(command.bytes));
    for (const output of writes(command)) this.buffers.of(output);
    if (command.kind !== "dispatch") return;
    count(this.counters, dispatchCost(command));
    this.note(command.kernel);
  }

  async prepare(): Promise<void> {}

  async idle(): Promise<void> {}

  destroy(): void {}

  private note(kernel: Kernel): void {
    const name = `${kernel.stem}.${kernel.entry}`;
    this.byKernel.set(name, (this.byKernel.get(name) ?? 0) + 1);
  }
}
