/** What a run would take, before it is started: updates, layers, bytes on the device. */
import type { DeviceLimits } from "../../gpu/device.ts";
import { describeTrainable } from "../../lora/audit.ts";
import { strengths } from "../../lora/patterns.ts";
import { targetLayers } from "../../lora/targets.ts";
import { buildModel } from "../../models/registry.ts";
import { typicalLengths } from "../../train/catalogue-estimate.ts";
import { type TrainConfig, updateCount } from "../../train/config.ts";
import type { ModelDescription } from "../../train/describe-model.ts";
import { fits, type MemoryBudget } from "../../train/memory-budget.ts";
import { memoryParts } from "../../train/memory-parts.ts";
import { longestBatch, planMemory } from "../../train/memory-plan.ts";
import { updatesInEpoch } from "../../train/schedule-plan.ts";
import type { MemoryPlan } from "../protocol.ts";

export interface PlanInput {
  readonly model: ModelDescription;
  readonly config: TrainConfig;
  /** Of the records to train on; null before there are any. */
  readonly lengths: readonly { readonly tokens: number; readonly supervised: number }[] | null;
  readonly limits: DeviceLimits | undefined;
  readonly budget: MemoryBudget;
}

/** Throws ModelError when the knobs name layers this model does not have. */
export async function planRun({ model, config, lengths, limits, budget }: PlanInput): Promise<MemoryPlan> {
  const { facts } = model;
  const input = {
    config: model.config,
    element: facts.element,
    train: config,
    lengths: lengths ? longestBatch(lengths, config) : typicalLengths(config),
    ...(limits ? { limits } : {}),
  };
  const { estimate, blocks } = await planMemory(input, budget);
  const { weightBytes, peakBytes, parts } = estimate;
  const targets = targetLayers(buildModel(model.config, "plan").tree, config);
  const paths = targets.map(({ path }) => path);
  const ranks = strengths(paths, config);
  const layers = targets.map(({ linear }, i) => ({ linear, rank: ranks[i]!.rank }));
  const updatesPerEpoch = updatesInEpoch(lengths?.length ?? 0, config);
  return {
    ...{ weightBytes, peakBytes, parts: memoryParts(parts), budgetBytes: budget.bytes, blocks, updatesPerEpoch },
    verdict: fits(peakBytes, budget).verdict,
    updates: lengths ? updateCount(config, updatesPerEpoch) : 0,
    layers: { adapted: targets.length, possible: model.modules.length },
    parameters: describeTrainable(layers, { dora: config.fineTuneType === "dora" }).parameters,
    adaptedModules: paths,
    allModules: model.modules,
  };
}
