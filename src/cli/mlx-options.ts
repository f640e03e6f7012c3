/**
 * What mlx-lm's options mean as knobs of Lorikeet.
 * mlx-lm counts `iters`, `save_every` and `steps_per_eval` in micro-batches; knobs count updates. Any knob may also
 * stand among the options by its own name in snake_case. What cannot be honoured is a problem, what differs is a note.
 */

import { isJsonObject } from "../core/json.ts";
import { didYouMean } from "../core/spelling.ts";
import { formatSetting } from "../core/units.ts";
import { findKnob, flagOf, KNOBS, type KnobName, type TrainConfig } from "../train/config.ts";
import { checkValue, describeDefault, type Setting, showValue } from "../train/setting.ts";
import { mapSchedule } from "./mlx-schedule.ts";

export interface ConfigPaths {
  readonly model?: string;
  readonly data?: string;
  readonly adapterPath?: string;
  readonly resumeAdapterFile?: string;
}

export interface MappedOptions {
  readonly knobs: Partial<TrainConfig>;
  readonly paths: ConfigPaths;
  readonly notes: readonly string[];
  /** Each begins with the option it is about. */
  readonly problems: readonly string[];
}

/** Options of mlx-lm that change nothing here; set to anything but false they get a note. */
const WITHOUT_EFFECT = [
  "clear_cache_threshold",
  "config",
  "project_name",
  "report_to",
  "steps_per_report",
  "test",
  "test_batches",
  "trust_remote_code",
  "wandb",
];

/** Options of mlx-lm that would change the run; refused unless they say what is the case anyway. */
const REFUSED: Readonly<Record<string, { usual: unknown; instead: string }>> = {
  lora_layers: { usual: null, instead: "mlx-lm calls it num_layers now" },
  train: { usual: true, instead: "use lorikeet eval to measure a model without training" },
  hf_dataset: { usual: null, instead: "download the dataset as JSONL and give it as data" },
  prompt_feature: { usual: "prompt", instead: "rename the column to prompt" },
  completion_feature: { usual: "completion", instead: "rename the column to completion" },
  text_feature: { usual: "text", instead: "rename the column to text" },
  chat_feature: { usual: "messages", instead: "rename the column to messages" },
};

/** Where mlx-lm's default means something else than ours. */
const OTHER_DEFAULTS = [
  { knob: "epochs", theirs: "1000 iterations" },
  { knob: "batchSize", theirs: "4" },
  { knob: "learningRate", theirs: "1e-5" },
  { knob: "lrSchedule", theirs: "constant, no warm-up" },
  { knob: "alpha", theirs: "scale 20, which is alpha 160 at rank 8" },
  { knob: "numLayers", theirs: "16" },
  { knob: "maskPrompt", theirs: "false" },
] as const;

const PATHS = { model: "model", data: "data", adapter_path: "adapterPath", resume_adapter_file: "resumeAdapterFile" };

const KNOWN: readonly string[] = [
  ...KNOBS.map(({ name }) => snakeOf(name)),
  ...Object.keys(PATHS),
  ...Object.keys(REFUSED),
  ...WITHOUT_EFFECT,
  ...["iters", "grad_checkpoint", "lora_parameters", "optimizer", "optimizer_config"],
];

/** The options on their way; keys leave `rest` as they are read. */
interface Reading {
  readonly rest: Map<string, unknown>;
  readonly flags: Partial<TrainConfig>;
  readonly knobs: { -readonly [K in KnobName]?: TrainConfig[K] };
  readonly notes: string[];
  readonly problems: string[];
}

/** Maps the options of one file; knobs given as `flags` on the command line take part in conversions. */
export function mapOptions(values: ReadonlyMap<string, unknown>, flags: Partial<TrainConfig>): MappedOptions {
  const reading: Reading = { rest: new Map(values), flags, knobs: {}, notes: [], problems: [] };
  readKnobs(reading);
  readLength(reading);
  readSchedule(reading);
  readAdapter(reading);
  readOptimizer(reading);
  const paths = readPaths(reading);
  readOthers(reading);
  return { ...reading, paths };
}

/** Takes a key out of the file; a key set to nothing counts as absent. */
function take(reading: Reading, key: string): unknown {
  const value = reading.rest.get(key);
  reading.rest.delete(key);
  return value ?? undefined;
}

/** Sets a knob if the value fits it, and reports the problem if not. */
function setKnob<K extends KnobName>(reading: Reading, path: string, name: K, value: unknown): void {
  if (value === undefined || value === null) return;
  const problem = checkValue(findKnob(name)!, value);
  if (problem) reading.problems.push(`${path}: ${problem}`);
  else reading.knobs[name] = value as TrainConfig[K];
}

const COUNT: Setting = { name: "iters", kind: "integer", min: 1, meaning: "micro-batches" };

function snakeOf(name: string): string {
  return flagOf(name).replaceAll("-", "_");
}

/** Keys that are knobs as they stand. mlx-lm's own form of `lr_schedule`, a mapping, is left for later. */
function readKnobs(reading: Reading): void {
  for (const { name, kind } of KNOBS) {
    const key = snakeOf(name);
    if (name === "lrSchedule" && typeof reading.rest.get(key) !== "string") continue;
    const value = take(reading, key);
    // As PEFT has it: {down_proj: 4}.
    const texts =
      kind === "patterns" && isJsonObject(value) ? Object.entries(value).map((entry) => entry.join("=")) : value;
    setKnob(reading, key, name, texts);
  }
  const ownLength = reading.knobs.steps ?? reading.knobs.epochs;
  if (ownLength !== undefined && reading.rest.has("iters"))
    reading.problems.push("iters: given beside steps or epochs");
  // Literally "off" would run out of memory where "auto" does not; the result is the same.
  const checkpoint = take(reading, "grad_checkpoint");
  if (typeof checkpoint === "boolean") reading.knobs.checkpointing = checkpoint ? "on" : "auto";
  else if (checkpoint !== undefined) reading.problems.push("grad_checkpoint: expected true or false");
}

/** Micro-batches to updates. mlx-lm drops the micro-batches after the last whole update. */
function readLength(reading: Reading): void {
  const { knobs, flags, notes } = reading;
  const perUpdate = flags.gradAccumulationSteps ?? knobs.gradAccumulationSteps ?? 1;
  const iters = take(reading, "iters");
  const problem = iters === undefined ? undefined : checkValue(COUNT, iters);
  if (problem) reading.problems.push(`iters: ${problem}`);
  else if (typeof iters === "number") {
    const steps = Math.floor(iters / perUpdate);
    if (steps === 0) reading.problems.push(`iters: ${iters} micro-batches do not fill one update of ${perUpdate}`);
    else knobs.steps = steps;
    const left = iters % perUpdate;
    const dropped = left === 0 ? "" : `; the ${left} left over are dropped, as mlx-lm does`;
    const used = flags.steps === undefined && flags.epochs === undefined;
    if (perUpdate > 1 && used)
      notes.push(`iters: ${iters} micro-batches are ${steps} updates of ${perUpdate}${dropped}`);
  }

  for (const name of ["stepsPerEval", "saveEvery"] as const) {
    const count = knobs[name] ?? 0;
    if (perUpdate === 1 || count === 0 || flags[name] !== undefined) continue;
    knobs[name] = Math.ceil(count / perUpdate);
    notes.push(`${snakeOf(name)}: ${count} micro-batches are ${knobs[name]} updates (rounded up)`);
  }
}

function readSchedule(reading: Reading): void {
  const { knobs, flags, notes, rest } = reading;
  // mlx-lm's own files say null where there was no schedule, which is a constant rate.
  if (rest.get("lr_schedule") === null) Object.assign(knobs, { lrSchedule: "constant", warmup: knobs.warmup ?? 0 });
  const value = take(reading, "lr_schedule");
  if (value === undefined) return;
  if (!isJsonObject(value)) {
    reading.problems.push("lr_schedule: expected name, arguments and warmup, or one of constant, linear, cosine");
    return;
  }

  const length = flags.steps ?? (flags.epochs === undefined ? knobs.steps : undefined);
  const replaced = flags.lrSchedule !== undefined;
  const mapped = mapSchedule(value, typeof length === "number" && !replaced ? length : undefined);
  reading.problems.push(...mapped.problems);
  if (!replaced) notes.push(...mapped.notes);
  const peak = mapped.knobs.learningRate;
  if (peak !== undefined && knobs.learningRate !== undefined && knobs.learningRate !== peak) {
    notes.push(`learning_rate: not used, lr_schedule sets the peak to ${formatSetting(peak)}, as in mlx-lm`);
  }
  Object.assign(knobs, mapped.knobs);
}

function readAdapter(reading: Reading): void {
  const value = take(reading, "lora_parameters");
  if (value === undefined) return;
  if (!isJsonObject(value)) {
    reading.problems.push("lora_parameters: expected rank, scale, dropout and keys");
    return;
  }
  const { rank, scale, alpha, dropout, keys, ...rest } = value;
  reportUnknown(reading, "lora_parameters.", rest, ["rank", "scale", "alpha", "dropout", "keys"]);
  setKnob(reading, "lora_parameters.rank", "rank", rank);
  setKnob(reading, "lora_parameters.dropout", "dropout", dropout);
  setKnob(reading, "lora_parameters.alpha", "alpha", alpha);
  if (scale !== undefined && scale !== null) readScale(reading, scale);
  if (keys !== undefined && keys !== null) readKeys(reading, keys);
}

/** scale = alpha / rank, or alpha / √rank. A rank from the command line keeps the file's scale, as in mlx-lm. */
function readScale(reading: Reading, scale: unknown): void {
  const { knobs, flags } = reading;
  if (typeof scale !== "number" || !(scale > 0)) {
    reading.problems.push("lora_parameters.scale: expected number > 0");
    return;
  }
  const rank = knobs.rank ?? Number(findKnob("rank")!.default);
  const [divisor, sign] = (flags.useRslora ?? knobs.useRslora) ? [Math.sqrt, "√"] : [Number, ""];
  if (knobs.alpha !== undefined && Math.abs(knobs.alpha / divisor(rank) / scale - 1) > 1e-6) {
    reading.problems.push(`lora_parameters.alpha: ${knobs.alpha} / ${sign}rank ${rank} is not the scale ${scale}`);
  }
  if (flags.alpha !== undefined) return;
  const finalRank = flags.rank ?? rank;
  const alpha = Number((scale * divisor(finalRank)).toFixed(6)); // 0.1 · 30 is not quite 3
  setKnob(reading, `lora_parameters.scale ${scale} · ${sign}rank ${finalRank}, which is alpha`, "alpha", alpha);
}

/** "self_attn.q_proj" → "q_proj". Paths from the top of the model (lm_head) have no adapter here. */
function readKeys(reading: Reading, keys: unknown): void {
  const paths: unknown[] = Array.isArray(keys) ? keys : [keys];
  const modules = paths.map((path) => {
    const inBlock = typeof path === "string" && /^(?!model\.|language_model\.)\w+\.(?:\w+\.)*(\w+)$/.exec(path);
    if (inBlock) return inBlock[1];
    reading.problems.push(
      `lora_parameters.keys: expected paths within a block such as self_attn.q_proj, got ${showValue(path)}`,
    );
    return undefined;
  });
  if (!modules.includes(undefined)) setKnob(reading, "lora_parameters.keys", "targetModules", [...new Set(modules)]);
}

function readOptimizer(reading: Reading): void {
  const { knobs, notes } = reading;
  const name = take(reading, "optimizer");
  const configs = take(reading, "optimizer_config") ?? {};
  if (name !== undefined && name !== "adam" && name !== "adamw") {
    reading.problems.push(`optimizer: adam and adamw are supported, got ${showValue(name)}`);
    return;
  }
  const own = isJsonObject(configs) ? (configs[name ?? "adam"] ?? {}) : undefined;
  if (!isJsonObject(own)) {
    reading.problems.push(
      "optimizer_config: expected options by the optimizer's name, as in adamw: {weight_decay: 0.01}",
    );
    return;
  }
  const path = `optimizer_config.${name ?? "adam"}`;
  const { betas, eps, weight_decay, bias_correction, ...rest } = own;
  reportUnknown(reading, `${path}.`, rest, ["betas", "eps", "weight_decay", "bias_correction"]);
  const [beta1, beta2] = Array.isArray(betas) && betas.length === 2 ? betas : [];
  if (betas !== undefined && beta1 === undefined) reading.problems.push(`${path}.betas: expected two numbers`);
  for (const [knob, beta] of Object.entries({ beta1, beta2 })) setKnob(reading, `${path}.betas`, knob as "beta1", beta);
  setKnob(reading, `${path}.eps`, "eps", eps);
  setKnob(reading, `${path}.weight_decay`, "weightDecay", weight_decay);
  if (name === "adam") knobs.weightDecay ??= 0;

  if ((name !== undefined || knobs.learningRate !== undefined) && bias_correction !== true) {
    notes.push(
      "optimizer: Adam's bias correction is on here and off in mlx-lm, whose updates are therefore larger " +
        "for the first thousand or so (3.2 times at the first, 6.6 times near the twelfth)",
    );
  }
}

function readPaths(reading: Reading): ConfigPaths {
  const paths: Record<string, string> = {};
  for (const [key, name] of Object.entries(PATHS)) {
    const value = take(reading, key);
    if (typeof value === "string" && value !== "") paths[name] = value;
    else if (value !== undefined) reading.problems.push(`${key}: expected text`);
  }
  return paths;
}

/** What is left: refused, without effect, or unknown. */
function readOthers(reading: Reading): void {
  for (const [key, { usual, instead }] of Object.entries(REFUSED)) {
    const value = take(reading, key);
    if (value !== undefined && value !== usual) reading.problems.push(`${key}: ${instead}`);
  }
  const idle = WITHOUT_EFFECT.filter((key) => Boolean(take(reading, key)));
  if (idle.length > 0) reading.notes.push(`without effect here: ${idle.join(", ")}`);
  reportUnknown(reading, "", Object.fromEntries(reading.rest), KNOWN);
}

function reportUnknown(reading: Reading, path: string, rest: object, known: readonly string[]): void {
  for (const key of Object.keys(rest)) reading.problems.push(`${path}${key}: no such option${didYouMean(key, known)}`);
}

/** One note on the options left to defaults that differ from mlx-lm's, if there are any. */
export function noteDefaults(knobs: Partial<TrainConfig>): string[] {
  const left = OTHER_DEFAULTS.filter(({ knob }) => {
    return knobs[knob] === undefined && !(knob === "epochs" && knobs.steps !== undefined);
  });
  const ours = (knob: KnobName) => `${snakeOf(knob)} ${describeDefault(findKnob(knob)!)}`;
  const texts = left.map(({ knob, theirs }) => `${ours(knob)} (mlx-lm: ${theirs})`);
  return texts.length === 0 ? [] : [`left to Lorikeet's defaults: ${texts.join(", ")}`];
}
