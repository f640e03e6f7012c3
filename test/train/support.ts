/** Sessions on the fixtures, their examples without a tokenizer, and a run's events sorted by kind. */
import { createHash } from "node:crypto";
import type { ModelSource } from "../../src/core/bytes.ts";
import { type Example, NO_LOSS } from "../../src/data/encode.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { type KnobName, resolveConfig, type TrainConfig } from "../../src/train/config.ts";
import type {
  DoneEvent,
  SaveEvent,
  StartEvent,
  StepEvent,
  TrainEvent,
  ValidationEvent,
} from "../../src/train/events.ts";
import { TrainingSession, type TrainRequest } from "../../src/train/session.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureTensors, type PaddedBatch, paddedBatch } from "../support/golden.ts";

/** A session on the process's device with the tiny llama, or another source. */
export async function openSession(source: ModelSource = fixtureFolder("llama")): Promise<TrainingSession> {
  const session = new TrainingSession(await testDevice());
  await session.load(source);
  return session;
}

export const fixtureAdapter = (name: string): Promise<Adapter> =>
  importAdapter(fixtureFolder(`llama/adapters/${name}`));

export function example(ids: ArrayLike<number>, labels: ArrayLike<number> = ids): Example {
  const own = Int32Array.from(labels);
  own[0] = NO_LOSS;
  const supervised = own.reduce((count, label) => count + (label === NO_LOSS ? 0 : 1), 0);
  return { ids: Uint32Array.from(ids), labels: own, line: 1, truncated: false, supervised };
}

/** The same text with other answers: learning it unlearns the first. */
export const contraryTo = ({ ids, labels }: Example): Example =>
  example(
    ids,
    labels.map((label) => (label === NO_LOSS ? label : (label + 100) % 320)),
  );

/** The rows of a padded batch, each cut to its own length. */
function rowsOf({ ids, mask, labels, rows, width }: PaddedBatch): Example[] {
  return Array.from({ length: rows }, (_, row) => {
    const length = mask.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value, 0);
    const [begin, end] = [row * width, row * width + length];
    return example(ids.subarray(begin, end), labels.subarray(begin, end));
  });
}

/** The oracle's training data for a family's tiny model: four batches of two. */
export async function goldenExamples(family = "llama"): Promise<Example[]> {
  const inputs = await fixtureTensors(`${family}/inputs.safetensors`);
  return [0, 1, 2, 3].flatMap((index) => rowsOf(paddedBatch(inputs, "train", index)));
}

/** Two examples that are not in the training data. */
export const mainExamples = async (): Promise<Example[]> =>
  rowsOf(paddedBatch(await fixtureTensors("llama/inputs.safetensors"), "main"));

/** As the oracle trained, unless `changes` says otherwise. */
export const configOf = (changes: Partial<Record<KnobName, unknown>> = {}): TrainConfig =>
  resolveConfig(
    {
      ...{ rank: 4, alpha: 8, dropout: 0, batchSize: 2, shuffle: false, learningRate: 1e-3, weightDecay: 0.01 },
      ...{ lrSchedule: "constant", warmup: 0, maxGradNorm: 0, stepsPerEval: 0, saveEvery: 0, checkpointing: "off" },
      ...(changes.epochs === undefined ? { steps: 20 } : {}),
      ...changes,
    },
    "test",
  );

export interface Run {
  readonly events: readonly TrainEvent[];
  readonly start: StartEvent;
  readonly steps: readonly StepEvent[];
  readonly validations: readonly ValidationEvent[];
  readonly saves: readonly SaveEvent[];
  readonly done: DoneEvent;
}

/** Trains to the end; `watch` sees each event as it comes. */
export async function runOf(
  session: TrainingSession,
  request: Partial<TrainRequest> & Pick<TrainRequest, "config" | "train">,
  watch: (event: TrainEvent) => void = () => {},
): Promise<Run> {
  const events: TrainEvent[] = [];
  for await (const event of session.train({ valid: [], ...request })) {
    events.push(event);
    watch(event);
  }
  const of = <T extends TrainEvent["type"]>(type: T) =>
    events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
  const [start] = of("start");
  const [done] = of("done");
  if (!start || !done) throw new Error(`the run gave no ${start ? "done" : "start"} event`);
  return { events, start, done, steps: of("step"), validations: of("validation"), saves: of("save") };
}

export const losses = ({ steps }: Run): number[] => steps.map(({ loss }) => loss);

/** What must be equal when two runs are the same: everything but the time; adapters and files as digests. */
export const timeless = ({ events }: Pick<Run, "events">) =>
  events.map((event) => {
    if (event.type === "step") return { ...event, seconds: 0 };
    if (event.type === "done") return { ...event, adapter: digest(event.adapter) };
    if (event.type !== "save") return event;
    return { ...event, adapter: digest(event.adapter), checkpoint: sha(event.checkpoint) };
  });

/** Two adapters with one digest are the same to the last bit; a difference between digests is short to print. */
export function digest({ factors, ...rest }: Adapter): string {
  const parts = factors.map(({ A, B, magnitude, ...shape }) => [shape, sha(A), sha(B), magnitude && sha(magnitude)]);
  return sha(new TextEncoder().encode(JSON.stringify([rest, parts])));
}

const sha = (data: Uint8Array | Float32Array): string => createHash("sha256").update(data).digest("hex");
