/**
 * config.json of a decoder (llama, qwen, gemma and their like), checked, in the Hub's own spelling, in its published 4.x
 * form as well as in transformers 5's. What is in use but not supported is refused, never ignored; whether `model_type`
 * is known is the registry's question.
 */

import { Problems } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { withDefaults } from "./family-defaults.ts";
import { Fields } from "./fields.ts";
import { type LayerConfig, readLayers } from "./layer-config.ts";
import { type QuantizationConfig, readQuantization } from "./quantization.ts";
import { type RopeConfig, readRope } from "./rope-config.ts";
import { hasTextPart, textConfig } from "./text-part.ts";

export type { RopeConfig } from "./rope-config.ts";

export interface ModelConfig extends LayerConfig {
  readonly model_type: string;
  /** It is the language model inside one that sees pictures, too. */
  readonly in_language_model?: true;
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly rms_norm_eps: number;
  /** As written ("silu"); each family checks that it has it. */
  readonly hidden_act: string;
  readonly max_position_embeddings: number;
  readonly tie_word_embeddings: boolean;
  /** As written, false when absent. qwen2 has q, k and v biases whatever this says. */
  readonly attention_bias: boolean;
  readonly mlp_bias: boolean;
  readonly rope: RopeConfig;
  /** Of the layers of sliding attention, where they have their own (gemma3). */
  readonly rope_local: RopeConfig | null;
  /** Scores are multiplied by 1/√ of this; null: head_dim. */
  readonly query_pre_attn_scalar: number | null;
  /** c in c·tanh(x/c) around scores and logits; null: none. */
  readonly attn_logit_softcapping: number | null;
  readonly final_logit_softcapping: number | null;
  /** Weights stored as MLX's affine codes. */
  readonly quantization: QuantizationConfig | null;
  readonly bos_token_id: number | null;
  /** Published as a number or a list; empty when absent. */
  readonly eos_token_id: readonly number[];
}

/**
 * Checks a parsed config.json.
 * Defaults are those of each family's own configuration in transformers.
 * @param where begins every message: "org/model/config.json".
 * @throws one error with all problems: FormatError when the file is wrong, ModelError when only support is missing.
 */
export function parseModelConfig(json: unknown, where: string): ModelConfig {
  const wrong = new Problems();
  const unsupported = new Problems();
  const fields = new Fields(isJsonObject(json) ? withDefaults(textConfig(json)) : json, wrong);
  const config = readFields(fields, wrong, unsupported);
  if (wrong.list.length === 0) checkHeads(fields, config, wrong);
  throwBoth(where, wrong, unsupported);
  return isJsonObject(json) && hasTextPart(json) ? { ...config, in_language_model: true } : config;
}

function readFields(fields: Fields, wrong: Problems, unsupported: Problems): ModelConfig {
  const model_type = fields.string("model_type");
  const hidden_size = fields.int("hidden_size");
  const num_hidden_layers = fields.int("num_hidden_layers");
  const num_attention_heads = fields.int("num_attention_heads");
  const head_dim = fields.int("head_dim", { min: 1 }, hidden_size / num_attention_heads);
  const max_position_embeddings = fields.int("max_position_embeddings");
  const gemma = model_type.startsWith("gemma");
  const optional = (key: string) => (fields.has(key) ? fields.number(key, { above: 0 }) : null);
  const around = { head_dim, max_position_embeddings, partialAllowed: model_type === "phi3" };
  return {
    model_type,
    vocab_size: fields.int("vocab_size"),
    hidden_size,
    intermediate_size: fields.int("intermediate_size"),
    num_hidden_layers,
    num_attention_heads,
    num_key_value_heads: fields.int("num_key_value_heads", { min: 1 }, num_attention_heads),
    head_dim,
    rms_norm_eps: fields.number("rms_norm_eps", { above: 0 }),
    hidden_act: fields.string(gemma ? "hidden_activation" : "hidden_act", "silu"),
    max_position_embeddings,
    tie_word_embeddings: fields.bool("tie_word_embeddings", false),
    attention_bias: fields.bool("attention_bias", false),
    mlp_bias: fields.bool("mlp_bias", false),
    rope: readRope(fields, wrong, unsupported, { ...around, layerType: "full_attention" }),
    rope_local: model_type === "gemma3_text" ? readLocalRope(fields, wrong, unsupported, around) : null,
    query_pre_attn_scalar: gemma ? optional("query_pre_attn_scalar") : null,
    attn_logit_softcapping: gemma ? optional("attn_logit_softcapping") : null,
    final_logit_softcapping: gemma ? optional("final_logit_softcapping") : null,
    quantization: readQuantization(fields, unsupported),
    ...readLayers(fields, model_type, num_hidden_layers, wrong, unsupported),
    bos_token_id: fields.has("bos_token_id") ? fields.int("bos_token_id", { min: 0 }) : null,
    eos_token_id: readTokenIds(fields, "eos_token_id"),
  };
}

/** 5.x: an entry of rope_parameters; 4.x: rope_local_base_freq, never scaled. */
function readLocalRope(
  fields: Fields,
  wrong: Problems,
  unsupported: Problems,
  around: { readonly head_dim: number; readonly max_position_embeddings: number; readonly partialAllowed: boolean },
): RopeConfig {
  if (fields.has("rope_parameters")) {
    return readRope(fields, wrong, unsupported, { ...around, layerType: "sliding_attention" });
  }
  return { rope_type: "default", rope_theta: fields.number("rope_local_base_freq", { above: 0 }) };
}

function readTokenIds(fields: Fields, key: string): number[] {
  const value = fields.raw(key) ?? [];
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  if (ids.every((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0)) return ids;
  return fields.fault(key, "a token id or a list of them", value, []);
}

function checkHeads(fields: Fields, config: ModelConfig, wrong: Problems): void {
  const { hidden_size, num_attention_heads: heads, num_key_value_heads: keyValueHeads, head_dim } = config;
  if (heads % keyValueHeads !== 0) {
    wrong.add(`num_key_value_heads: expected a divisor of num_attention_heads (${heads}), got ${keyValueHeads}`);
  }
  if (!fields.has("head_dim") && hidden_size % heads !== 0) {
    wrong.add(`hidden_size: expected a multiple of num_attention_heads (${heads}), got ${hidden_size}`);
  } else if (head_dim % 2 !== 0) {
    wrong.add(`head_dim: expected an even number (rotary embedding turns pairs), got ${head_dim}`);
  }
}

/** A malformed file is a FormatError even when it also asks for the unsupported. */
function throwBoth(where: string, wrong: Problems, unsupported: Problems): void {
  const kind = wrong.list.length > 0 ? "format" : "model";
  const hint =
    kind === "format"
      ? "Check that this is the config.json of a language model."
      : "Choose a model, or a version of this one, without these features.";
  const all = new Problems();
  for (const problem of [...wrong.list, ...unsupported.list]) all.add(problem);
  all.throwIfAny(kind, where, hint);
}
