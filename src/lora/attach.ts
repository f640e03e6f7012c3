/**
 * LoRA is a transformation of a built model: chosen linear layers are replaced by themselves plus a low-rank term. Model
 * files do not know it exists. All factors lie in one flat buffer and their gradients in another of the same layout, so
 * that clearing, norm, clipping and AdamW are a few dispatches whatever the model.
 */
import { modelError } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { Device } from "../gpu/device.ts";
import { ALIGNMENT, alignUp, type Tensor, tensorBytes } from "../gpu/tensor.ts";
import type { Dropout, Linear, LowRank } from "../nn/linear.ts";
import type { ModuleTree } from "../nn/module.ts";
import type { Adapter, AdapterFactor } from "./adapter.ts";
import { type Target, targetLayers } from "./targets.ts";
import { uniformAdapter } from "./uniform.ts";

export interface LoraOptions {
  readonly rank: number;
  readonly alpha: number;
  /** Probability of dropping an input of the adapter while training. */
  readonly dropout: number;
  /** Leaf names ("q_proj") or block-relative paths ("self_attn.q_proj"). */
  readonly targetModules: readonly string[];
  /** Adapt only the last so many blocks; 0 or less: all. */
  readonly numLayers: number;
  /** null: all zeros, for a device that only counts. */
  readonly seed: number | null;
  /** Without gradients: for generation and evaluation. */
  readonly trainable: boolean;
}

interface Slot extends Target {
  readonly A: Tensor;
  readonly B: Tensor;
}

/** The adapter of a model, on the device. */
export interface AttachedLora {
  readonly rank: number;
  readonly alpha: number;
  readonly scale: number;
  readonly dropout: number;
  readonly slots: readonly Slot[];
  /** f32 [P]: every A and B, each padded to 256 bytes; padding is zero and stays zero. */
  readonly parameters: Tensor;
  /** f32 [P], null when not trainable */
  readonly gradients: Tensor | null;
  /** Seed of the dropout masks; the trainer changes it before every micro-batch. */
  dropoutSeed: number;
}

/**
 * Puts a fresh adapter on `tree`: A uniform in ±1/√in (Kaiming uniform with a = √5, as peft and mlx-lm have it), B zero,
 * so that the model's answers are unchanged at first. Throws ModelError naming what exists when a target matches nothing.
 */
export function attachLora(tree: ModuleTree, device: Device, options: LoraOptions): AttachedLora {
  const targets = targetLayers(tree, options);
  const attached = attach(device, targets, options, options.alpha / options.rank);
  if (options.seed === null) return attached;
  const random = new Random(options.seed);
  const values = new Float32Array(attached.parameters.shape[0]!);
  // Drawn by module in the order of the model, so that the layout of the buffer does not change the start.
  for (const { A, linear } of attached.slots) {
    const bound = 1 / Math.sqrt(linear.shape[1]);
    const first = A.offset / 4;
    for (let i = 0; i < options.rank * linear.shape[1]; i++) values[first + i] = (2 * random.uniform() - 1) * bound;
  }
  device.upload(attached.parameters, new Uint8Array(values.buffer));
  return attached;
}

/** Puts an existing adapter on `tree`, under one rank and one scale. It must fit: `checkAdapterFits` reports every misfit before. */
export function attachAdapter(
  tree: ModuleTree,
  device: Device,
  given: Adapter,
  options: { readonly trainable: boolean; readonly dropout?: number },
): AttachedLora {
  const { adapter } = uniformAdapter(given);
  // In the model's order, as fresh adapters have it, so that the two lie alike in the buffer.
  const byPath = new Map(adapter.factors.map((factor) => [factor.module, factor]));
  const all = targetLayers(tree, { targetModules: null, numLayers: 0 });
  const targets = all.filter(({ path }) => byPath.has(path));
  const foreign = adapter.factors.find(({ module }) => !targets.some(({ path }) => path === module));
  if (foreign) throw modelError(`the adapter has factors for ${foreign.module}, which this model does not have`);
  const { rank, alpha, dropout } = adapter;
  const merged = { rank, alpha, dropout: options.dropout ?? dropout, trainable: options.trainable };
  const attached = attach(device, targets, merged, adapter.scale);
  writeFactors(
    attached,
    device,
    targets.map(({ path }) => byPath.get(path)!),
  );
  return attached;
}

/** Uploads factors over those attached, in the same order. */
export function writeFactors(attached: AttachedLora, device: Device, factors: readonly AdapterFactor[]): void {
  const values = new Float32Array(attached.parameters.shape[0]!);
  for (const [i, { A, B }] of attached.slots.entries()) {
    const factor = factors[i]!;
    values.set(factor.A, A.offset / 4);
    const padded = B.shape[1]!;
    for (let row = 0; row < factor.out_features; row++) {
      const values_row = factor.B.subarray(row * factor.rank, (row + 1) * factor.rank);
      values.set(values_row, B.offset / 4 + row * padded);
    }
  }
  device.upload(attached.parameters, new Uint8Array(values.buffer));
}

/** The adapter as plain numbers, from the values of `parameters` (or of a buffer of the same layout). */
export function readFactors(attached: AttachedLora, values: Float32Array): AdapterFactor[] {
  return attached.slots.map(({ path, linear, A, B }) => {
    const [out_features, in_features] = linear.shape;
    const { rank } = attached;
    const padded = B.shape[1]!;
    const factorB = new Float32Array(out_features * rank);
    for (let row = 0; row < out_features; row++) {
      const from = B.offset / 4 + row * padded;
      factorB.set(values.subarray(from, from + rank), row * rank);
    }
    const factorA = values.slice(A.offset / 4, A.offset / 4 + rank * in_features);
    return { module: path, in_features, out_features, rank, A: factorA, B: factorB };
  });
}

/** The adapter of these values, as plain numbers. */
export function adapterOf(
  attached: AttachedLora,
  { num_hidden_layers }: Pick<ModelConfig, "num_hidden_layers">,
  values: Float32Array,
): Adapter {
  const { rank, alpha, scale, dropout } = attached;
  const factors = readFactors(attached, values);
  return { rank, alpha, scale, dropout, use_rslora: false, num_hidden_layers, factors };
}

interface Shape {
  readonly rank: number;
  readonly alpha: number;
  readonly dropout: number;
  readonly trainable: boolean;
}

function attach(device: Device, targets: readonly Target[], shape: Shape, scale: number): AttachedLora {
  const { offsets, bytes } = layOut(targets, shape.rank);
  const parameters = device.allocate([bytes / 4], "lora.parameters");
  const gradients = shape.trainable ? device.allocate([bytes / 4], "lora.gradients") : null;
  const view = (at: { offset: number; shape: readonly [number, number] }): Tensor => {
    const value = { storage: parameters.storage, offset: at.offset, shape: at.shape, element: "f32" } as const;
    return gradients ? { ...value, grad: { ...value, storage: gradients.storage } } : value;
  };
  const slots = targets.map((target, i) => ({ ...target, A: view(offsets[i]!.A), B: view(offsets[i]!.B) }));
  const attached: AttachedLora = {
    rank: shape.rank,
    alpha: shape.alpha,
    scale,
    dropout: shape.dropout,
    slots,
    parameters,
    gradients,
    dropoutSeed: 0,
  };
  for (const [i, { A, B, linear, replace }] of slots.entries()) {
    const lowRank: LowRank = { A, B, scale, dropout: dropoutOf(attached, i) };
    replace({ ...linear, lowRank } satisfies Linear);
  }
  return attached;
}

function dropoutOf(attached: AttachedLora, slot: number): Dropout | null {
  if (attached.dropout === 0) return null;
  return { p: attached.dropout, seed: () => (Math.imul(attached.dropoutSeed, 0x9e3779b1) + slot) >>> 0 };
}

/**
 * Byte offsets of every factor: per block first all A, then all B. Layers that share an input stand side by side, and
 * so do their A: their low-rank products become one dispatch.
 */
function layOut(targets: readonly Target[], rank: number) {
  const padded = alignUp(rank, 4);
  let bytes = 0;
  const place = (shape: readonly [number, number]) => {
    const offset = bytes;
    bytes += alignUp(tensorBytes({ shape, element: "f32" }), ALIGNMENT);
    return { offset, shape };
  };
  const places = new Map<Target, { A: ReturnType<typeof place>; B: ReturnType<typeof place> }>();
  for (const block of new Set(targets.map((target) => target.block))) {
    const own = targets.filter((target) => target.block === block);
    const As = own.map(({ linear }) => place([padded, linear.shape[1]]));
    const Bs = own.map(({ linear }) => place([linear.shape[0], padded]));
    for (const [i, target] of own.entries()) places.set(target, { A: As[i]!, B: Bs[i]! });
  }
  return { offsets: targets.map((target) => places.get(target)!), bytes };
}

/** Takes the adapter off and leaves the plain base; `putBack` restores it. */
export function detachAdapter(tree: ModuleTree): { putBack(): void } {
  const adapted = targetLayers(tree, { targetModules: null, numLayers: 0 }).filter(({ linear }) => linear.lowRank);
  for (const { linear, replace } of adapted) replace({ ...linear, lowRank: null });
  return {
    putBack() {
      for (const { linear, replace } of adapted) replace(linear);
    },
  };
}

/** Frees the adapter's buffers; take it off the model first. */
export function freeLora(device: Device, { parameters, gradients }: AttachedLora): void {
  device.free(parameters);
  if (gradients) device.free(gradients);
}
