/**
 * adapter_config.json of MLX (mlx-lm and its relatives) and of PEFT: read, checked, written.
 * A feature this program does not apply (DoRA, trained biases, per-layer ranks, …) is an error: an adapter that loads but
 * computes something else is worse than one that does not load.
 */

import { Problems } from "../core/errors.ts";
import { describeJson, isJsonObject, type JsonObject, type JsonValue } from "../core/json.ts";
import { Fields } from "./fields.ts";

/** What either file says about the arithmetic: y = W·x + scale · B·A·dropout(x). */
export interface AdapterConfig {
  readonly rank: number;
  /** alpha = scale · rank, or PEFT's lora_alpha as written. */
  readonly alpha: number;
  readonly scale: number;
  readonly dropout: number;
  /** scale = alpha / √rank instead of alpha / rank. */
  readonly use_rslora: boolean;
  readonly base_model?: string;
}

const HINT = "Train the adapter again as plain LoRA, or merge it into its base with the tool that made it.";
const UNIT = { min: 0, below: 1 };

/**
 * Reads mlx-lm's file as its loader does: fine_tune_type and lora_parameters {rank, scale, dropout} decide, `alpha` and
 * all else is information.
 * @throws FormatError or ModelError with all problems.
 */
export function parseMlxAdapterConfig(json: unknown, where: string): AdapterConfig {
  const wrong = new Problems();
  const unsupported = new Problems();
  const fields = new Fields(json, wrong);
  const kind = fields.raw("fine_tune_type") ?? "lora";
  if (kind !== "lora") unsupported.add(`fine_tune_type: expected "lora", got ${describeJson(kind)}`);
  const lora = new Fields(fields.raw("lora_parameters"), wrong, "lora_parameters.");
  refuseUnknown(lora, "lora_parameters.", MLX_PARAMETERS, unsupported);
  if (isInUse(fields.raw("use_dora"))) unsupported.add("use_dora: expected false (DoRA is not supported), got true");
  const rank = lora.int("rank");
  const scale = lora.number("scale");
  const dropout = lora.number("dropout", UNIT);
  throwAll(where, wrong, unsupported);
  const base = fields.raw("base_model_name_or_path") ?? fields.raw("model");
  return { rank, alpha: wholeIfClose(scale * rank), scale, dropout, use_rslora: false, ...baseModel(base) };
}

const MLX_PARAMETERS = new Set(["rank", "scale", "dropout", "keys", "alpha"]);

/**
 * Reads PEFT's file. Keys that only inform are known by name; any other key must be off (null, false, empty).
 * @throws FormatError or ModelError with all problems.
 */
export function parsePeftAdapterConfig(json: unknown, where: string): AdapterConfig {
  const wrong = new Problems();
  const unsupported = new Problems();
  const fields = new Fields(json, wrong);
  const kind = fields.raw("peft_type");
  if (kind !== "LORA") unsupported.add(`peft_type: expected "LORA", got ${describeJson(kind)}`);
  const bias = fields.raw("bias") ?? "none";
  if (bias !== "none") unsupported.add(`bias: expected "none" (biases do not train here), got ${describeJson(bias)}`);
  const init = fields.raw("init_lora_weights") ?? true;
  if (!PLAIN_INITS.includes(init)) {
    unsupported.add(`init_lora_weights: expected one that leaves the base as it is, got ${describeJson(init)}`);
  }
  refuseUnknown(fields, "", PEFT_INFORMATION, unsupported);
  const rank = fields.int("r");
  const alpha = fields.number("lora_alpha");
  const dropout = fields.number("lora_dropout", UNIT, 0);
  const use_rslora = fields.bool("use_rslora", false);
  throwAll(where, wrong, unsupported);
  const scale = alpha / (use_rslora ? Math.sqrt(rank) : rank);
  return { rank, alpha, scale, dropout, use_rslora, ...baseModel(fields.raw("base_model_name_or_path")) };
}

/** Initialisations after which the file holds all of the adapter. PiSSA, OLoRA, … also change the base's weights. */
const PLAIN_INITS: unknown[] = [true, false, "gaussian", "eva", "orthogonal"];

const PEFT_INFORMATION = new Set([
  ...[
    "peft_type",
    "r",
    "lora_alpha",
    "lora_dropout",
    "use_rslora",
    "bias",
    "init_lora_weights",
    "base_model_name_or_path",
  ],
  // Which modules were adapted stands in the tensors' names.
  ...["target_modules", "exclude_modules", "layers_to_transform", "layers_pattern"],
  ...["task_type", "inference_mode", "revision", "peft_version", "auto_mapping", "megatron_core", "runtime_config"],
  // Settings of features that have a switch of their own.
  ...["eva_config", "loftq_config", "qalora_group_size", "ensure_weight_tying"],
]);

function refuseUnknown(fields: Fields, path: string, known: ReadonlySet<string>, unsupported: Problems): void {
  for (const [key, value] of Object.entries(fields.json)) {
    if (known.has(key) || !isInUse(value)) continue;
    unsupported.add(`${path}${key}: expected it to be off (not supported here), got ${describeJson(value)}`);
  }
}

function isInUse(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isJsonObject(value) || Object.keys(value).length > 0;
}

function baseModel(name: unknown): { base_model?: string } {
  return typeof name === "string" && name !== "" ? { base_model: name } : {};
}

/** A malformed file is a FormatError even when it also asks for the unsupported. */
function throwAll(where: string, wrong: Problems, unsupported: Problems): void {
  const all = new Problems();
  for (const problem of [...wrong.list, ...unsupported.list]) all.add(problem);
  if (wrong.list.length > 0)
    all.throwIfAny("format", where, "Check that this is the adapter_config.json of a LoRA adapter.");
  all.throwIfAny("model", where, HINT);
}

/** 20 · 8 through a rounded scale is 160 again: readers that want a whole alpha get one. */
export function wholeIfClose(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) <= 1e-9 * Math.max(1, Math.abs(value)) ? whole : value;
}

/** What an adapter config is written from. */
export interface AdapterConfigParts {
  readonly rank: number;
  readonly scale: number;
  readonly dropout: number;
  readonly base_model?: string;
  /** Leaf names for PEFT: "q_proj". */
  readonly target_modules: readonly string[];
}

/**
 * The union file that mlx-lm, mlx-swift, mlx-vlm and Ollama read the same way, in mlx-lm's look (sorted, indent 4).
 * @param keys module paths below their block: "self_attn.q_proj".
 * @param num_layers trained tail blocks, counted from the last.
 * @param extras information only (learning_rate, iters, …); never overrides a key that a loader reads.
 */
export function writeMlxAdapterConfig(
  parts: AdapterConfigParts & { readonly keys: readonly string[]; readonly num_layers: number },
  extras: Readonly<Record<string, JsonValue>> = {},
): string {
  const { rank, scale, dropout, base_model, keys, num_layers, target_modules } = parts;
  const alpha = wholeIfClose(scale * rank);
  const file: JsonObject = {
    ...(base_model === undefined ? {} : { model: base_model, base_model_name_or_path: base_model }),
    ...extras,
    fine_tune_type: "lora",
    num_layers,
    lora_parameters: { rank, scale, dropout, keys: [...keys], alpha },
    ...{ rank, scale, alpha, dropout },
    peft_type: "LORA",
    r: rank,
    lora_dropout: dropout,
    target_modules: [...target_modules],
    task_type: "CAUSAL_LM",
    bias: "none",
    use_rslora: false,
  };
  // Ollama parses lora_alpha as an unsigned integer and would refuse the whole file for a fraction; it reads
  // lora_parameters.alpha first, so nothing is lost without it.
  if (Number.isInteger(alpha) && alpha >= 0) file.lora_alpha = alpha;
  else delete file.lora_alpha;
  return `${JSON.stringify(sorted(file), null, 4)}\n`;
}

/**
 * PEFT's file (sorted, indent 2). Always plain LoRA: alpha = scale · rank gives the same strength as any rsLoRA scale and
 * is read right by tools that do not know rsLoRA.
 * @param layers_to_transform block indices when not every block has an adapter.
 */
export function writePeftAdapterConfig(
  parts: AdapterConfigParts & { readonly layers_to_transform: readonly number[] | null },
): string {
  const file: JsonObject = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: parts.base_model ?? null,
    r: parts.rank,
    lora_alpha: wholeIfClose(parts.scale * parts.rank),
    lora_dropout: parts.dropout,
    target_modules: [...parts.target_modules],
    layers_to_transform: parts.layers_to_transform,
    layers_pattern: null,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    modules_to_save: null,
    rank_pattern: {},
    alpha_pattern: {},
    use_dora: false,
    use_rslora: false,
  };
  return `${JSON.stringify(sorted(file), null, 2)}\n`;
}

function sorted(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}
