/** Flags that several commands share, and knobs of training picked as flags. */

import { KNOBS } from "../../train/config.ts";
import type { Flag } from "../args.ts";

type KnobRow = (typeof KNOBS)[number];

/** The row of one knob with its exact type. */
export function knob<const N extends KnobRow["name"]>(name: N): Extract<KnobRow, { name: N }> {
  return KNOBS.find((row) => row.name === name) as Extract<KnobRow, { name: N }>;
}

/** The knobs that say what one update is: its batch, its adapter, its optimizer, all but the rate. */
export const UPDATE_KNOBS = [
  knob("batchSize"),
  knob("gradAccumulationSteps"),
  knob("maxGradNorm"),
  knob("weightDecay"),
  knob("beta1"),
  knob("beta2"),
  knob("eps"),
  knob("fineTuneType"),
  knob("rank"),
  knob("alpha"),
  knob("useRslora"),
  knob("dropout"),
  knob("targetModules"),
  knob("numLayers"),
  knob("maxSeqLength"),
  knob("maskPrompt"),
  knob("shuffle"),
  knob("seed"),
  knob("checkpointing"),
] as const;

export const MODEL = {
  name: "model",
  group: "Files",
  kind: "text",
  unit: "DIR|org/name|demo",
  required: true,
  meaning: "Folder of the model, its name on the Hub, or the built-in demo.",
} as const satisfies Flag;

export const QUANTIZE = {
  name: "quantize",
  group: "Files",
  kind: "choice",
  choices: ["4", "8"],
  meaning: "Bits for each weight of the base, in groups of 64, made while it loads: a quarter or half of the memory.",
} as const satisfies Flag;

export const ADAPTER = {
  name: "adapterPath",
  group: "Files",
  kind: "text",
  unit: "DIR|FILE.gguf",
  meaning: "An adapter: MLX's or PEFT's folder, or llama.cpp's file.",
} as const satisfies Flag;

/** Several at once, each with a weight. */
export const ADAPTERS = {
  name: "adapterPath",
  group: "Files",
  kind: "list",
  repeats: true,
  unit: "DIR|FILE.gguf[:W]",
  meaning: `${ADAPTER.meaning} Given more than once, their weighted sum; W is a weight, 1 by default.`,
} as const satisfies Flag;

export const CONFIG = {
  name: "config",
  group: "Files",
  kind: "text",
  unit: "FILE.yaml",
  meaning: "Options as mlx-lm writes them; flags win over them.",
} as const satisfies Flag;

/** The same as the argument of a command. */
export const ADAPTER_PLACE = { name: "ADAPTER", meaning: ADAPTER.meaning } as const;

export const DATA = {
  name: "data",
  group: "Files",
  kind: "text",
  unit: "FILE.jsonl",
  required: true,
  meaning: "Records: messages, prompt + completion, text, or input_ids.",
} as const satisfies Flag;

export const VALID = {
  name: "valid",
  group: "Files",
  kind: "text",
  unit: "FILE.jsonl",
  meaning: "Records to measure the loss on.",
} as const satisfies Flag;

export const JSON_OUTPUT = {
  name: "json",
  group: "Output",
  kind: "boolean",
  meaning: "Print one JSON object instead of text.",
} as const satisfies Flag;
