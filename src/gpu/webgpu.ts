/**
 * The device that runs: WebGPU in a browser or through Dawn in Node. Programs are cut into submits of about 50 ms of
 * GPU work, so that the desktop stays smooth and no watchdog fires; at most two are in flight. Errors that WebGPU
 * reports out of line (validation, memory, a lost device) are thrown by the next call of any kind, and by a `run` that
 * is under way at its next wait. A lost device ends every wait: nothing hangs.
 */
import { deviceError, type LorikeetError } from "../core/errors.ts";
import { formatBytes } from "../core/units.ts";
import { CommandBatch, type PendingRead } from "./command-batch.ts";
import { type Counters, type Device, type DeviceLimits, emptyCounters, residentTensor } from "./device.ts";
import { Buffers, count, dispatchCost, execute } from "./execute.ts";
import { type Abilities, type Form, inForm, PARAMS_SLOT, writeParams } from "./kernel.ts";
import { matrixUnits } from "./matrix-units.ts";
import { type Binding, Pipelines } from "./pipelines.ts";
import type { Profiler } from "./profiler.ts";
import { analyse, type Command, type DispatchCommand, type Program } from "./program.ts";
import { Readback } from "./readback.ts";
import { type Sleep, SubmitPacer } from "./submit-pacer.ts";
import { alignUp, type Element, type Tensor, tensorBytes } from "./tensor.ts";
import { Waits } from "./waits.ts";

/** GPU work per submit: longer ones make the desktop stutter and can trip the system's GPU watchdog. */
const SECONDS_PER_SUBMIT = 0.05;
const LOST_HINT = "Close other programs that use the GPU and start again; saved checkpoints are still there.";
const MEMORY_HINT = "Use a smaller model, a lower max-seq-length or batch-size, or gradient checkpointing.";

const USAGE_STORAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST
const USAGE_PARAMS = 0x40 | 0x08; // UNIFORM | COPY_DST

export class WebGpuDevice implements Device {
  readonly name: string;
  readonly limits: DeviceLimits;
  readonly counters: Counters = emptyCounters();
  readonly gpu: GPUDevice;
  readonly subgroup: Abilities["subgroup"];
  readonly units: number;
  /** Forms of kernels that are taken wherever they suit. */
  readonly forms = new Set<Form>();
  /** Set by whoever wants to know where the time goes. */
  profiler: Profiler | null = null;
  private readonly buffers: Buffers<GPUBuffer>;
  private readonly pipelines: Pipelines;
  private readonly readback: Readback;
  private readonly pacer: SubmitPacer;
  private readonly empty: GPUBuffer;
  private params: { buffer: GPUBuffer; group: GPUBindGroup; slots: number } | null = null;
  private readonly waits = new Waits();
  private failure: Error | null = null;
  private lastRun: Promise<void> = Promise.resolve();

  constructor(gpu: GPUDevice, name: string, sleep: Sleep | null = null) {
    this.gpu = gpu;
    this.name = name;
    const { maxStorageBufferBindingSize, maxBufferSize } = gpu.limits;
    this.limits = { maxBinding: Math.min(maxStorageBufferBindingSize, maxBufferSize), maxBuffer: maxBufferSize };
    const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0 } = gpu.adapterInfo ?? {};
    this.subgroup = gpu.features.has("subgroups") && least > 0 ? [least, most] : null;
    this.units = matrixUnits(gpu);
    this.pipelines = new Pipelines(gpu);
    const create = (size: number, label: string) => gpu.createBuffer({ size, label, usage: USAGE_STORAGE });
    const destroy = (buffer: GPUBuffer) => {
      this.pipelines.forgetGroups();
      buffer.destroy();
    };
    this.buffers = new Buffers({ create, destroy }, this.limits);
    this.pacer = new SubmitPacer(gpu.queue, sleep);
    this.readback = new Readback(gpu, this.pacer);
    this.empty = create(16, "empty");
    gpu.addEventListener("uncapturederror", (event) => this.fail(explain(event.error, this.memory.allocated)));
    void gpu.lost.then((info) => this.end(lostError(`the GPU device was lost: ${info.message || info.reason}`)));
  }

  get memory() {
    return this.buffers.pool.ledger;
  }

  allocate(shape: readonly number[], label: string, element: Element = "f32"): Tensor {
    // A buffer that could not be made is reported a moment later: loading a model hears of it at its next tensor.
    this.throwFailure();
    const tensor = residentTensor(shape, label, element, this.limits);
    this.buffers.addResident(tensor.storage);
    return tensor;
  }

  free(tensor: Tensor): void {
    this.buffers.freeResident(tensor.storage);
  }

  upload(tensor: Tensor, bytes: Uint8Array<ArrayBuffer>, byteOffset = 0): void {
    this.throwFailure();
    this.gpu.queue.writeBuffer(this.buffers.of(tensor), tensor.offset + byteOffset, bytes);
  }

  run(program: Program): Promise<void> {
    // Params live in one buffer, transients in one pool: a second run must not begin while the first one waits.
    const turn = this.lastRun.then(() => this.runAlone(program));
    this.lastRun = turn.catch((error: Error) => {
      for (const command of program.commands) if (command.kind === "read") command.settle.reject(error);
    });
    return turn;
  }

  private async runAlone(program: Program): Promise<void> {
    this.throwFailure();
    const analysed = analyse(program);
    const plan = { ...analysed, commands: this.allFormed(analysed.commands) };
    await this.waits.for(this.compile(plan.commands));
    // What is destroyed is there until the GPU is done with it.
    if (this.buffers.makeRoom(plan)) await this.idle();
    const params = this.writeParams(plan.commands);
    const batch = new CommandBatch(this.gpu);
    let slot = 0;
    await execute(plan, this.buffers, (command) => {
      if (command.kind === "write") {
        // A queue write overtakes commands that are encoded but not submitted, so those go first.
        this.submit(batch);
        this.gpu.queue.writeBuffer(this.buffers.of(command.target), command.target.offset, command.data);
      } else if (command.kind === "dispatch") {
        this.encodeDispatch(batch, command, params, slot++ * PARAMS_SLOT);
      } else this.encodeTransfer(batch, command);
      if (batch.seconds < SECONDS_PER_SUBMIT) return;
      this.submit(batch);
      return this.caughtUp();
    });
    this.submit(batch);
    await this.caughtUp();
  }

  prepare(commands: readonly Command[]): Promise<void> {
    this.throwFailure();
    return this.waits.for(this.compile(this.allFormed(commands)));
  }

  private allFormed(commands: readonly Command[]): readonly Command[] {
    return this.forms.size > 0 ? commands.map((one) => this.formed(one)) : commands;
  }

  private formed(command: Command): Command {
    if (command.kind !== "dispatch") return command;
    const form = command.kernel.forms?.find((one) => this.forms.has(one) && one.suits(command.params));
    return form ? { ...command, ...inForm(command.kernel, command.variant, form) } : command;
  }

  /** When at most two submits are in flight. A GPU→CPU wait; throws what went wrong meanwhile. */
  private async caughtUp(): Promise<void> {
    await this.waits.for(this.pacer.wait());
    this.throwFailure();
  }

  async idle(): Promise<void> {
    await this.waits.for(this.pacer.finished());
    this.throwFailure();
  }

  destroy(): void {
    this.end(deviceError("the GPU device was closed"));
    this.gpu.destroy();
  }

  /** Compiles every pipeline the commands need, all at once. */
  private async compile(commands: readonly Command[]): Promise<void> {
    const missing: Promise<void>[] = [];
    for (const command of commands) {
      if (command.kind !== "dispatch" || this.pipelines.has(command.kernel, command.variant)) continue;
      missing.push(this.pipelines.prepare(command.kernel, command.variant));
    }
    await Promise.all(missing);
  }

  /** One upload for the params of the whole program: a 256-byte slot for each dispatch, in order. */
  private writeParams(commands: readonly Command[]): GPUBindGroup {
    const dispatches = commands.filter((c): c is DispatchCommand => c.kind === "dispatch");
    if (!this.params || this.params.slots < dispatches.length) {
      const slots = Math.max(256, 2 * dispatches.length);
      this.params?.buffer.destroy();
      const buffer = this.gpu.createBuffer({ size: slots * PARAMS_SLOT, usage: USAGE_PARAMS, label: "params" });
      this.params = { buffer, slots, group: this.pipelines.paramsGroup(buffer) };
    }
    const view = new DataView(new ArrayBuffer(dispatches.length * PARAMS_SLOT));
    for (const [i, { kernel, params }] of dispatches.entries()) writeParams(kernel, params, view, i * PARAMS_SLOT);
    if (dispatches.length > 0) this.gpu.queue.writeBuffer(this.params.buffer, 0, view.buffer);
    return this.params.group;
  }

  private encodeDispatch(batch: CommandBatch, command: DispatchCommand, params: GPUBindGroup, slot: number): void {
    const { kernel, variant } = command;
    const bindings = [...command.inputs, ...command.outputs].map((tensor) => this.binding(tensor));
    const pass = batch.computePass(this.profiler?.time(`${kernel.stem}.${kernel.entry}`));
    pass.setPipeline(this.pipelines.get(kernel, variant));
    pass.setBindGroup(0, this.pipelines.bindGroup(kernel, bindings));
    pass.setBindGroup(1, params, [slot]);
    pass.dispatchWorkgroups(...kernel.grid({ ...variant.constants, ...command.params }));
    const cost = dispatchCost(command);
    count(this.counters, cost);
    batch.seconds += this.pacer.estimate(cost);
  }

  private encodeTransfer(batch: CommandBatch, command: Exclude<Command, { kind: "dispatch" | "write" }>): void {
    const encoder = batch.transferEncoder();
    if (command.kind === "clear") {
      const { target } = command;
      encoder.clearBuffer(this.buffers.of(target), target.offset, tensorBytes(target));
    } else if (command.kind === "copy") {
      const { source, target, bytes } = command;
      const at = target.offset + command.targetOffset;
      encoder.copyBufferToBuffer(this.buffers.of(source), source.offset, this.buffers.of(target), at, bytes);
    } else {
      const { source, bytes } = command;
      const staging = this.readback.acquire(bytes);
      encoder.copyBufferToBuffer(this.buffers.of(source), source.offset, staging, 0, bytes);
      batch.reads.push({ staging, bytes, settle: command.settle });
    }
  }

  private binding(tensor: Tensor | null): Binding {
    if (!tensor) return { buffer: this.empty, offset: 0, size: 16 };
    return { buffer: this.buffers.of(tensor), offset: tensor.offset, size: alignUp(tensorBytes(tensor), 16) };
  }

  private submit(batch: CommandBatch): void {
    const submitted = batch.finish();
    if (!submitted) return;
    this.gpu.queue.submit([submitted.commands]);
    this.counters.submits += 1;
    this.pacer.submitted(submitted.seconds);
    for (const read of submitted.reads) void this.deliver(read);
  }

  private async deliver(read: PendingRead): Promise<void> {
    try {
      const values = await this.waits.for(this.readback.take(read));
      // A refused submit leaves zeros to be read: rather say what went wrong.
      this.throwFailure();
      read.settle.deliver(values);
    } catch (cause) {
      this.fail(lostError(`reading a result back failed: ${String(cause)}`));
      read.settle.reject(this.failure!);
    }
  }

  private fail(error: Error): void {
    // The first error is the cause; what follows are its consequences.
    this.failure ??= error;
  }

  /** Nothing more will come of this device. */
  private end(error: LorikeetError): void {
    this.fail(error);
    this.waits.end(this.failure!);
  }

  private throwFailure(): void {
    if (this.failure) throw this.failure;
  }
}

const lostError = (message: string): LorikeetError => deviceError(message, LOST_HINT, "device-lost");

/** `allocated`: bytes of all buffers made so far. */
function explain(error: GPUError, allocated: number): LorikeetError {
  const message = error.message.trim();
  if (error.constructor.name === "GPUOutOfMemoryError") {
    const asked = `with ${formatBytes(allocated)} asked for`;
    return deviceError(`the GPU is out of memory, ${asked}: ${message}`, MEMORY_HINT, "out-of-memory");
  }
  return deviceError(
    `the GPU reported an error: ${message}`,
    "This is a bug in Lorikeet; please report it with the message.",
  );
}
