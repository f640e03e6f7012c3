/** Three starting points for the knobs, by how much time a person wants to spend. */
import { suitableRate } from "../health/step-size.ts";
import { type KnobName, resolveConfig, type TrainConfig } from "./config.ts";

export const PRESET_NAMES = ["trial", "standard", "thorough"] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

interface Preset {
  readonly title: string;
  readonly meaning: string;
  readonly knobs: Partial<TrainConfig>;
}

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  trial: {
    title: "Trial",
    meaning: "20 updates: does it work, and how fast is this machine?",
    knobs: { steps: 20, stepsPerEval: 10, valBatches: 1, stepsPerSample: 5, saveEvery: 5 },
  },
  standard: {
    title: "Standard",
    meaning: "Two passes over the data: right for most datasets of some hundred records.",
    knobs: { epochs: 2, stepsPerEval: 16, valBatches: 8, stepsPerSample: 16, saveEvery: 16 },
  },
  thorough: {
    title: "Thorough",
    meaning: "Four passes with a larger adapter: when the standard run still gets better at its end.",
    knobs: { epochs: 4, rank: 16, alpha: 32, stepsPerEval: 32, valBatches: 25, stepsPerSample: 32, saveEvery: 32 },
  },
};

/** The knobs a preset sets for a model of so many parameters; all others keep their defaults. */
export function presetKnobs(name: PresetName, parameters: number): Partial<Record<KnobName, unknown>> {
  const { knobs } = PRESETS[name];
  const { alpha, rank, useRslora } = resolveConfig(knobs, name);
  return { learningRate: suitableRate({ alpha, rank, useRslora, parameters }), ...knobs };
}
