/**
 * Base + adapter → one model, and the proof that it is that. Nothing here gives the result its name: whoever called does
 * so when every check has passed, and removes it otherwise.
 */
import type { ModelSource } from "../../core/bytes.ts";
import { openCheckpoint } from "../../formats/checkpoint.ts";
import type { Device } from "../../gpu/device.ts";
import type { Adapter } from "../../lora/adapter.ts";
import { checkAdapterFits } from "../../lora/fits.ts";
import { addSums, lostShare, NO_SUMS } from "../../lora/merge.ts";
import { linearShapes } from "../../lora/targets.ts";
import { freeWeights, loadModel, readConfig } from "../../models/load.ts";
import { type ModelFacts, modelFacts } from "../facts.ts";
import type { Check } from "../verify.ts";
import { copyCompanions, proveCompanions } from "./companions.ts";
import { type FusedForm, type FusePlan, planFuse } from "./plan.ts";
import { fuseProbes } from "./probes.ts";
import { allowedDifference, type LiveLogits, liveLogits, proveLogits } from "./prove-logits.ts";
import { proveWeights } from "./prove-weights.ts";
import { type FusedWriter, type Merged, writeFused } from "./write.ts";

/** Where the fused model goes, and the same place read back. */
export interface FuseStore extends FusedWriter {
  readonly written: ModelSource;
}

export interface FuseRequest {
  readonly device: Device;
  readonly source: ModelSource;
  readonly adapter: Adapter;
  /** A quantised base stays one, its codes written again; otherwise it is decoded. Refused for a plain base. */
  readonly requantize?: boolean;
  /** Called once the base is loaded and the adapter fits it, before anything is written. */
  onBase?(facts: ModelFacts): void;
  /** What is being done, with bytes done and bytes in all. */
  onProgress?(what: string, done: number, total: number): void;
  readonly signal?: AbortSignal;
}

export interface FuseResult {
  /** The model is proved when all have passed. */
  readonly checks: readonly Check[];
  readonly form: FusedForm;
  /** ‖what rounding did‖ / ‖what the adapter adds‖, over all adapted layers and for each; 1 where nothing is left of a change. */
  readonly lost: number;
  readonly layers: readonly { readonly module: string; readonly lost: number }[];
  /** The adapter's effect on the logits is no larger than what rounding may do to them. */
  readonly blind: boolean;
  readonly bytes: number;
  /** Files with weights. */
  readonly files: readonly string[];
}

/**
 * Loads the base for its answers, gives its memory back, writes, reads everything back, loads what was written.
 * Throws ModelError for an adapter that does not fit and for bases that cannot be merged into, before anything is written.
 */
export async function fuseAndProve(request: FuseRequest, store: FuseStore): Promise<FuseResult> {
  const { source, adapter, signal } = request;
  const options = (what: string) => ({
    onProgress: (done: number, total: number) => request.onProgress?.(what, done, total),
    ...(signal ? { signal } : {}),
  });
  const checkpoint = await openCheckpoint(source);
  const { quantization } = await readConfig(source);
  const planOptions = { label: source.label, quantization, requantize: request.requantize ?? false };
  const { live, probes } = await answersBefore(request, options("loading the base"));
  const plan = planFuse(checkpoint, adapter, planOptions);
  const merged = await writeFused(plan, checkpoint, store, options("merging"));
  await copyCompanions(source, store, plan.form);
  const checks = await proveWeights(plan, checkpoint, store.written, options("reading back"));
  checks.push(await proveCompanions(source, store.written, plan.form));
  // What a wrong model says proves nothing more.
  const wrong = checks.some(({ passed }) => !passed);
  const proof = wrong
    ? null
    : await answersAfter(request, store.written, live, probes, merged, options("loading what was written"));
  return { ...summary(plan, merged), checks: proof ? [...checks, proof.check] : checks, blind: proof?.blind ?? false };
}

type Options = Parameters<typeof loadModel>[2];

async function answersBefore({ device, source, adapter, onBase }: FuseRequest, options: Options) {
  const model = await loadModel(source, device, options);
  try {
    checkAdapterFits(adapter, linearShapes(model.tree));
    onBase?.(modelFacts(model));
    const probes = await fuseProbes(source, model);
    return { probes, live: await liveLogits(device, model, adapter, probes) };
  } finally {
    freeWeights(model, device);
  }
}

async function answersAfter(
  { device }: FuseRequest,
  written: ModelSource,
  live: LiveLogits,
  probes: Parameters<typeof proveLogits>[3],
  merged: Merged,
  options: Options,
) {
  const fused = await loadModel(written, device, options);
  try {
    return await proveLogits(device, fused, live, probes, allowedDifference(merged.values()));
  } finally {
    freeWeights(fused, device);
  }
}

function summary(plan: FusePlan, merged: Merged) {
  const adapted = [...merged].filter(([{ factor }]) => factor);
  const all = adapted.map(([, sums]) => sums).reduce(addSums, NO_SUMS);
  return {
    form: plan.form,
    lost: lostShare(all) ?? 0,
    layers: adapted.map(([{ path }, sums]) => ({ module: path, lost: lostShare(sums) ?? 0 })),
    bytes: plan.bytes,
    files: plan.files.map(({ path }) => path),
  };
}
