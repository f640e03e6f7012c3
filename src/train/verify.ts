/**
 * Proof before hand-over: the base is what it was, the adapter is finite, moved and changes the logits, its answers are
 * coherent, and the written files, read back, give the live adapter's logits.
 */
import type { ModelSource } from "../core/bytes.ts";
import { relativeDifference } from "../core/difference.ts";
import { LorikeetError } from "../core/errors.ts";
import { listed } from "../core/units.ts";
import { layFlat } from "../data/batches.ts";
import type { Example } from "../data/encode.ts";
import type { Device } from "../gpu/device.ts";
import type { Adapter } from "../lora/adapter.ts";
import { attachAdapter, detachAdapter } from "../lora/attach.ts";
import { measureAdapter } from "../lora/audit.ts";
import { checkAdapterFits } from "../lora/fits.ts";
import { importAdapter } from "../lora/import.ts";
import type { CausalLM } from "../models/model.ts";
import type { DoneEvent } from "./events.ts";
import { computeLogits } from "./logits.ts";

export interface Check {
  readonly name: string;
  readonly passed: boolean;
  /** What was measured, for people. */
  readonly evidence: string;
  /** Not about the files, which are right, but about what the model says with them. */
  readonly about?: "answers";
}

/** What the run that made the adapter knows about it. */
export type TrainedFacts = Pick<DoneEvent, "unmoved" | "baseChanged" | "answers">;

/** Largest relative difference (L2) between live and read-back logits; both come from the same kernels. */
const SAME_LOGITS = 1e-6;
/** The check of the file alone; the others are about what the adapter has become. */
export const WRITTEN_RIGHT = "the written file gives the live logits";
/** Says nothing of an adapter that was not trained here: some of its layers may be meant to rest. */
export const ALL_MOVED = "every layer's adapter moved";
const PROBES = 3;
const PROBE_TOKENS = 64;

/** Short beginnings of a few examples: what the logits are compared on. */
export function probeExamples(examples: readonly Example[]): Example[] {
  return examples.slice(0, PROBES).map((example) => ({
    ...example,
    ids: example.ids.slice(0, PROBE_TOKENS),
    labels: example.labels.slice(0, PROBE_TOKENS),
  }));
}

/** The logits of the probes with `adapter` on the model (null: the base alone). The model's own adapter is put back. */
export async function logitsWith(
  device: Device,
  model: CausalLM,
  adapter: Adapter | null,
  probes: readonly Example[],
): Promise<Float32Array> {
  const before = detachAdapter(model.tree);
  const attached = adapter ? attachAdapter(model.tree, device, adapter, { trainable: false }) : null;
  try {
    return await computeLogits(device, model, layFlat(probes));
  } finally {
    detachAdapter(model.tree);
    if (attached) device.free(attached.parameters);
    before.putBack();
  }
}

/** Checks the adapter itself and the files it was written to. `written` must read from where the user will find them. */
export async function verifyAdapter(
  device: Device,
  model: CausalLM,
  adapter: Adapter,
  written: ModelSource,
  examples: readonly Example[],
  course: TrainedFacts | null,
): Promise<Check[]> {
  const audit = measureAdapter(adapter);
  const broken = audit.factors.flatMap(({ module, finite }) => (finite ? [] : module)).join(", ");
  const zero = audit.factors.flatMap(({ zero, module }) => (zero ? [module] : []));
  const still = [...new Set([...zero, ...(course?.unmoved ?? [])])];
  const checks: Check[] = [
    ...(course ? [baseCheck(course)] : []),
    { name: "every number is finite", passed: audit.finite, evidence: broken || `${audit.tensors} tensors` },
    {
      name: ALL_MOVED,
      passed: still.length === 0,
      evidence: still.length === 0 ? `${audit.layers} layers` : `these did not: ${listed(still)}`,
    },
    ...(course?.answers ? [answerCheck(course.answers)] : []),
  ];
  if (!audit.finite) return checks;
  const probes = probeExamples(examples);
  const live = await logitsWith(device, model, adapter, probes);
  const base = await logitsWith(device, model, null, probes);
  const change = relativeDifference(live, base);
  checks.push({
    name: "the adapter changes the logits",
    passed: change > 0 && Number.isFinite(change),
    evidence: `relative change ${change.toExponential(2)}`,
  });
  return [...checks, await checkFile(device, model, adapter, written, { probes, live })];
}

/** Does `written` hold `adapter`, whose logits on `probes` are `live`? */
export async function checkFile(
  device: Device,
  model: CausalLM,
  adapter: Adapter,
  written: ModelSource,
  { probes, live }: { readonly probes: readonly Example[]; readonly live: Float32Array },
): Promise<Check> {
  const name = WRITTEN_RIGHT;
  const back = await readBack(written, adapter);
  if (back instanceof LorikeetError) return { name, passed: false, evidence: back.message };
  const loss = relativeDifference(await logitsWith(device, model, back, probes), live);
  const evidence = `relative difference ${loss.toExponential(2)} on ${probes.length} probes`;
  return { name, passed: loss <= SAME_LOGITS, evidence };
}

function baseCheck({ baseChanged }: TrainedFacts): Check {
  const passed = baseChanged.length === 0;
  const evidence = passed ? "checksums of all weights before and after" : `changed: ${listed(baseChanged)}`;
  return { name: "the base is unchanged", passed, evidence };
}

function answerCheck({ verdict, symptoms }: NonNullable<TrainedFacts["answers"]>): Check {
  const evidence = symptoms.map(({ text }) => text).join("; ") || "compared with the base's";
  return { name: "the answers are coherent", passed: verdict !== "collapsed", evidence, about: "answers" };
}

/** The adapter of the written files, or what is wrong with them: no adapter, or one for other shapes. */
async function readBack(written: ModelSource, live: Adapter): Promise<Adapter | LorikeetError> {
  try {
    const adapter = await importAdapter(written);
    checkAdapterFits(adapter, new Map(live.factors.map((factor) => [factor.module, factor])));
    return adapter;
  } catch (error) {
    if (error instanceof LorikeetError) return error;
    throw error;
  }
}
