/** What the presets come to with this model and data. Pure. */
import { formatNumber } from "../../../core/units.ts";
import { resolveConfig, type TrainConfig, updateCount } from "../../../train/config.ts";
import { PRESET_NAMES, PRESETS, type PresetName } from "../../../train/presets.ts";
import type { MemoryPlan } from "../../../worker/protocol.ts";
import { countWords } from "./summary.ts";

export interface PresetChoice {
  readonly value: PresetName;
  readonly title: string;
  readonly description: string;
  /** "64 updates, about 2 epochs"; undefined while nobody knows. */
  readonly facts: string | undefined;
}

/** The cards. Presets leave the batch alone, so the plan of one tells the updates of all, unless the batch was changed by hand. */
export function presetChoices(plan: MemoryPlan | null, config: TrainConfig | null): PresetChoice[] {
  // Before there are records, a plan has no updates.
  const perEpoch = plan && plan.updates > 0 && config && usualBatch(config) ? plan.updatesPerEpoch : null;
  return PRESET_NAMES.map((value) => {
    const { title, meaning, knobs } = PRESETS[value];
    const updates = perEpoch === null ? null : updateCount(resolveConfig(knobs, title), perEpoch);
    const facts = updates === null || perEpoch === null ? undefined : lengthWords(updates, perEpoch);
    return { value, title, description: meaning, facts };
  });
}

function usualBatch({ batchSize, gradAccumulationSteps }: TrainConfig): boolean {
  const usual = resolveConfig({}, "defaults");
  return batchSize === usual.batchSize && gradAccumulationSteps === usual.gradAccumulationSteps;
}

/** "20 updates, about 0.63 epochs". */
export function lengthWords(updates: number, updatesPerEpoch: number): string {
  const epochs = updates / updatesPerEpoch;
  const near = Math.abs(epochs - Math.round(epochs)) < 0.02 && epochs > 0.9;
  const words = near ? String(Math.round(epochs)) : formatNumber(epochs, 2);
  return `${countWords(updates)}, ${near ? "" : "about "}${words} ${words === "1" ? "epoch" : "epochs"}`;
}
