/**
 * config.json of a decoder (llama, qwen2 and their like), checked, in the Hub's own spelling. Reads both the published
 * 4.x form (rope_theta beside rope_scaling) and transformers 5's (rope_parameters). What is in use but not supported is
 * refused, never ignored; whether `model_type` is known is the registry's question.
 */

import { Problems } from "../core/errors.ts";
import { describeJson, isJsonObject } from "../core/json.ts";
import { Fields } from "./fields.ts";

export interface RopeConfig {
  readonly rope_type: "default" | "linear" | "llama3";
  readonly rope_theta: number;
  /** linear, llama3 */
  readonly factor?: number;
  /** llama3 */
  readonly low_freq_factor?: number;
  readonly high_freq_factor?: number;
  readonly original_max_position_embeddings?: number;
}

export interface ModelConfig {
  readonly model_type: string;
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
  readonly bos_token_id: number | null;
  /** Published as a number or a list; empty when absent. */
  readonly eos_token_id: readonly number[];
}

/**
 * Checks a parsed config.json.
 * Defaults are those of transformers' LlamaConfig and Qwen2Config (embeddings not tied, rope_theta 10000, no scaling).
 * @param where begins every message: "org/model/config.json".
 * @throws one error with all problems: FormatError when the file is wrong, ModelError when only support is missing.
 */
export function parseModelConfig(json: unknown, where: string): ModelConfig {
  const wrong = new Problems();
  const unsupported = new Problems();
  const fields = new Fields(json, wrong);
  const config = readFields(fields, readRope(fields, wrong, unsupported));
  if (wrong.list.length === 0) checkHeads(fields, config, wrong);
  checkFeatures(fields, config.model_type, unsupported);
  throwBoth(where, wrong, unsupported);
  return config;
}

function readFields(fields: Fields, rope: RopeConfig): ModelConfig {
  const hidden_size = fields.int("hidden_size");
  const num_attention_heads = fields.int("num_attention_heads");
  return {
    model_type: fields.string("model_type"),
    vocab_size: fields.int("vocab_size"),
    hidden_size,
    intermediate_size: fields.int("intermediate_size"),
    num_hidden_layers: fields.int("num_hidden_layers"),
    num_attention_heads,
    num_key_value_heads: fields.int("num_key_value_heads", { min: 1 }, num_attention_heads),
    head_dim: fields.int("head_dim", { min: 1 }, hidden_size / num_attention_heads),
    rms_norm_eps: fields.number("rms_norm_eps", { above: 0 }),
    hidden_act: fields.string("hidden_act", "silu"),
    max_position_embeddings: fields.int("max_position_embeddings"),
    tie_word_embeddings: fields.bool("tie_word_embeddings", false),
    attention_bias: fields.bool("attention_bias", false),
    mlp_bias: fields.bool("mlp_bias", false),
    rope,
    bos_token_id: fields.has("bos_token_id") ? fields.int("bos_token_id", { min: 0 }) : null,
    eos_token_id: readTokenIds(fields, "eos_token_id"),
  };
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

const ROPE_KEYS = {
  default: [],
  linear: ["factor"],
  llama3: ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
} as const;

/** 4.x: rope_theta and rope_scaling {type | rope_type, …}; 5.x: rope_parameters {rope_type, rope_theta, …}. */
function readRope(config: Fields, wrong: Problems, unsupported: Problems): RopeConfig {
  const key = config.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  const rope = new Fields(config.raw(key) ?? {}, wrong, `${key}.`);
  const theta = rope.has("rope_theta") ? rope : config;
  const rope_theta = theta.number("rope_theta", { above: 0 }, 10000);
  const rope_type = readRopeType(rope, key, unsupported);
  const rotated = rope.raw("partial_rotary_factor") ?? config.raw("partial_rotary_factor") ?? 1;
  if (rotated !== 1) unsupported.add(`partial_rotary_factor: expected 1, got ${describeJson(rotated)}`);
  const values = ROPE_KEYS[rope_type].map((name) => {
    const whole = name === "original_max_position_embeddings";
    return [name, whole ? rope.int(name) : rope.number(name, { above: 0 })] as const;
  });
  return { rope_type, rope_theta, ...Object.fromEntries(values) };
}

function readRopeType(rope: Fields, key: string, unsupported: Problems): RopeConfig["rope_type"] {
  const kind = rope.raw("rope_type") ?? rope.raw("type");
  if (kind === "default" || kind === "linear" || kind === "llama3") return kind;
  const bare = Object.keys(rope.json).every((name) => name === "rope_theta" || name === "partial_rotary_factor");
  if (kind === undefined && bare) return "default";
  const perLayer = Object.values(rope.json).some(isJsonObject) ? " (one entry per kind of layer)" : "";
  unsupported.add(`${key}.rope_type: expected one of default, linear, llama3, got ${describeJson(kind)}${perLayer}`);
  return "default";
}

/** Things that change the arithmetic and are not implemented. */
function checkFeatures(fields: Fields, model_type: string, unsupported: Problems): void {
  const quantization = ["quantization", "quantization_config"].find((key) => fields.has(key));
  if (quantization !== undefined) {
    unsupported.add(
      `${quantization}: expected unquantised weights (F32, F16 or BF16); quantised bases are not supported yet`,
    );
  }
  if (slidingWindowInUse(fields, model_type)) {
    const window = describeJson(fields.raw("sliding_window"));
    unsupported.add(
      `sliding_window: expected full attention in every layer, got a window of ${window}; windows are not supported yet`,
    );
  }
}

/** qwen2 has a switch, off when absent; llama ignores the key; other families use any window they name. */
function slidingWindowInUse(fields: Fields, model_type: string): boolean {
  const layers = fields.raw("layer_types");
  if (Array.isArray(layers) && layers.includes("sliding_attention")) return true;
  const byDefault = fields.has("sliding_window") && model_type !== "llama" && model_type !== "qwen2";
  return fields.bool("use_sliding_window", byDefault);
}

/** A malformed file is a FormatError even when it also asks for the unsupported. */
function throwBoth(where: string, wrong: Problems, unsupported: Problems): void {
  const kind = wrong.list.length > 0 ? "format" : "model";
  const hint =
    kind === "format"
      ? "Check that this is the config.json of a llama- or qwen2-like language model."
      : "Choose a model, or a version of this one, without these features.";
  const all = new Problems();
  for (const problem of [...wrong.list, ...unsupported.list]) all.add(problem);
  all.throwIfAny(kind, where, hint);
}
