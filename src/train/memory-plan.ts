/** The memory of a run before it starts, and how many blocks keep their activations or are computed again. */
import type { Example } from "../data/encode.ts";
import type { Device } from "../gpu/device.ts";
import type { CausalLM } from "../models/model.ts";
import type { TrainConfig } from "./config.ts";
import { type Estimate, type EstimateInput, estimateUpdate } from "./estimate.ts";
import { modelFacts } from "./facts.ts";
import { comfortableBytes, type MemoryBudget } from "./memory-budget.ts";
import type { Blocks } from "./memory-parts.ts";

/** Where nobody knows how much there is, "auto" lets an update take this much beside the weights. */
const USUAL_BYTES = 2 * 2 ** 30;

export type PlanInput = Omit<EstimateInput, "recomputed">;

export interface PlannedMemory {
  readonly estimate: Estimate;
  readonly blocks: Blocks;
}

/**
 * The dry run of the largest micro-batch, with `checkpointing` decided: "auto" is the smallest number of recomputed
 * blocks that stays within the budget, or all where none does. A recomputed block costs one more forward of itself.
 */
export async function planMemory(input: PlanInput, budget: MemoryBudget | null): Promise<PlannedMemory> {
  const { checkpointing } = input.train;
  const all = input.config.num_hidden_layers;
  const given = typeof checkpointing === "number" ? Math.min(checkpointing, all) : checkpointing === "on" ? all : 0;
  const first = await estimateUpdate({ ...input, recomputed: given });
  if (checkpointing !== "auto") return { estimate: first, blocks: { recomputed: given, all } };
  const { estimate, recomputed } = await fewest(input, limitOf(first.weightBytes, budget), first);
  return { estimate, blocks: { recomputed, all } };
}

/** What an update may come to in all. A budget that is not sure is only ever a reason to take less. */
function limitOf(weightBytes: number, budget: MemoryBudget | null): number {
  const usual = weightBytes + USUAL_BYTES;
  if (!budget) return usual;
  return budget.sure ? comfortableBytes(budget) : Math.min(usual, comfortableBytes(budget));
}

interface Tried {
  readonly recomputed: number;
  readonly estimate: Estimate;
}

/**
 * The smallest number of recomputed blocks whose peak is at most `limit`. The peak falls by the same bytes with each but
 * the first and the last, so a line through what was tried finds it in a few dry runs.
 */
async function fewest(input: PlanInput, limit: number, none: Estimate): Promise<Tried> {
  const dry = async (recomputed: number): Promise<Tried> => ({
    recomputed,
    estimate: await estimateUpdate({ ...input, recomputed }),
  });
  let over: Tried = { recomputed: 0, estimate: none };
  if (none.peakBytes <= limit) return over;
  const { config, train } = input;
  const all = config.num_hidden_layers;
  // Blocks below the lowest adapter have no backward and keep nothing.
  let within = await dry(train.numLayers > 0 ? Math.min(train.numLayers, all) : all);
  if (within.estimate.peakBytes > limit) return { ...within, recomputed: all };
  while (within.recomputed - over.recomputed > 1) {
    const between = within.recomputed - over.recomputed;
    const fall = over.estimate.peakBytes - within.estimate.peakBytes;
    const step = Math.ceil((between * (over.estimate.peakBytes - limit)) / fall);
    const tried = await dry(over.recomputed + Math.min(Math.max(step, 1), between - 1));
    if (tried.estimate.peakBytes <= limit) within = tried;
    else over = tried;
  }
  return within;
}

/** The plan of training `examples` with this model on this device. */
export function planFor(
  { device, model }: { readonly device: Device; readonly model: CausalLM },
  train: TrainConfig,
  examples: readonly Example[],
  budget: MemoryBudget | null,
): Promise<PlannedMemory> {
  const lengths = examples.map(({ ids, supervised }) => ({ tokens: ids.length, supervised }));
  const { element } = modelFacts(model);
  const input = { config: model.config, element, train, lengths: longestBatch(lengths, train), limits: device.limits };
  return planMemory(input, budget);
}

type Lengths = EstimateInput["lengths"];

/** The largest micro-batch there can be: the longest records together. */
export function longestBatch(lengths: Lengths, { batchSize }: TrainConfig): Lengths {
  return [...lengths].sort((a, b) => b.tokens - a.tokens).slice(0, batchSize);
}
