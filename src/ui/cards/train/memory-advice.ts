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

/** Ways to need less, the cheapest first. `everything`: whether the plan recomputes every block already. */
export function memoryAdvice(config: TrainConfig, everything: boolean): Advice[] {
  const { batchSize, gradAccumulationSteps, maxSeqLength } = config;
  const advice: Advice[] = [];
  if (!everything) {
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

const HUES = {
  weights: "blue",
  adapter: "accent",
  snapshots: "violet",
  kept: "amber",
  working: "rose",
  spare: "grey",
} as const;

/** The parts of the plan as parts of the picture. */
export const barParts = ({ parts }: Pick<MemoryPlan, "parts">) =>
  parts.map(({ name, label, bytes }) => ({ label, value: bytes, hue: HUES[name] }));
