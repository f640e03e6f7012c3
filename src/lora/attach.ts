/**
 * LoRA is a transformation of a built model: chosen linear layers are replaced by themselves plus a low-rank term. Model
 * files do not know it exists. All factors lie in one flat buffer and their gradients in another of the same layout, so
 * that clearing, norm, clipping and AdamW are a few dispatches whatever the model.
 */
import { modelError } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { wholeIfClose } from "../formats/adapter-config.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { Device } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import { ALIGNMENT, alignUp, type Tensor, tensorBytes } from "../gpu/tensor.ts";
import type { Dropout, Linear, LowRank } from "../nn/linear.ts";
import type { ModuleTree } from "../nn/module.ts";
import { recordNorms } from "../ops/dora.ts";
import { type Adapter, type AdapterFactor, isDora, scaleOf } from "./adapter.ts";
import { type StrengthOptions, strengths } from "./patterns.ts";
import { type Target, targetLayers } from "./targets.ts";
import { isClose, withScales } from "./uniform.ts";

export interface LoraOptions extends StrengthOptions {
  /** `dora`: with a magnitude for each output. */
  readonly fineTuneType: "lora" | "dora";
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

/** A linear that gets factors of this rank, and what their product is multiplied with. */
interface Layer extends Target {
  readonly rank: number;
  readonly scale: number;
}

interface Slot extends Layer {
  readonly A: Tensor;
  readonly B: Tensor;
  /** null but for DoRA */
  readonly magnitude: Tensor | null;
}

/** The adapter of a model, on the device. */
export interface AttachedLora {
  /** Of layers that have no other. */
  readonly alpha: number;
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
  const own = strengths(
    targets.map(({ path }) => path),
    options,
  );
  const shape = { ...options, dora: options.fineTuneType === "dora" };
  const layers = targets.map((target, i) => ({ ...target, rank: own[i]!.rank, scale: own[i]!.scale }));
  const attached = attach(device, layers, shape);
  if (options.seed === null) return attached;
  const random = new Random(options.seed);
  const values = new Float32Array(attached.parameters.shape[0]!);
  // Drawn by module in the order of the model, so that the layout of the buffer does not change the start.
  for (const { A, linear, rank } of attached.slots) {
    const bound = 1 / Math.sqrt(linear.shape[1]);
    const first = A.offset / 4;
    for (let i = 0; i < rank * linear.shape[1]; i++) values[first + i] = (2 * random.uniform() - 1) * bound;
  }
  device.upload(attached.parameters, new Uint8Array(values.buffer));
  if (shape.dora) await writeNorms(attached, device);
  return attached;
}

/** Each magnitude is the norm of its row of W: B is zero. */
async function writeNorms({ slots }: AttachedLora, device: Device): Promise<void> {
  const program = new Program();
  for (const { linear, A, B, scale, magnitude } of slots) {
    if (!linear.weight) throw modelError("a linear layer has no weights yet");
    const norms = program.tensor(magnitude!.shape, "lora.norms");
    recordNorms(program, linear.weight, { A, B, scale }, norms);
    program.copy(norms, magnitude!);
  }
  await device.run(program);
}

/** Puts an existing adapter on `tree`, each layer with its rank and its scale. It must fit: `checkAdapterFits` reports every misfit before. */
export function attachAdapter(
  tree: ModuleTree,
  device: Device,
  adapter: Adapter,
  options: { readonly trainable: boolean; readonly dropout?: number },
): AttachedLora {
  // In the model's order, as fresh adapters have it, so that the two lie alike in the buffer.
  const byPath = new Map(adapter.factors.map((factor) => [factor.module, factor]));
  const all = targetLayers(tree, { targetModules: null, numLayers: 0 });
  const targets = all.filter(({ path }) => byPath.has(path));
  const foreign = adapter.factors.find(({ module }) => !targets.some(({ path }) => path === module));
  if (foreign) throw modelError(`the adapter has factors for ${foreign.module}, which this model does not have`);
  const factors = targets.map(({ path }) => byPath.get(path)!);
  const layers = targets.map((target, i) => ({
    ...target,
    rank: factors[i]!.rank,
    scale: scaleOf(adapter, factors[i]!),
  }));
  const { alpha, dropout, use_rslora: useRslora } = adapter;
  const attached = attach(device, layers, {
    ...{ alpha, useRslora, dora: isDora(adapter) },
    ...{ trainable: options.trainable, dropout: options.dropout ?? dropout },
  });
  writeFactors(attached, device, factors);
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
  return attached.slots.map(({ path, linear, rank, A, B, magnitude: m }) => {
    const [out_features, in_features] = linear.shape;
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
  { num_hidden_layers, in_language_model }: Pick<ModelConfig, "num_hidden_layers" | "in_language_model">,
  values: Float32Array,
): Adapter {
  const { slots, dropout } = attached;
  const layers = readFactors(attached, values).map((factor, i) => ({ factor, scale: slots[i]!.scale }));
  const { rank, scale, factors } = withScales(layers, slots[0]!.scale);
  const alike = slots.every((slot) => slot.rank === rank && isClose(slot.scale, scale));
  const strength = alike
    ? { alpha: attached.alpha, use_rslora: attached.useRslora }
    : { alpha: wholeIfClose(scale * rank), use_rslora: false };
  const inside = in_language_model ? { in_language_model } : {};
  return { rank, scale, dropout, num_hidden_layers, factors, ...strength, ...inside };
}

interface Shape {
  readonly dora: boolean;
  readonly alpha: number;
  readonly useRslora: boolean;
  readonly dropout: number;
  readonly trainable: boolean;
}

function attach(device: Device, layers: readonly Layer[], shape: Shape): AttachedLora {
  if (shape.dora && shape.trainable && shape.dropout > 0) throw modelError("DoRA is trained without dropout here");
  const { offsets, bytes } = layOut(layers, shape);
  const parameters = device.allocate([bytes / 4], "lora.parameters");
  const gradients = shape.trainable ? device.allocate([bytes / 4], "lora.gradients") : null;
  const view = (at: Place): Tensor => {
    const value = { storage: parameters.storage, offset: at.offset, shape: at.shape, element: "f32" } as const;
    return gradients ? { ...value, grad: { ...value, storage: gradients.storage } } : value;
  };
  const slots = layers.map((layer, i) => {
    const { A, B, magnitude } = offsets[i]!;
    return { ...layer, A: view(A), B: view(B), magnitude: magnitude && view(magnitude) };
  });
  const attached: AttachedLora = {
    alpha: shape.alpha,
    useRslora: shape.useRslora,
    dropout: shape.dropout,
    slots,
    parameters,
    gradients,
    dropoutSeed: 0,
  };
  for (const [i, { A, B, scale, magnitude, linear, replace }] of slots.entries()) {
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
function layOut(targets: readonly Layer[], { dora }: Shape) {
  let bytes = 0;
  const place = (shape: readonly number[]): Place => {
    const offset = bytes;
    bytes += alignUp(tensorBytes({ shape, element: "f32" }), ALIGNMENT);
    return { offset, shape };
  };
  const places = new Map<Layer, Places>();
  for (const block of new Set(targets.map((target) => target.block))) {
    const own = targets.filter((target) => target.block === block);
    const As = own.map(({ linear, rank }) => place([alignUp(rank, 4), linear.shape[1]]));
    const Bs = own.map(({ linear, rank }) => place([linear.shape[0], alignUp(rank, 4)]));
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
