/**
 * The fused model's answers against those of base and adapter together, on a few probes: the only proof that does not
 * trust the merge's own arithmetic.
 */
import { relativeDifference } from "../../core/difference.ts";
import type { Example } from "../../data/encode.ts";
import type { Device } from "../../gpu/device.ts";
import type { Adapter } from "../../lora/adapter.ts";
import { type MergeSums, roundingError } from "../../lora/merge.ts";
import type { CausalLM } from "../../models/model.ts";
import { type Check, logitsWith } from "../verify.ts";

/** What the model says on the probes before it is fused. */
export interface LiveLogits {
  readonly base: Float32Array;
  /** With the adapter beside the weights. */
  readonly tuned: Float32Array;
}

export async function liveLogits(
  device: Device,
  model: CausalLM,
  adapter: Adapter,
  probes: readonly Example[],
): Promise<LiveLogits> {
  return {
    base: await logitsWith(device, model, null, probes),
    tuned: await logitsWith(device, model, adapter, probes),
  };
}

/** float32 sums in another order: x·(W + Δ)ᵀ instead of x·Wᵀ + (x·Aᵀ)·Bᵀ. Measured 5e-7. */
const ARITHMETIC = 1e-5;
/** How much more than its own size a relative error in one layer may move the logits. Measured 0.4 to 1.0 of it. */
const PASSED_ON = 4;

/**
 * Largest relative difference (L2) of the logits that rounding explains. Each merged layer was moved by rounding, by
 * ε = ‖round(W + Δ) − (W + Δ)‖ / ‖W + Δ‖, measured while merging: about 1.1e-3 in BF16, 1.4e-4 in F16, 2e-8 in F32. The
 * errors of numbers and of layers are independent, so they add in squares: 1e-5 + 4 · √(Σ ε²).
 */
export function allowedDifference(merged: Iterable<MergeSums>): number {
  let squares = 0;
  for (const sums of merged) squares += roundingError(sums) ** 2;
  return ARITHMETIC + PASSED_ON * Math.sqrt(squares);
}

export interface LogitsProof {
  readonly check: Check;
  /** The base alone is no farther from the tuned model than rounding may be: the proof could not tell them apart. */
  readonly blind: boolean;
}

/** `fused`: the model as loaded from the written files. */
export async function proveLogits(
  device: Device,
  fused: CausalLM,
  { base, tuned }: LiveLogits,
  probes: readonly Example[],
  allowed: number,
): Promise<LogitsProof> {
  const difference = relativeDifference(await logitsWith(device, fused, null, probes), tuned);
  const effect = relativeDifference(base, tuned);
  const show = (value: number) => value.toExponential(1);
  const evidence =
    `relative difference ${show(difference)} on ${probes.length} probes, ${show(allowed)} allowed; ` +
    `the base alone differs by ${show(effect)}`;
  return {
    check: {
      name: "the fused model, read from disk, gives the adapter's logits",
      passed: difference <= allowed,
      evidence,
    },
    blind: effect <= allowed,
  };
}
