/**
 * A checkpoint is everything a run needs to go on bit for bit: factors, both moments, counters, and the settings that
 * decide order and arithmetic. The data position and the random state follow from step and seed. The guard's snapshots
 * are not in it, so a rollback across the seam goes back elsewhere. One safetensors file; the settings are in its metadata.
 */
import { memorySource } from "../core/bytes.ts";
import { toFloat32 } from "../core/dtype.ts";
import { formatError, Problems } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import { openSafetensors, type SafetensorsFile, writeSafetensors } from "../formats/safetensors.ts";
import { resolveConfig, scheduledRate, type TrainConfig, updateCount } from "./config.ts";
import type { GuardState } from "./guard.ts";
import { updatesInEpoch } from "./schedule-plan.ts";

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
  /** Of the whole run so far, for early stopping. */
  readonly validations: readonly { readonly step: number; readonly loss: number }[];
  /** What the guard has seen and done; null where it is off. */
  readonly guard: GuardState | null;
}

/** What must be the same when a run goes on: number of examples and the adapter's layout, beside the knobs. */
export interface RunIdentity {
  readonly config: TrainConfig;
  readonly examples: number;
  readonly modules: readonly string[];
  /** P: numbers in the adapter's buffer, padding included. */
  readonly size: number;
}

const KIND = "lorikeet checkpoint 1";

export function writeCheckpoint(state: TrainState, identity: RunIdentity): Uint8Array<ArrayBuffer> {
  const vector = (name: string, values: Float32Array) => ({
    name,
    dtype: "F32" as const,
    shape: [values.length],
    bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  });
  const { parameters, m, v, best, step, applied, skipped, guard } = state;
  const validations = state.validations.map(({ step, loss }) => ({ step, loss }));
  const tensors = [vector("parameters", parameters), vector("m", m), vector("v", v)];
  if (best) tensors.push(vector("best.parameters", best.parameters));
  const counters = { step, applied, skipped, best: best && { step: best.step, loss: best.loss }, guard, validations };
  return writeSafetensors(tensors, {
    format: KIND,
    counters: JSON.stringify(counters),
    identity: JSON.stringify(identity),
  });
}

/** How far a checkpoint is and the knobs of its run, for those who go on from it; null for a file of another kind. */
export async function peekCheckpoint(
  name: string,
  bytes: Uint8Array,
): Promise<{ readonly step: number; readonly config: TrainConfig } | null> {
  const { metadata } = await openSafetensors(memorySource(name, bytes));
  if (metadata.format !== KIND) return null;
  return { step: readCounters(name, metadata).step, config: readIdentity(name, metadata).config };
}

/** The factors of a checkpoint, f32 [P], and the run they are of. Throws FormatError for another or a damaged file. */
export async function checkpointFactors(
  name: string,
  bytes: Uint8Array,
): Promise<{ readonly identity: RunIdentity; readonly parameters: Float32Array }> {
  const file = await openSafetensors(memorySource(name, bytes));
  if (file.metadata.format !== KIND) throw otherFile(name);
  const identity = readIdentity(name, file.metadata);
  return { identity, parameters: await readVector(file, name, "parameters", identity.size) };
}

type Metadata = Readonly<Record<string, string>>;

/** Written by `writeCheckpoint`, so only their JSON is checked. */
const readCounters = (name: string, { counters = "" }: Metadata) =>
  parseJson(counters, `${name}: counters`) as Pick<
    TrainState,
    "step" | "applied" | "skipped" | "guard" | "validations"
  > & {
    readonly best: { readonly step: number; readonly loss: number } | null;
  };
/** A checkpoint of before a knob was there ran as its default has it. */
function readIdentity(name: string, { identity = "" }: Metadata): RunIdentity {
  const saved = parseJson(identity, `${name}: identity`) as RunIdentity;
  return { ...saved, config: { ...resolveConfig({}, name), ...saved.config } };
}

/** Throws when the file is not a checkpoint, or one of another run: every difference is listed. */
export async function readCheckpoint(name: string, bytes: Uint8Array, identity: RunIdentity): Promise<TrainState> {
  const file = await openSafetensors(memorySource(name, bytes));
  if (file.metadata.format !== KIND) throw otherFile(name);
  const counters = readCounters(name, file.metadata);
  checkIdentity(name, readIdentity(name, file.metadata), identity, counters.step);
  const read = (tensor: string) => readVector(file, name, tensor, identity.size);
  const best = counters.best && { ...counters.best, parameters: await read("best.parameters") };
  // Checkpoints of before the guard have no word of these two.
  const since = { guard: counters.guard ?? null, validations: counters.validations ?? [] };
  return { ...counters, ...since, best, parameters: await read("parameters"), m: await read("m"), v: await read("v") };
}

const otherFile = (name: string) => formatError(`${name}: expected a checkpoint of Lorikeet, got another file`);

async function readVector(file: SafetensorsFile, name: string, tensor: string, size: number): Promise<Float32Array> {
  const info = file.tensors.get(tensor);
  const found = info ? `${info.dtype} [${info.shape.join(", ")}]` : "none";
  if (info?.dtype === "F32" && found === `F32 [${size}]`) return toFloat32(await file.read(info), info.dtype);
  throw formatError(
    `${name}: tensor "${tensor}": expected F32 [${size}], found ${found}`,
    "The checkpoint is damaged; use an older one.",
  );
}

/** Knobs that may change between the two halves of a run without changing its arithmetic. */
const FREE = new Set<keyof TrainConfig>([
  ...(["saveEvery", "stepsPerEval", "stepsPerSample", "valBatches", "checkpointing", "patience"] as const),
  // Off, it decides nothing; on, it goes on with what it has seen.
  "guard",
  // The length may change as long as the updates done keep their rates: checked apart.
  ...(["steps", "epochs"] as const),
]);

function checkIdentity(name: string, saved: RunIdentity, present: RunIdentity, step: number): void {
  const problems = new Problems();
  const differ = (what: string, before: unknown, now: unknown) => {
    if (JSON.stringify(before) === JSON.stringify(now)) return;
    problems.add(`${what}: the checkpoint has ${JSON.stringify(before)}, this run has ${JSON.stringify(now)}`);
  };
  for (const key of Object.keys(present.config) as (keyof TrainConfig)[]) {
    if (!FREE.has(key)) differ(key, saved.config[key], present.config[key]);
  }
  differ("training examples", saved.examples, present.examples);
  differ("adapted modules", saved.modules, present.modules);
  differ("numbers of the adapter", saved.size, present.size);
  if (problems.list.length === 0) checkLength(saved, present, step, problems);
  problems.throwIfAny(
    "config",
    name,
    "Resume with the same data and settings, or start from its adapter file instead.",
  );
}

/** A longer or shorter run is the same run only if the updates done would have had the same learning rates in it. */
function checkLength(saved: RunIdentity, present: RunIdentity, step: number, problems: Problems): void {
  const perEpoch = updatesInEpoch(present.examples, present.config);
  const before = updateCount(saved.config, perEpoch);
  const now = updateCount(present.config, perEpoch);
  if (now < step) problems.add(`steps: the checkpoint has ${step} updates behind it, this run makes ${now}`);
  if (before === now) return;
  for (let i = 0; i < step; i++) {
    const [was, is] = [scheduledRate(saved.config, i, before), scheduledRate(present.config, i, now)];
    if (was === is) continue;
    problems.add(`steps: a run of ${now} updates has rate ${is} at update ${i + 1}, one of ${before} had ${was}`);
    return;
  }
}
