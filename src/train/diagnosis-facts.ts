/** What `diagnose` reads off a device after training: which factors moved, what the optimizer holds, what a file gives. */
import { memoryModel } from "../core/bytes.ts";
import { relativeDifference } from "../core/difference.ts";
import { LorikeetError } from "../core/errors.ts";
import type { Example } from "../data/encode.ts";
import { type Device, fetchFloats } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { LayerFacts } from "../health/diagnosis.ts";
import { type Adapter, type AdapterFactor, firstNonFinite } from "../lora/adapter.ts";
import { type AttachedLora, readFactors } from "../lora/attach.ts";
import { exportMlx } from "../lora/export.ts";
import { importAdapter } from "../lora/import.ts";
import type { CausalLM } from "../models/model.ts";
import { namedLeaves } from "../nn/module.ts";
import { logitsWith } from "./verify.ts";

/** Largest relative difference of logits between the live adapter and its file; both come from the same kernels. */
const SAME_LOGITS = 1e-6;

/** A GPU→CPU wait. */
export const readTensor = (device: Device, tensor: Tensor): Promise<Float32Array> =>
  fetchFloats(device, new Program(), tensor);

/** The adapter as it is on the device now. */
export async function readAdapter(device: Device, model: CausalLM, lora: AttachedLora): Promise<Adapter> {
  const { rank, alpha, scale, dropout } = lora;
  const factors = readFactors(lora, await readTensor(device, lora.parameters));
  const { num_hidden_layers } = model.config;
  return { rank, alpha, scale, dropout, use_rslora: false, num_hidden_layers, factors };
}

/**
 * Layer by layer, by name. `initial`: the factors before training, null for an adapter that was brought, whose B is held
 * against the zeros that every adapter begins with. Gradients are those of the last update.
 */
export async function layerFacts(
  device: Device,
  model: CausalLM,
  lora: AttachedLora,
  now: Adapter,
  initial: readonly AdapterFactor[] | null,
): Promise<LayerFacts[]> {
  const gradients = lora.gradients ? readFactors(lora, await readTensor(device, lora.gradients)) : null;
  const leaves = new Map(namedLeaves(model.tree).map(({ path, leaf }) => [path, leaf]));
  return lora.slots.map(({ path, A, B }, i) => {
    const factor = now.factors[i]!;
    const before = initial?.[i];
    const gradient = gradients?.[i];
    const leaf = leaves.get(path);
    const inUse = leaf?.kind === "linear" ? leaf.lowRank : null;
    return {
      module: path,
      inForward: inUse !== null && sameTensor(inUse.A, A) && sameTensor(inUse.B, B),
      movedA: before ? differs(factor.A, before.A) : factor.A.some((value) => value !== 0),
      movedB: before ? differs(factor.B, before.B) : factor.B.some((value) => value !== 0),
      gradient: gradient && initial ? Math.hypot(norm(gradient.A), norm(gradient.B)) : null,
      finite: firstNonFinite(factor.A) < 0 && firstNonFinite(factor.B) < 0,
    };
  });
}

const sameTensor = (a: Tensor, b: Tensor): boolean => a.storage === b.storage && a.offset === b.offset;
const differs = (a: Float32Array, b: Float32Array): boolean => a.some((value, i) => !Object.is(value, b[i]));
const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** Numbers that are not 0. */
export const countNonZero = (values: Float32Array): number =>
  values.reduce((count, value) => (value === 0 ? count : count + 1), 0);

/** Writes the adapter in memory, reads it back and compares logits with `live`. Null when they are the same. */
export async function fileProblem(
  device: Device,
  model: CausalLM,
  adapter: Adapter,
  { probes, live }: { readonly probes: readonly Example[]; readonly live: Float32Array },
): Promise<string | null> {
  try {
    const back = await importAdapter(memoryModel("the written adapter", exportMlx(adapter)));
    const difference = relativeDifference(await logitsWith(device, model, back, probes), live);
    if (difference <= SAME_LOGITS) return null;
    return `its logits differ from the live adapter's by ${difference.toExponential(2)}, relatively`;
  } catch (error) {
    if (error instanceof LorikeetError) return error.message;
    throw error;
  }
}
