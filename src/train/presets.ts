/** Three starting points for the knobs, by how much time a person wants to spend. */
import type { KnobName, TrainConfig } from "./config.ts";

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

/** Models below this many parameters take far higher rates. */
const TINY = 20e6;
const SMALL = 6e8;

/**
 * A rate that suits the size of the model: the smaller, the higher. The demo's was found by its author
 * (public/demo/README.md); 2e-4 and 1e-4 are what LoRA trainers use below and above about 0.6B parameters.
 */
export function learningRateFor(parameters: number): number {
  if (parameters < TINY) return 3e-3;
  return parameters < SMALL ? 2e-4 : 1e-4;
}

/** The knobs a preset sets for a model of so many parameters; all others keep their defaults. */
export function presetKnobs(name: PresetName, parameters: number): Partial<Record<KnobName, unknown>> {
  return { learningRate: learningRateFor(parameters), ...PRESETS[name].knobs };
}
