/** What would make a run smaller: each a change of knobs, offered only where it would change something. Pure. */
import type { KnobName, TrainConfig } from "../../../train/config.ts";
import type { MemoryPlan } from "../../../worker/protocol.ts";

export interface Advice {
  readonly id: "checkpointing" | "batch" | "length";
  readonly label: string;
  /** What it costs. */
  readonly cost: string;
  readonly knobs: Readonly<Partial<Record<KnobName, unknown>>>;
}

/** Shorter records than this lose too much of what they say. */
const SHORTEST = 256;

/** Ways to need less, the cheapest first. `checkpointing`: whether the plan already recomputes. */
export function memoryAdvice(config: TrainConfig, checkpointing: boolean): Advice[] {
  const { batchSize, gradAccumulationSteps, maxSeqLength } = config;
  const advice: Advice[] = [];
  if (!checkpointing) {
    advice.push({
      ...{ id: "checkpointing", label: "Recompute activations" },
      ...{ cost: "about a third more time", knobs: { checkpointing: "on" } },
    });
  }
  if (batchSize > 1) {
    const half = batchSize >> 1;
    advice.push({
      ...{ id: "batch", label: `Batches of ${half} instead of ${batchSize}` },
      cost: "the same updates in twice as many passes",
      knobs: { batchSize: half, gradAccumulationSteps: gradAccumulationSteps * 2 },
    });
  }
  const shorter = maxSeqLength >> 1;
  if (shorter >= SHORTEST) {
    advice.push({
      ...{ id: "length", label: `Cut records to ${shorter} tokens` },
      ...{ cost: "longer records lose their end", knobs: { maxSeqLength: shorter } },
    });
  }
  return advice;
}

/** Ways to smaller tensors. Recomputing makes each of them as large as it is. */
export const smallerUpdate = (config: TrainConfig): Advice[] => memoryAdvice(config, true);

/** What of the peak one update takes beside weights and adapter. */
export function memoryParts(plan: MemoryPlan) {
  return [
    { label: "Model weights", value: plan.weightBytes, hue: "blue" },
    { label: "Adapter, optimizer, snapshots", value: plan.adapterBytes, hue: "accent" },
    { label: "One update", value: plan.updateBytes, hue: "amber" },
  ] as const;
}
