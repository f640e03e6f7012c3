/**
 * The knobs of a training run: one table, from which come the `TrainConfig` type, its validation, the command line's
 * help, the page's form and the README's table. No default and no range is written anywhere else.
 */

import { Problems } from "../core/errors.ts";
import { didYouMean } from "../core/spelling.ts";
import { LR_SCHEDULES, learningRate } from "../optim/schedule.ts";
import { checkValue, describeDefault, describeRange, type Setting, type Value } from "./setting.ts";

export interface Knob extends Setting {
  readonly group: string;
  readonly default: Value;
  /** What raising it (or switching it on) costs. */
  readonly cost: string;
}

type Plain = {
  integer: number;
  number: number;
  boolean: boolean;
  choice: string;
  list: readonly string[];
  /** "down_proj=4": a number for the modules that a pattern names. */
  patterns: readonly string[];
  text: string;
};

/** The value type that a row of settings stands for. */
export type ValueOf<S extends Setting> = S extends { choices: readonly (infer Choice)[] }
  ? Choice | (S extends { count: string } ? number : never)
  : Plain[S["kind"]] | (S extends { auto: string } ? "auto" : never);

/*
 * Why these defaults. Rank 8 with alpha = 2·rank on all seven projections of every block: more targets gain more than
 * more rank does. A rate of 2e-4 suits that scale, ten times what full fine-tuning takes; warm-up, cosine decay and
 * clipping at 1 make it safe on small models. AdamW as in PyTorch, bias correction always on. Eight records an update
 * is a steady gradient; one epoch, since most small datasets are learned by then. Prompts carry no loss.
 */
// biome-ignore format: a table reads best as a table
export const KNOBS = [
  { name: "steps", group: "Length", kind: "integer", default: "auto", auto: "as many as the epochs take", min: 1, unit: "updates",
    meaning: "Optimizer updates to make; give steps or epochs, not both.",
    cost: "Time in proportion; after several epochs the model recites the data." },
  { name: "epochs", group: "Length", kind: "number", default: 1, auto: "as many as the steps take", above: 0, unit: "epochs",
    meaning: "Passes over the training data; fractions are allowed.",
    cost: "Time in proportion; past three or so the validation loss usually rises." },

  { name: "batchSize", group: "Batch", kind: "integer", default: 8, min: 1, unit: "records",
    meaning: "Records in one forward and backward pass.",
    cost: "Memory for activations, in proportion to the tokens." },
  { name: "gradAccumulationSteps", group: "Batch", kind: "integer", default: 1, min: 1, unit: "micro-batches",
    meaning: "Micro-batches whose gradients make one update, weighted by supervised tokens.",
    cost: "Time per update in proportion; no memory." },

  { name: "learningRate", group: "Optimizer", kind: "number", default: 2e-4, above: 0, below: 1,
    meaning: "Peak learning rate.",
    cost: "Stability: too high and the loss jumps or the answers fall apart." },
  { name: "lrSchedule", group: "Optimizer", kind: "choice", default: "cosine", choices: LR_SCHEDULES,
    meaning: "How the rate goes on after the warm-up: level, or down to 0.",
    cost: "Nothing; a falling rate ends at a lower loss." },
  { name: "warmup", group: "Optimizer", kind: "integer", default: "auto", auto: "5 % of the run, at least 5, at most half of it", min: 0, unit: "updates",
    meaning: "Updates over which the rate rises from 0 to its peak.",
    cost: "Updates at less than the full rate." },
  { name: "maxGradNorm", group: "Optimizer", kind: "number", default: 1, min: 0,
    meaning: "Global gradient norm above which gradients are scaled down; 0 = off.",
    cost: "Protection: a higher limit lets bad batches through." },
  { name: "weightDecay", group: "Optimizer", kind: "number", default: 0.01, min: 0,
    meaning: "Decoupled weight decay of AdamW, on the adapter only.",
    cost: "Strength of the adapter; at usual rates hardly visible." },
  { name: "beta1", group: "Optimizer", kind: "number", default: 0.9, min: 0, below: 1,
    meaning: "Decay of AdamW's running mean of gradients.",
    cost: "Speed of reaction to new gradients." },
  { name: "beta2", group: "Optimizer", kind: "number", default: 0.999, min: 0, below: 1,
    meaning: "Decay of AdamW's running mean of squared gradients.",
    cost: "Speed of reaction to a change in their size." },
  { name: "eps", group: "Optimizer", kind: "number", default: 1e-8, above: 0,
    meaning: "Added to the root in AdamW's denominator.",
    cost: "Step size where gradients are tiny." },

  { name: "fineTuneType", group: "Adapter", kind: "choice", default: "lora", choices: ["lora", "dora"],
    meaning: "What is trained: LoRA's two factors, or DoRA's, which also learn how long each row of the weights is.",
    cost: "One more reading of the weights for each pass and one more activation for each layer; llama.cpp has no DoRA." },
  { name: "rank", group: "Adapter", kind: "integer", default: 8, min: 1,
    meaning: "Rank r of the update B·A that each adapted layer learns.",
    cost: "Adapter size and optimizer memory in proportion; little time." },
  { name: "alpha", group: "Adapter", kind: "integer", default: 16, min: 1,
    meaning: "Strength of the update: it is scaled by alpha / rank, or alpha / √rank; whole, because Ollama reads it so.",
    cost: "Stability, as with the learning rate; more of the old abilities is forgotten." },
  { name: "useRslora", group: "Adapter", kind: "boolean", default: false,
    meaning: "Scale the update by alpha / √rank instead of alpha / rank, so that high ranks learn as fast as low ones.",
    cost: "Larger steps at the same alpha: lower alpha or the learning rate." },
  { name: "rankPattern", group: "Adapter", kind: "patterns", default: [], whole: true,
    meaning: "Other ranks for some layers, as down_proj=4: a name, a path or a pattern as PEFT has it; the first that fits counts.",
    cost: "Layers that share an input and differ in rank or strength are computed one by one; mlx-lm's file is padded to the largest rank." },
  { name: "alphaPattern", group: "Adapter", kind: "patterns", default: [],
    meaning: "Other alphas for some layers, in the same way; a layer's scale is its own alpha over its own rank.",
    cost: "As alpha for these layers." },
  { name: "dropout", group: "Adapter", kind: "number", default: 0, min: 0, below: 1,
    meaning: "Chance that an input of the update is dropped while training.",
    cost: "Slower learning; helps only on small data over many epochs." },
  { name: "targetModules", group: "Adapter", kind: "list",
    default: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    meaning: "Linear layers that get an adapter, by their Hub names.",
    cost: "Adapter size and time for each name." },
  { name: "numLayers", group: "Adapter", kind: "integer", default: -1, min: -1, unit: "blocks",
    meaning: "How many of the last blocks get adapters; -1 or 0 = all.",
    cost: "Time and memory: the backward pass ends at the lowest adapted block." },

  { name: "maxSeqLength", group: "Data", kind: "integer", default: 2048, min: 2, unit: "tokens",
    meaning: "Longer records are cut to this length.",
    cost: "Memory and time for long records only; nothing is padded." },
  { name: "maskPrompt", group: "Data", kind: "boolean", default: true,
    meaning: "Give loss to the answers only, not to prompts and questions.",
    cost: "Fewer supervised tokens for each record." },
  { name: "shuffle", group: "Data", kind: "boolean", default: true,
    meaning: "Draw a new order of the records for every epoch.",
    cost: "Nothing; switch it off to keep the file's order." },
  { name: "seed", group: "Data", kind: "integer", default: 0, min: 0, max: 4294967295,
    meaning: "Seed of the adapter's start, the shuffling and the dropout; 0 is a seed like any other.",
    cost: "Nothing." },

  { name: "stepsPerEval", group: "Checks", kind: "integer", default: 50, min: 0, unit: "updates",
    meaning: "Updates between two measurements of the validation loss; 0 = never.",
    cost: "A coarser validation curve, and a best checkpoint found later." },
  { name: "valBatches", group: "Checks", kind: "integer", default: 25, min: -1, unit: "micro-batches",
    meaning: "Micro-batches in one measurement of the validation loss; -1 = the whole set, 0 = none.",
    cost: "Time for every measurement." },
  { name: "saveEvery", group: "Checks", kind: "integer", default: 100, min: 0, unit: "updates",
    meaning: "Updates between two checkpoints; 0 = only at the end.",
    cost: "More work lost if the run is cut off." },
  { name: "stepsPerSample", group: "Checks", kind: "integer", default: 0, min: 0, unit: "updates",
    meaning: "Updates between two rounds of sample answers; 0 = only the base's at the start and the adapter's at the end.",
    cost: "Fewer looks at how the voice changes; each round takes some seconds." },
  { name: "patience", group: "Checks", kind: "integer", default: 0, min: 0, unit: "measurements",
    meaning: "Measurements of the validation loss without a new lowest after which the run ends by itself; 0 = never.",
    cost: "Time spent after the best adapter was found." },
  { name: "guard", group: "Checks", kind: "boolean", default: true,
    meaning: "Put a run that diverges back to its last good state, with half the learning rate, at most three times.",
    cost: "Memory for two copies of the adapter and its moments; no time to speak of." },

  { name: "checkpointing", group: "Memory", kind: "choice", default: "auto", choices: ["auto", "on", "off"], count: "blocks",
    meaning: "Recompute activations in the backward pass instead of keeping them: of all blocks, of some, or of as many as memory asks for.",
    cost: "One more forward of each such block: about a third more time for all, for much less memory." },
] as const satisfies readonly Knob[];

export type KnobName = (typeof KNOBS)[number]["name"];

/** Every knob with its value. */
export type TrainConfig = { readonly [K in (typeof KNOBS)[number] as K["name"]]: ValueOf<K> };

/** Any knob's row by name, or undefined. */
export function findKnob(name: string): Knob | undefined {
  return KNOBS.find((knob) => knob.name === name);
}

/** maxGradNorm → max-grad-norm. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Fills `given` up with the defaults and checks every value; of steps and epochs, the one not given becomes "auto".
 * A resolved config resolves to itself. Throws one config error that lists all problems; `where` opens its message.
 */
export function resolveConfig(given: Partial<Record<KnobName, unknown>>, where: string): TrainConfig {
  const problems = new Problems();
  const names = KNOBS.map((knob) => knob.name);
  for (const name of Object.keys(given)) {
    if (!findKnob(name)) problems.add(`${name}: no such knob${didYouMean(name, names)}`);
  }

  const values: Record<string, unknown> = {};
  for (const knob of KNOBS) {
    values[knob.name] = given[knob.name] ?? knob.default;
    const problem = checkValue(knob, values[knob.name]);
    if (problem) problems.add(`${knob.name}: ${problem}`);
  }

  const steps = given.steps ?? "auto";
  const epochs = given.epochs ?? "auto";
  if (steps !== "auto" && epochs !== "auto") problems.add("steps and epochs: only one can set the length of a run");
  else values.epochs = steps === "auto" && epochs === "auto" ? findKnob("epochs")!.default : epochs;

  // peft drops inputs of the base's own product as well, mlx-lm does not: a run would be the other's in neither.
  if (values.fineTuneType === "dora" && values.dropout !== 0)
    problems.add("dropout: expected 0 with fineTuneType dora");
  problems.throwIfAny("config", where, "every knob with its range: lorikeet train --help");
  return values as TrainConfig;
}

/** `upper` over `lower`; steps in one replaces epochs in the other, and the other way round. */
export function overrideConfig(lower: Partial<TrainConfig>, upper: Partial<TrainConfig>): Partial<TrainConfig> {
  const { steps, epochs, ...rest } = lower;
  if (upper.steps !== undefined || upper.epochs !== undefined) return { ...rest, ...upper };
  return { ...lower, ...upper };
}

/** Optimizer updates of a run; `updatesPerEpoch` is what one pass over the data makes. */
export function updateCount(config: TrainConfig, updatesPerEpoch: number): number {
  if (config.steps !== "auto") return config.steps;
  const epochs = config.epochs === "auto" ? 1 : config.epochs;
  return Math.max(1, Math.ceil(epochs * updatesPerEpoch - 1e-9)); // 0.1 · 30 is not quite 3
}

/** Updates of warm-up in a run of `totalSteps`. */
export function warmupCount(config: TrainConfig, totalSteps: number): number {
  if (config.warmup !== "auto") return config.warmup;
  return Math.min(Math.max(5, Math.ceil(0.05 * totalSteps - 1e-9)), Math.floor(totalSteps / 2));
}

/** The learning rate of update `step` (from 0) in a run of `totalSteps`. */
export function scheduledRate(config: TrainConfig, step: number, totalSteps: number): number {
  const warmup = warmupCount(config, totalSteps);
  return learningRate(step, { schedule: config.lrSchedule, warmup, totalSteps, learningRate: config.learningRate });
}

/** The README's table of knobs, in markdown. */
export function knobTable(): string {
  const rows = KNOBS.map((knob: Knob) => {
    const flag = `\`--${knob.kind === "boolean" ? "[no-]" : ""}${flagOf(knob.name)}\``;
    const range = knob.unit ? `${describeRange(knob)}, in ${knob.unit}` : describeRange(knob);
    return `| ${[flag, describeDefault(knob), range, knob.meaning, knob.cost].join(" | ")} |`;
  });
  return ["| Flag | Default | Range | Meaning | What raising it costs |", "|---|---|---|---|---|", ...rows].join("\n");
}
