/** The exact memory and work of one update before it is run: the same model, tape and step on a device that counts. */
import { layFlat } from "../data/batches.ts";
import type { Example } from "../data/encode.ts";
import { NO_LOSS } from "../data/encode.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { DeviceLimits } from "../gpu/device.ts";
import { DryDevice } from "../gpu/dry-run.ts";
import { Program } from "../gpu/program.ts";
import type { WeightElement } from "../gpu/weight.ts";
import { attachLora } from "../lora/attach.ts";
import { placeWeights } from "../models/place.ts";
import { buildModel } from "../models/registry.ts";
import type { TrainConfig } from "./config.ts";
import { Guard } from "./guard.ts";
import { LiveState } from "./live-state.ts";
import { recordMicroBatch } from "./step.ts";
import { positionsNeeded } from "./token-batch.ts";

export interface Estimate {
  /** Frozen weights. */
  readonly weightBytes: number;
  /** Adapter, gradients, both moments, and the guard's copies of them. */
  readonly adapterBytes: number;
  /** Highest total during one update. */
  readonly peakBytes: number;
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
  readonly checkpointing: boolean;
  readonly limits?: DeviceLimits;
}

/** Runs one update of one micro-batch on a counting device. */
export async function estimateUpdate(input: EstimateInput): Promise<Estimate> {
  const { config, element, train, lengths, checkpointing, limits } = input;
  const device = new DryDevice(limits);
  const model = buildModel(config, "estimate");
  placeWeights(model.tree, device, () => element);
  const weightBytes = device.memory.live;
  const lora = attachLora(model.tree, device, { ...train, seed: null, trainable: true });
  const live = new LiveState(device, model, lora);
  if (train.guard) new Guard(device, live.tensors);
  const adapterBytes = device.memory.live - weightBytes;

  const batch = layFlat(lengths.map(({ tokens, supervised }) => exampleOf(tokens, supervised)));
  model.rope.ensure(device, positionsNeeded(batch.positions));
  const program = new Program();
  program.clear(lora.gradients!);
  const nll = recordMicroBatch(program, model, batch, { updateTokens: batch.rows.length, checkpointing });
  void program.read(nll);
  void live.optimizer.record(program, { ...train, learningRate: 1e-4 }, nll);
  await device.run(program);
  const { dispatches, flops } = device.counters;
  return { weightBytes, adapterBytes, peakBytes: device.memory.peak, dispatches, flops, byKernel: device.byKernel };
}

/** An example of this size; the last `supervised` tokens carry loss. */
function exampleOf(tokens: number, supervised: number): Example {
  const labels = new Int32Array(tokens).fill(NO_LOSS);
  labels.fill(0, Math.max(1, tokens - supervised));
  return { ids: new Uint32Array(tokens), labels, line: 0, truncated: false, supervised };
}
