/**
 * A program is the list of GPU commands of one forward, one training step or one token: recorded by ordinary code that
 * calls ops one after another, then run in one go. Recording first has three gains over running each call at once:
 * the last use of every activation is known, so buffers return to the pool the moment they are dead and no code ever
 * releases anything; results that nobody reads are never computed; and the same list, run on a device that only
 * counts, is the exact memory and cost estimate.
 */
import { deviceError, shapeError } from "../core/errors.ts";
import type { Kernel, Sizes, Variant } from "./kernel.ts";
import { ALIGNMENT, alignUp, type Element, makeStorage, type Storage, type Tensor, tensorBytes } from "./tensor.ts";

export interface DispatchCommand {
  readonly kind: "dispatch";
  readonly kernel: Kernel;
  readonly variant: Variant;
  /** null binds an empty buffer, for an input that this variant does not read. */
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  readonly params: Sizes;
}

export type Command =
  | DispatchCommand
  | { readonly kind: "clear"; readonly target: Tensor }
  | {
      readonly kind: "copy";
      readonly source: Tensor;
      readonly target: Tensor;
      readonly targetOffset: number;
      readonly bytes: number;
    }
  | { readonly kind: "write"; readonly target: Tensor; readonly data: Uint8Array<ArrayBuffer> }
  | { readonly kind: "read"; readonly source: Tensor; readonly bytes: number; readonly settle: Settle };

/** The two ends of a read's promise. */
export interface Settle {
  deliver(bytes: Uint8Array): void;
  reject(error: Error): void;
}

export interface DispatchRequest {
  readonly constants: Sizes;
  readonly params: Sizes;
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  readonly include?: readonly string[];
}

export class Program {
  readonly commands: Command[] = [];
  /** Storages of stacked tensors, with that of their gradients and the offsets in it that are taken. */
  private readonly stacks = new Map<Storage, { gradients: Storage | null; readonly taken: Set<number> }>();

  /** A transient tensor; it has no bytes until a command writes it. */
  tensor(shape: readonly number[], label: string, element: Element = "f32"): Tensor {
    const bytes = tensorBytes({ shape, element });
    return { storage: makeStorage(bytes, label, false), offset: 0, shape, element };
  }

  /** Transient tensors one behind another in one storage, so that one dispatch can write or read them all. */
  stacked(shapes: readonly (readonly number[])[], label: string): Tensor[] {
    let bytes = 0;
    const offsets = shapes.map((shape) => {
      const offset = bytes;
      bytes += alignUp(tensorBytes({ shape, element: "f32" }), ALIGNMENT);
      return offset;
    });
    const storage = makeStorage(bytes, label, false);
    this.stacks.set(storage, { gradients: null, taken: new Set() });
    return shapes.map((shape, i) => ({ storage, offset: offsets[i]!, shape, element: "f32" }));
  }

  /** A transient tensor for the gradient of `of`. Those of stacked tensors are stacked alike, each place used once. */
  gradient(of: Tensor, label: string): Tensor {
    const stack = this.stacks.get(of.storage);
    if (!stack || stack.taken.has(of.offset)) return this.tensor(of.shape, label, of.element);
    stack.gradients ??= makeStorage(of.storage.bytes, label, false);
    stack.taken.add(of.offset);
    return { ...of, storage: stack.gradients };
  }

  /** A transient tensor with these values. */
  constant(
    values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
    shape: readonly number[],
    label: string,
  ): Tensor {
    const tensor = this.tensor(shape, label, values instanceof Float32Array ? "f32" : "u32");
    if (values.byteLength > 0) this.write(tensor, values);
    else this.clear(tensor);
    return tensor;
  }

  write(target: Tensor, values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): void {
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.commands.push({ kind: "write", target, data });
  }

  dispatch(kernel: Kernel, request: DispatchRequest): void {
    const { inputs, outputs, params, constants } = request;
    const where = `${kernel.stem}.${kernel.entry}`;
    if (inputs.length !== kernel.inputs.length || outputs.length !== kernel.outputs.length) {
      throw shapeError(`[${where}] takes ${kernel.inputs.length} inputs and ${kernel.outputs.length} outputs`);
    }
    const written = new Set(outputs.map((t) => t.storage));
    const clash = inputs.findIndex((t) => t && written.has(t.storage));
    // WebGPU forbids reading and writing one buffer in one dispatch; say so here, with names.
    if (clash >= 0) throw shapeError(`[${where}] reads and writes the same storage (${kernel.inputs[clash]})`);
    const variant = { constants, include: request.include ?? kernel.include ?? [] };
    this.commands.push({ kind: "dispatch", kernel, variant, inputs, outputs, params });
  }

  /** Fills with zeros. */
  clear(target: Tensor): void {
    this.commands.push({ kind: "clear", target });
  }

  /** Copies all of `source` to `targetOffset` bytes past the start of `target`. */
  copy(source: Tensor, target: Tensor, targetOffset = 0): void {
    const bytes = tensorBytes(source);
    if (targetOffset + bytes > tensorBytes(target)) {
      throw shapeError(`[copy] [${source.shape}] at byte ${targetOffset} does not fit into [${target.shape}]`);
    }
    this.commands.push({ kind: "copy", source, target, targetOffset, bytes });
  }

  /**
   * Asks for the values of a tensor at this point of the program. The promise settles after the program ran; awaiting
   * it is a GPU→CPU wait, so a training step awaits it a few steps later.
   */
  read(source: Tensor): Promise<Uint8Array> {
    const values = new Promise<Uint8Array>((deliver, reject) => {
      this.commands.push({ kind: "read", source, bytes: tensorBytes(source), settle: { deliver, reject } });
    });
    return neverUnhandled(values);
  }

  readFloats(source: Tensor): Promise<Float32Array> {
    const values = this.read(source);
    return neverUnhandled(
      values.then((bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)),
    );
  }
}

/** Whoever runs the program gets the same error; a read that nobody awaits any more must not end the process. */
function neverUnhandled<T>(values: Promise<T>): Promise<T> {
  values.catch(() => {});
  return values;
}

/** Tensors a command reads; read-write outputs are not among them. */
export function reads(command: Command): Tensor[] {
  switch (command.kind) {
    case "dispatch":
      return command.inputs.filter((t) => t !== null);
    case "copy":
    case "read":
      return [command.source];
    case "clear":
    case "write":
      return [];
  }
}

export function writes(command: Command): readonly Tensor[] {
  switch (command.kind) {
    case "dispatch":
      return command.outputs;
    case "copy":
    case "clear":
    case "write":
      return [command.target];
    case "read":
      return [];
  }
}

export interface Liveness {
  /** Commands that matter: those whose results reach a resident tensor or a read. */
  readonly commands: readonly Command[];
  /** For each command, the transient storages whose last use it is. */
  readonly dead: readonly (readonly Storage[])[];
}

/** Drops commands without effect, then finds the last use of every transient storage. */
export function analyse(program: Program): Liveness {
  const wanted = new Set<Storage>();
  const kept: Command[] = [];
  for (const command of program.commands.toReversed()) {
    const effective =
      command.kind === "read" || writes(command).some((t) => t.storage.resident || wanted.has(t.storage));
    if (!effective) continue;
    for (const tensor of reads(command)) wanted.add(tensor.storage);
    kept.push(command);
  }
  const commands = kept.toReversed();
  checkWrittenBeforeRead(commands);

  const seen = new Set<Storage>();
  const dead: Storage[][] = commands.map(() => []);
  for (let i = commands.length - 1; i >= 0; i--) {
    const command = commands[i]!;
    for (const tensor of [...reads(command), ...writes(command)]) {
      if (tensor.storage.resident || seen.has(tensor.storage)) continue;
      seen.add(tensor.storage);
      dead[i]!.push(tensor.storage);
    }
  }
  return { commands, dead };
}

/** The transient storages that hold something while command `at` runs. */
export function aliveAt({ commands, dead }: Liveness, at: number): Set<Storage> {
  const alive = new Set<Storage>();
  for (const [i, command] of commands.slice(0, at + 1).entries()) {
    for (const { storage } of writes(command)) if (!storage.resident) alive.add(storage);
    if (i < at) for (const storage of dead[i]!) alive.delete(storage);
  }
  return alive;
}

function checkWrittenBeforeRead(commands: readonly Command[]): void {
  const written = new Set<Storage>();
  for (const command of commands) {
    for (const { storage } of reads(command)) {
      if (storage.resident || written.has(storage)) continue;
      throw deviceError(`the program reads "${storage.label}" before anything was written to it`);
    }
    for (const { storage } of writes(command)) written.add(storage);
  }
}
