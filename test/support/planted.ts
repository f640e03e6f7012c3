/**
 * Faults planted into a run from outside, one at a time: a device that changes the programs it is given before it runs
 * them. Production code has no hooks for this; what is caught here would be caught in the wild.
 */
import type { Device } from "../../src/gpu/device.ts";
import type { Command, DispatchCommand, Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { Linear } from "../../src/nn/linear.ts";
import { type ModuleTree, namedLeaves } from "../../src/nn/module.ts";

/** Changes the commands of the program that ends the optimizer's update `update`, counted from 1. */
export type Fault = (commands: Command[], update: number) => void;

/** What a device is given, changed or merely looked at. */
export interface Alterations {
  readonly program?: (commands: Command[]) => void;
  /** Returns what is uploaded instead. */
  readonly upload?: (tensor: Tensor, bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
}

/** `device`, with these alterations in whatever it is given. */
export function alteredDevice(device: Device, { program, upload }: Alterations): Device {
  return Object.create(device, {
    run: {
      value(given: Program) {
        program?.(given.commands);
        return device.run(given);
      },
    },
    upload: {
      value(tensor: Tensor, bytes: Uint8Array<ArrayBuffer>, offset?: number) {
        device.upload(tensor, upload?.(tensor, bytes) ?? bytes, offset);
      },
    },
  });
}

/** `device`, with `fault` in every optimizer update. */
export function plantedDevice(device: Device, fault: Fault): Device {
  let updates = 0;
  const program = (commands: Command[]) => {
    if (commands.some(isUpdate)) fault(commands, ++updates);
  };
  return alteredDevice(device, { program });
}

const isKernel =
  (entry: string) =>
  (command: Command): command is DispatchCommand =>
    command.kind === "dispatch" && command.kernel.stem === "adamw" && command.kernel.entry === entry;
const isUpdate = isKernel("update");

/** The optimizer leaves these tensors, views of the adapter's buffer, as they are. */
export const skipsTensors =
  (tensors: () => readonly Tensor[]): Fault =>
  (commands) => {
    const at = commands.findIndex(isUpdate);
    const [parameters] = (commands[at] as DispatchCommand).outputs;
    const before: Command[] = [];
    const after: Command[] = [];
    for (const [i, source] of tensors().entries()) {
      const bytes = source.shape.reduce((product, size) => product * size, 4);
      const storage = { id: -1 - i, bytes, label: "kept", resident: false };
      const kept = { storage, offset: 0, shape: source.shape, element: "f32" } as const;
      before.push({ kind: "copy", source, target: kept, targetOffset: 0, bytes });
      after.push({ kind: "copy", source: kept, target: parameters!, targetOffset: source.offset, bytes });
    }
    commands.splice(at + 1, 0, ...after);
    commands.splice(at, 0, ...before);
  };

/** One number of the gradients is `value` in these updates. */
export const breaksGradient =
  (value: number, updates: readonly number[]): Fault =>
  (commands, update) => {
    if (!updates.includes(update)) return;
    const at = commands.findIndex(isKernel("partial_norm"));
    const gradients = (commands[at] as DispatchCommand).inputs[0]!;
    const target = { ...gradients, shape: [4] };
    const data = new Uint8Array(Float32Array.of(0.1, 0.1, value, 0.1).buffer);
    commands.splice(at, 0, { kind: "write", target, data });
  };

/** The gradients of these tensors, views of the adapter's buffer, never arrive. */
export const losesGradients =
  (tensors: () => readonly Tensor[]): Fault =>
  (commands) => {
    const at = commands.findIndex(isKernel("partial_norm"));
    const lost = tensors().map((tensor): Command => {
      const data = new Uint8Array(tensor.shape.reduce((product, size) => product * size, 4));
      return { kind: "write", target: tensor.grad!, data };
    });
    commands.splice(at, 0, ...lost);
  };

/** The optimizer writes nothing. */
export const dropsUpdates: Fault = (commands) => {
  commands.splice(commands.findIndex(isUpdate), 1);
};

/** The optimizer ends after the first `share` of the numbers. */
export const endsEarly =
  (share: number): Fault =>
  (commands) =>
    changeUpdate(commands, ({ count }) => ({ count: Math.floor(share * count!) }));

function changeUpdate(
  commands: Command[],
  change: (params: DispatchCommand["params"]) => DispatchCommand["params"],
): void {
  const at = commands.findIndex(isUpdate);
  const dispatch = commands[at] as DispatchCommand;
  commands[at] = { ...dispatch, params: { ...dispatch.params, ...change(dispatch.params) } };
}

/** The optimizer takes steps `factor` times as large in updates `from` to `to`: a learning rate far too high. */
export const hurries =
  (factor: number, from: number, to: number): Fault =>
  (commands, update) => {
    if (update < from || update > to) return;
    changeUpdate(commands, ({ learning_rate }) => ({ learning_rate: factor * learning_rate! }));
  };

/** A word of `tensor` is overwritten after update `when`. */
export const writesTo =
  (tensor: () => Tensor, when: number): Fault =>
  (commands, update) => {
    if (update !== when) return;
    const data = new Uint8Array(Uint32Array.of(0x3f803f80).buffer);
    commands.push({ kind: "write", target: { ...tensor(), shape: [1], element: "u32" }, data });
  };

/** From update `when` on the GPU computes nothing, and says nothing of it: zeros come back. */
export const fallsSilent =
  (when: number): Fault =>
  (commands, update) => {
    if (update >= when) readsZeros(commands);
  };

/** Whatever is read back is zero. */
export function readsZeros(commands: Command[]): void {
  for (const [i, command] of commands.entries()) {
    if (command.kind !== "read") continue;
    const { deliver, reject } = command.settle;
    const settle = { deliver: (bytes: Uint8Array) => deliver(new Uint8Array(bytes.length)), reject };
    commands[i] = { ...command, settle };
  }
}

/** The linear layer of this path. */
export function linearAt(tree: ModuleTree, path: string): { leaf: Linear; replace(leaf: Linear): void } {
  const found = namedLeaves(tree).find((one) => one.path === path);
  if (found?.leaf.kind !== "linear") throw new Error(`no linear layer at ${path}`);
  return { leaf: found.leaf, replace: found.replace };
}

/** A tree in which nobody can put another layer in the place of this one. */
export function freezeLeaf(tree: ModuleTree, path: string): void {
  const parts = path.split(".");
  const name = parts.pop()!;
  const parent = parts.reduce<unknown>((node, part) => (node as Record<string, unknown>)[part], tree) as ModuleTree;
  const leaf = parent[name]!;
  Object.defineProperty(parent, name, { enumerable: true, get: () => leaf, set() {} });
}
