/**
 * A checkpoint is everything a run needs to go on bit for bit: factors, both moments, counters, and the settings that
 * decide order and arithmetic. The data position and the random state follow from step and seed. One safetensors file;
 * the settings are in its metadata.
 */
import { memorySource } from "../core/bytes.ts";
import { toFloat32 } from "../core/dtype.ts";
import { formatError, Problems } from "../core/errors.ts";
import { openSafetensors, writeSafetensors } from "../formats/safetensors.ts";
import type { TrainConfig } from "./config.ts";

export interface TrainState {
  /** Updates done. */
  readonly step: number;
  /** Updates that the optimizer applied and skipped. */
  readonly applied: number;
  readonly skipped: number;
  /** f32 [P] each, in the layout of the attached adapter. */
  readonly parameters: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** Lowest validation loss so far, with its step and factors. */
  readonly best: { readonly step: number; readonly loss: number; readonly parameters: Float32Array } | null;
}

/** What must be the same when a run goes on: number of examples and adapted modules, beside the knobs. */
export interface RunIdentity {
  readonly config: TrainConfig;
  readonly examples: number;
  readonly modules: readonly string[];
}

const KIND = "lorikeet checkpoint 1";

export function writeCheckpoint(state: TrainState, identity: RunIdentity): Uint8Array<ArrayBuffer> {
  const vector = (name: string, values: Float32Array) => ({
    name,
    dtype: "F32" as const,
    shape: [values.length],
    bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  });
  const { parameters, m, v, best, step, applied, skipped } = state;
  const tensors = [vector("parameters", parameters), vector("m", m), vector("v", v)];
  if (best) tensors.push(vector("best.parameters", best.parameters));
  const counters = { step, applied, skipped, best: best && { step: best.step, loss: best.loss } };
  return writeSafetensors(tensors, {
    format: KIND,
    counters: JSON.stringify(counters),
    identity: JSON.stringify(identity),
  });
}

/** True when these bytes are a checkpoint of ours and not an adapter. */
export async function isCheckpoint(name: string, bytes: Uint8Array): Promise<boolean> {
  const { metadata } = await openSafetensors(memorySource(name, bytes));
  return metadata.format === KIND;
}

/** Throws when the file is not a checkpoint, or one of another run: every difference is listed. */
export async function readCheckpoint(name: string, bytes: Uint8Array, identity: RunIdentity): Promise<TrainState> {
  const file = await openSafetensors(memorySource(name, bytes));
  if (file.metadata.format !== KIND) throw formatError(`${name}: expected a checkpoint of Lorikeet, got another file`);
  checkIdentity(name, JSON.parse(file.metadata.identity ?? "{}"), identity);
  const counters = JSON.parse(file.metadata.counters ?? "{}");
  const read = async (tensor: string): Promise<Float32Array> => {
    const info = file.tensors.get(tensor);
    if (!info)
      throw formatError(`${name}: tensor "${tensor}" is missing`, "The checkpoint is damaged; use an older one.");
    return toFloat32(await file.read(info), info.dtype);
  };
  const best = counters.best && { ...counters.best, parameters: await read("best.parameters") };
  return { ...counters, best, parameters: await read("parameters"), m: await read("m"), v: await read("v") };
}

/** Knobs that may change between the two halves of a run without changing its arithmetic. */
const FREE = new Set<keyof TrainConfig>(["saveEvery", "stepsPerEval", "valBatches", "checkpointing"]);

function checkIdentity(name: string, saved: Partial<RunIdentity>, present: RunIdentity): void {
  const problems = new Problems();
  const differ = (what: string, before: unknown, now: unknown) => {
    if (JSON.stringify(before) === JSON.stringify(now)) return;
    problems.add(`${what}: the checkpoint has ${JSON.stringify(before)}, this run has ${JSON.stringify(now)}`);
  };
  for (const key of Object.keys(present.config) as (keyof TrainConfig)[]) {
    if (!FREE.has(key)) differ(key, saved.config?.[key], present.config[key]);
  }
  differ("training examples", saved.examples, present.examples);
  differ("adapted modules", saved.modules, present.modules);
  problems.throwIfAny(
    "config",
    name,
    "Resume with the same data and settings, or start from its adapter file instead.",
  );
}
