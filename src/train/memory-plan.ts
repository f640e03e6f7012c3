/** The memory of a run before it starts, and whether activations are kept or computed again. */
import type { Example } from "../data/encode.ts";
import type { Device } from "../gpu/device.ts";
import type { CausalLM } from "../models/model.ts";
import type { TrainConfig } from "./config.ts";
import { type Estimate, type EstimateInput, estimateUpdate } from "./estimate.ts";
import { modelFacts } from "./facts.ts";

/** Activations above this are worth recomputing when checkpointing is "auto". */
const AUTO_CHECKPOINT_BYTES = 2 * 2 ** 30;

export interface PlannedMemory {
  readonly estimate: Estimate;
  readonly checkpointing: boolean;
}

/** The dry run of the largest micro-batch, with `checkpointing: "auto"` decided. */
export async function planMemory(input: Omit<EstimateInput, "checkpointing">): Promise<PlannedMemory> {
  const { checkpointing } = input.train;
  const plain = await estimateUpdate({ ...input, checkpointing: checkpointing === "on" });
  if (checkpointing !== "auto") return { estimate: plain, checkpointing: checkpointing === "on" };
  if (plain.peakBytes - plain.weightBytes <= AUTO_CHECKPOINT_BYTES) return { estimate: plain, checkpointing: false };
  return { estimate: await estimateUpdate({ ...input, checkpointing: true }), checkpointing: true };
}

/** The plan of training `examples` with this model on this device. */
export function planFor(
  { device, model }: { readonly device: Device; readonly model: CausalLM },
  train: TrainConfig,
  examples: readonly Example[],
): Promise<PlannedMemory> {
  const lengths = examples.map(({ ids, supervised }) => ({ tokens: ids.length, supervised }));
  const { element } = modelFacts(model);
  return planMemory({
    ...{ config: model.config, element, train, lengths: longestBatch(lengths, train), limits: device.limits },
  });
}

type Lengths = EstimateInput["lengths"];

/** The largest micro-batch there can be: the longest records together. */
export function longestBatch(lengths: Lengths, { batchSize }: TrainConfig): Lengths {
  return [...lengths].sort((a, b) => b.tokens - a.tokens).slice(0, batchSize);
}
