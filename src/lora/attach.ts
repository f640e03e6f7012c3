/**
 * LoRA is a transformation of a built model: chosen linear layers are replaced by themselves plus a low-rank term. Model
 * files do not know it exists. All factors lie in one flat buffer and their gradients in another of the same layout, so
 * that clearing, norm, clipping and AdamW are a few dispatches whatever the model.
 */
import { modelError } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { Device } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import { ALIGNMENT, alignUp, type Tensor, tensorBytes } from "../gpu/tensor.ts";
import type { Dropout, Linear, LowRank } from "../nn/linear.ts";
import type { ModuleTree } from "../nn/module.ts";
import { recordNorms } from "../ops/dora.ts";
import { type Adapter, type AdapterFactor, isDora } from "./adapter.ts";
import { type Target, targetLayers } from "./targets.ts";
import { uniformAdapter } from "./uniform.ts";

export interface LoraOptions {
  /** `dora`: with a magnitude for each output. */
  readonly fineTuneType: "lora" | "dora";
  readonly rank: number;
  readonly alpha: number;
  /** The scale is alpha / √rank instead of alpha / rank. */
  readonly useRslora: boolean;
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
  /** null but for DoRA */
  readonly magnitude: Tensor | null;
}

/** The adapter of a model, on the device. */
export interface AttachedLora {
  readonly rank: number;
  readonly alpha: number;
  readonly scale: number;
  readonly useRslora: boolean;
  readonly dropout: number;
  readonly slots: readonly Slot[];
  /** f32 [P]: every A and B, and DoRA's magnitudes, each padded to 256 bytes; padding is zero and stays zero. */
  readonly parameters: Tensor;
  /** f32 [P], null when not trainable */
  readonly gradients: Tensor | null;
  /** Seed of the dropout masks; the trainer changes it before every micro-batch. */
  dropoutSeed: number;
}

/**
 * Puts a fresh adapter on `tree`: A uniform in ±1/√in (Kaiming uniform with a = √5, as peft and mlx-lm have it), B zero,
 * so that the model's answers are unchanged at first; DoRA's magnitudes are the norms of W's rows, computed on the device.
 * Throws ModelError naming what exists when a target matches nothing.
 */
export async function attachLora(tree: ModuleTree, device: Device, options: LoraOptions): Promise<AttachedLora> {
  const targets = targetLayers(tree, options);
  const { rank, alpha, useRslora } = options;
  const shape = { ...options, dora: options.fineTuneType === "dora" };
  const attached = attach(device, targets, shape, alpha / (useRslora ? Math.sqrt(rank) : rank));
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
  if (shape.dora) await writeNorms(attached, device);
  return attached;
}

/** Each magnitude is the norm of its row of W: B is zero. */
async function writeNorms({ slots, scale }: AttachedLora, device: Device): Promise<void> {
  const program = new Program();
  for (const { linear, A, B, magnitude } of slots) {
    if (!linear.weight) throw modelError("a linear layer has no weights yet");
    const norms = program.tensor(magnitude!.shape, "lora.norms");
    recordNorms(program, linear.weight, { A, B, scale }, norms);
    program.copy(norms, magnitude!);
  }
  await device.run(program);
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
  const { rank, alpha, dropout, use_rslora: useRslora } = adapter;
  const dora = isDora(adapter);
  const merged = { rank, alpha, useRslora, dora, ...options, dropout: options.dropout ?? dropout };
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
  for (const [i, { A, B, magnitude }] of attached.slots.entries()) {
    const factor = factors[i]!;
    values.set(factor.A, A.offset / 4);
    if (magnitude) values.set(factor.magnitude!, magnitude.offset / 4);
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
  return attached.slots.map(({ path, linear, A, B, magnitude: m }) => {
    const [out_features, in_features] = linear.shape;
    const { rank } = attached;
    const padded = B.shape[1]!;
    const factorB = new Float32Array(out_features * rank);
    for (let row = 0; row < out_features; row++) {
      const from = B.offset / 4 + row * padded;
      factorB.set(values.subarray(from, from + rank), row * rank);
    }
    const factorA = values.slice(A.offset / 4, A.offset / 4 + rank * in_features);
    const magnitude = m && values.slice(m.offset / 4, m.offset / 4 + out_features);
    const factor = { module: path, in_features, out_features, rank, A: factorA, B: factorB };
    return magnitude ? { ...factor, magnitude } : factor;
  });
}

/** The adapter of these values, as plain numbers. */
export function adapterOf(
  attached: AttachedLora,
  { num_hidden_layers }: Pick<ModelConfig, "num_hidden_layers">,
  values: Float32Array,
): Adapter {
  const { rank, alpha, scale, dropout, useRslora: use_rslora } = attached;
  const factors = readFactors(attached, values);
  return { rank, alpha, scale, dropout, use_rslora, num_hidden_layers, factors };
}

interface Shape {
  readonly dora: boolean;
  readonly rank: number;
  readonly alpha: number;
  readonly useRslora: boolean;
  readonly dropout: number;
  readonly trainable: boolean;
}

function attach(device: Device, targets: readonly Target[], shape: Shape, scale: number): AttachedLora {
  if (shape.dora && shape.trainable && shape.dropout > 0) throw modelError("DoRA is trained without dropout here");
  const { offsets, bytes } = layOut(targets, shape);
  const parameters = device.allocate([bytes / 4], "lora.parameters");
  const gradients = shape.trainable ? device.allocate([bytes / 4], "lora.gradients") : null;
  const view = (at: Place): Tensor => {
    const value = { storage: parameters.storage, offset: at.offset, shape: at.shape, element: "f32" } as const;
    return gradients ? { ...value, grad: { ...value, storage: gradients.storage } } : value;
  };
  const slots = targets.map((target, i) => {
    const { A, B, magnitude } = offsets[i]!;
    return { ...target, A: view(A), B: view(B), magnitude: magnitude && view(magnitude) };
  });
  const attached: AttachedLora = {
    rank: shape.rank,
    alpha: shape.alpha,
    scale,
    useRslora: shape.useRslora,
    dropout: shape.dropout,
    slots,
    parameters,
    gradients,
    dropoutSeed: 0,
  };
  for (const [i, { A, B, magnitude, linear, replace }] of slots.entries()) {
    const lowRank: LowRank = { A, B, scale, magnitude, dropout: dropoutOf(attached, i) };
    replace({ ...linear, lowRank } satisfies Linear);
  }
  return attached;
}

function dropoutOf(attached: AttachedLora, slot: number): Dropout | null {
  if (attached.dropout === 0) return null;
  return { p: attached.dropout, seed: () => (Math.imul(attached.dropoutSeed, 0x9e3779b1) + slot) >>> 0 };
}

interface Place {
  readonly offset: number;
  readonly shape: readonly number[];
}

interface Places {
  readonly A: Place;
  readonly B: Place;
  readonly magnitude: Place | null;
}

/**
 * Byte offsets of every factor: per block first all A, then all B, then all magnitudes. Layers that share an input stand
 * side by side, and so do their A: their low-rank products become one dispatch.
 */
function layOut(targets: readonly Target[], { rank, dora }: Shape) {
  const padded = alignUp(rank, 4);
  let bytes = 0;
  const place = (shape: readonly number[]): Place => {
    const offset = bytes;
    bytes += alignUp(tensorBytes({ shape, element: "f32" }), ALIGNMENT);
    return { offset, shape };
  };
  const places = new Map<Target, Places>();
  for (const block of new Set(targets.map((target) => target.block))) {
    const own = targets.filter((target) => target.block === block);
    const As = own.map(({ linear }) => place([padded, linear.shape[1]]));
    const Bs = own.map(({ linear }) => place([linear.shape[0], padded]));
    const magnitudes = own.map(({ linear }) => (dora ? place([linear.shape[0]]) : null));
    for (const [i, target] of own.entries()) {
      places.set(target, { A: As[i]!, B: Bs[i]!, magnitude: magnitudes[i]! });
    }
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
