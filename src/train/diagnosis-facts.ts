/** What `diagnose` reads off a device after training: which factors moved, and what the optimizer holds. */
import { type Device, fetchFloats } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { LayerFacts } from "../health/diagnosis.ts";
import { type Adapter, type AdapterFactor, firstNonFinite } from "../lora/adapter.ts";
import { type AttachedLora, readFactors } from "../lora/attach.ts";
import type { CausalLM } from "../models/model.ts";
import type { LowRank } from "../nn/linear.ts";
import { namedLeaves } from "../nn/module.ts";

/** A GPU→CPU wait. */
export const readTensor = (device: Device, tensor: Tensor): Promise<Float32Array> =>
  fetchFloats(device, new Program(), tensor);

/** What of an adapter there is to look at beside its factors as they are now. */
export interface Adapted {
  readonly lora: AttachedLora;
  /** The factors before training, null for an adapter that was brought, whose B is held against zeros. */
  readonly initial: readonly AdapterFactor[] | null;
  readonly trial: { readonly optimizer: { readonly m: Tensor } } | null;
}

/**
 * Layer by layer, by name. Gradients are those of the last update. An A that was trained counts as moved only when it has
 * had a gradient: weight decay alone moves it too.
 */
export async function layerFacts(
  device: Device,
  model: CausalLM,
  { lora, initial, trial }: Adapted,
  now: Adapter,
): Promise<LayerFacts[]> {
  const gradients = lora.gradients ? readFactors(lora, await readTensor(device, lora.gradients)) : null;
  const moments = trial ? readFactors(lora, await readTensor(device, trial.optimizer.m)) : null;
  const leaves = new Map(namedLeaves(model.tree).map(({ path, leaf }) => [path, leaf]));
  return lora.slots.map(({ path, A, B, magnitude }, i) => {
    const factor = now.factors[i]!;
    const before = initial?.[i];
    const gradient = gradients?.[i];
    const leaf = leaves.get(path);
    const inUse = leaf?.kind === "linear" ? leaf.lowRank : null;
    return {
      module: path,
      inForward: inUse !== null && [A, B, magnitude].every((one, j) => sameTensor(inUsed(inUse)[j]!, one)),
      movedA: before ? differs(factor.A, before.A) && has(moments?.[i]?.A) : has(factor.A),
      movedB: before ? differs(factor.B, before.B) : has(factor.B),
      gradient: gradient && initial ? Math.hypot(...valuesOf(gradient).map(norm)) : null,
      finite: valuesOf(factor).every((values) => firstNonFinite(values) < 0),
    };
  });
}

const inUsed = ({ A, B, magnitude }: LowRank): (Tensor | null)[] => [A, B, magnitude];
const valuesOf = ({ A, B, magnitude }: AdapterFactor): Float32Array[] => [A, B, ...(magnitude ? [magnitude] : [])];
const sameTensor = (a: Tensor | null, b: Tensor | null): boolean =>
  a?.storage === b?.storage && a?.offset === b?.offset;
const differs = (a: Float32Array, b: Float32Array): boolean => a.some((value, i) => !Object.is(value, b[i]));
const has = (values: Float32Array | undefined): boolean => values?.some((value) => value !== 0) ?? false;
const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** Numbers that are not 0. */
export const countNonZero = (values: Float32Array): number =>
  values.reduce((count, value) => (value === 0 ? count : count + 1), 0);
