/** The exact memory and work of one update before it is run: the same model, tape and step on a device that counts. */
import { layFlat } from "../data/batches.ts";
import type { Example } from "../data/encode.ts";
import { NO_LOSS } from "../data/encode.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { DeviceLimits } from "../gpu/device.ts";
import { DryDevice } from "../gpu/dry-run.ts";
import { aliveAt, analyse, type Command, type Liveness, Program, writes } from "../gpu/program.ts";
import type { Storage } from "../gpu/tensor.ts";
import type { WeightElement } from "../gpu/weight.ts";
import { attachLora } from "../lora/attach.ts";
import { placeWeights } from "../models/place.ts";
import { buildModel } from "../models/registry.ts";
import { crossEntropy } from "../ops/cross-entropy.ts";
import type { TrainConfig } from "./config.ts";
import { Guard } from "./guard.ts";
import { LiveState } from "./live-state.ts";
import type { MemoryBytes } from "./memory-parts.ts";
import { recordMicroBatch } from "./step.ts";
import { positionsNeeded } from "./token-batch.ts";

export interface Estimate {
  /** Frozen weights. */
  readonly weightBytes: number;
  /** Adapter, gradients, both moments, and the guard's copies of them. */
  readonly adapterBytes: number;
  /** Highest total during one update. */
  readonly peakBytes: number;
  /** What the peak is made of. */
  readonly parts: MemoryBytes;
  /** The widest activations at that moment, the widest first. */
  readonly widest: readonly { readonly label: string; readonly bytes: number }[];
  /** Most that head and cross-entropy take for themselves; rarely at the moment of the peak. */
  readonly lossBytes: number;
  readonly dispatches: number;
  readonly flops: number;
  readonly byKernel: ReadonlyMap<string, number>;
}

export interface EstimateInput {
  readonly config: ModelConfig;
  readonly element: WeightElement;
  readonly train: TrainConfig;
  /** Lengths in tokens of the records in the micro-batch, and how many tokens of each carry loss. */
  readonly lengths: readonly { readonly tokens: number; readonly supervised: number }[];
  /** Blocks that are computed again during backward, from the lowest with an adapter on. */
  readonly recomputed: number;
  readonly limits?: DeviceLimits;
  /** Told what the update is made of. */
  onCommands?(commands: readonly Command[]): void;
}

/** Runs one update of one micro-batch on a counting device. */
export async function estimateUpdate(input: EstimateInput): Promise<Estimate> {
  const { config, element, train, lengths, recomputed, limits } = input;
  const device = new DryDevice(limits);
  const model = buildModel(config, "estimate");
  placeWeights(model.tree, device, () => element);
  const weightBytes = device.memory.live;
  const lora = await attachLora(model.tree, device, { ...train, seed: null, trainable: true });
  const live = new LiveState(device, model, lora);
  const adapter = device.memory.live - weightBytes;
  if (train.guard) new Guard(device, live.tensors);
  const adapterBytes = device.memory.live - weightBytes;

  const batch = layFlat(lengths.map(({ tokens, supervised }) => exampleOf(tokens, supervised)));
  model.rope.ensure(device, positionsNeeded(batch.positions));
  const program = new Program();
  program.clear(lora.gradients!);
  const nll = recordMicroBatch(program, model, batch, { updateTokens: batch.rows.length, recomputed });
  void program.read(nll);
  void live.optimizer.record(program, { ...train, learningRate: 1e-4 }, nll);
  const resident = device.memory.live;
  input.onCommands?.(analyse(program).commands);
  await device.run(program);
  const { dispatches, flops } = device.counters;
  const { kept, working, widest, lossBytes } = lookAt(analyse(program), device.fullest);
  const peakBytes = device.memory.peak;
  const table = resident - weightBytes - adapterBytes;
  const parts = {
    ...{ weights: weightBytes, adapter, snapshots: adapterBytes - adapter, kept, working: working + table },
    spare: peakBytes - resident - kept - working,
  };
  const counted = { dispatches, flops, byKernel: device.byKernel };
  return { weightBytes, adapterBytes, peakBytes, parts, widest, lossBytes, ...counted };
}

/** How many of the widest activations are named. */
const WIDEST = 3;

/** What the activations at the fullest moment are: those that were there already when backward began, and the others. */
function lookAt(liveness: Liveness, fullest: ReadonlySet<Storage>) {
  const { commands } = liveness;
  const isLoss = (command: Command) => command.kind === "dispatch" && command.kernel.stem === crossEntropy.name;
  const before = aliveAt(liveness, commands.findIndex(isLoss));
  const scratch = new Set(commands.filter(isLoss).flatMap((command) => writes(command).map(({ storage }) => storage)));
  const sorted = [...fullest].sort((a, b) => b.bytes - a.bytes);
  const isKept = (storage: Storage) => before.has(storage) && !scratch.has(storage);
  return {
    kept: total(sorted.filter(isKept)),
    working: total(sorted.filter((storage) => !isKept(storage))),
    widest: sorted.slice(0, WIDEST).map(({ label, bytes }) => ({ label, bytes })),
    lossBytes: mostAlive(liveness, scratch),
  };
}

/** The most bytes that those among `storages` take together. */
function mostAlive({ commands, dead }: Liveness, storages: ReadonlySet<Storage>): number {
  const alive = new Set<Storage>();
  let [bytes, most] = [0, 0];
  for (const [i, command] of commands.entries()) {
    for (const { storage } of writes(command)) {
      if (!storages.has(storage) || alive.has(storage)) continue;
      alive.add(storage);
      bytes += storage.bytes;
    }
    most = Math.max(most, bytes);
    for (const storage of dead[i]!) if (alive.delete(storage)) bytes -= storage.bytes;
  }
  return most;
}

const total = (storages: readonly Storage[]): number => storages.reduce((sum, { bytes }) => sum + bytes, 0);

/** An example of this size; the last `supervised` tokens carry loss. */
function exampleOf(tokens: number, supervised: number): Example {
  const labels = new Int32Array(tokens).fill(NO_LOSS);
  labels.fill(0, Math.max(1, tokens - supervised));
  return { ids: new Uint32Array(tokens), labels, line: 0, truncated: false, supervised };
}
