/** adapter_config.json of PEFT: read, checked, written. */

import { Problems } from "../core/errors.ts";
import { describeJson, type JsonObject } from "../core/json.ts";
import {
  type AdapterConfig,
  type AdapterConfigParts,
  baseModel,
  refuseUnknown,
  sorted,
  throwAll,
  UNIT,
  wholeIfClose,
} from "./adapter-config.ts";
import { Fields } from "./fields.ts";
import { type LayerRules, readLayerRules } from "./peft-layers.ts";

export interface PeftAdapterConfig extends AdapterConfig {
  /** What it says of single layers. */
  readonly layers: LayerRules;
}

/** The scale of one layer: alpha / rank, or alpha / √rank. */
export const peftScale = (alpha: number, rank: number, use_rslora: boolean): number =>
  alpha / (use_rslora ? Math.sqrt(rank) : rank);

/**
 * Reads PEFT's file. Keys that only inform are known by name; any other key must be off (null, false, empty).
 * @throws FormatError or ModelError with all problems.
 */
export function parsePeftAdapterConfig(json: unknown, where: string): PeftAdapterConfig {
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
  refuseUnknown(fields, "", PEFT_INFORMATION, unsupported, REASONS);
  const rank = fields.int("r");
  const alpha = fields.number("lora_alpha");
  const dropout = fields.number("lora_dropout", UNIT, 0);
  const use_rslora = fields.bool("use_rslora", false);
  const use_dora = fields.bool("use_dora", false);
  const layers = readLayerRules(fields, { rank, alpha }, wrong, unsupported);
  throwAll(where, wrong, unsupported);
  const scale = peftScale(alpha, rank, use_rslora);
  const base = baseModel(fields.raw("base_model_name_or_path"));
  return { rank, alpha, scale, dropout, use_rslora, use_dora, layers, ...base };
}

/** Initialisations after which the file holds all of the adapter. PiSSA, OLoRA, … also change the base's weights. */
const PLAIN_INITS: unknown[] = [true, false, "gaussian", "eva", "orthogonal"];

const REASONS = {
  modules_to_save: "whole layers trained beside the adapter are not supported",
  fan_in_fan_out: "layers that store their weights the other way round, as GPT-2's, are not supported",
  lora_bias: "biases do not train here",
  trainable_token_indices: "trained token embeddings are not supported",
  layer_replication: "the base would need other layers than its file has",
  alora_invocation_tokens: "an adapter that switches on in the middle of a text is not supported",
  target_parameters: "parameters outside linear layers, as experts, are not supported",
};

const PEFT_INFORMATION = new Set([
  ...[
    "peft_type",
    "r",
    "lora_alpha",
    "lora_dropout",
    "use_rslora",
    "use_dora",
    "bias",
    "init_lora_weights",
    "base_model_name_or_path",
  ],
  // Read by readLayerRules.
  ...["target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern"],
  ...["task_type", "inference_mode", "revision", "peft_version", "auto_mapping", "megatron_core", "runtime_config"],
  // Settings of features that have a switch of their own.
  ...["eva_config", "loftq_config", "qalora_group_size", "ensure_weight_tying"],
]);

/**
 * PEFT's file (sorted, indent 2). Never rsLoRA: alpha = scale · rank gives the same strength as any rsLoRA scale and
 * is read right by tools that do not know rsLoRA.
 * layers_to_transform: block indices when not every block has an adapter. The patterns: ranks and alphas that differ from
 * rank and scale · rank, by the end of a module's path.
 */
export function writePeftAdapterConfig(
  parts: AdapterConfigParts & {
    readonly layers_to_transform: readonly number[] | null;
    readonly rank_pattern?: Readonly<Record<string, number>>;
    readonly alpha_pattern?: Readonly<Record<string, number>>;
  },
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
    rank_pattern: parts.rank_pattern ?? {},
    alpha_pattern: parts.alpha_pattern ?? {},
    use_dora: parts.use_dora,
    use_rslora: false,
  };
  return `${JSON.stringify(sorted(file), null, 2)}\n`;
}
