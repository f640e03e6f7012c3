/**
 * What llama.cpp makes of a model, as far as an adapter for it must know: the name of its architecture, and whether its
 * converter reorders the rows of q and k. Read from config.json alone; families that do not train here are among them.
 */

import { modelError, Problems } from "../core/errors.ts";
import { describeJson, isJsonObject } from "../core/json.ts";
import { Fields } from "./fields.ts";

export interface GgufBase {
  /** general.architecture: "llama" for Mistral as well. */
  readonly architecture: string;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly num_hidden_layers: number;
  readonly tie_word_embeddings: boolean;
  /** The text half of a multimodal model. */
  readonly in_language_model: boolean;
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  llama: "llama",
  mistral: "llama",
  smollm3: "smollm3",
  qwen2: "qwen2",
  qwen3: "qwen3",
  gemma: "gemma",
  gemma2: "gemma2",
  gemma3: "gemma3",
  gemma3_text: "gemma3",
  phi3: "phi3",
};

/** Their rotary embedding turns neighbours in llama.cpp, halves of a head in transformers: rows of q and k are reordered. */
const INTERLEAVED = new Set(["llama", "smollm3"]);

export const knownArchitectures = (): string[] => [...new Set(Object.values(ARCHITECTURES))];

export const isInterleaved = (architecture: string): boolean => INTERLEAVED.has(architecture);

/**
 * Reads a parsed config.json.
 * @throws ModelError for a model_type whose place in llama.cpp is not known here, FormatError for a faulty file.
 */
export function parseGgufBase(json: unknown, where: string): GgufBase {
  const problems = new Problems();
  const inner = isJsonObject(json) && isJsonObject(json.text_config) ? json.text_config : null;
  const fields = new Fields(inner ?? json, problems, inner ? "text_config." : "");
  const model_type = fields.raw("model_type") ?? (isJsonObject(json) ? json.model_type : undefined);
  const architecture =
    typeof model_type === "string" && Object.hasOwn(ARCHITECTURES, model_type) ? ARCHITECTURES[model_type] : undefined;
  if (problems.list.length === 0 && architecture === undefined) {
    throw modelError(
      `${where}: model_type: expected one of ${Object.keys(ARCHITECTURES).join(", ")} for GGUF, got ${describeJson(model_type)}`,
      "Write the adapter for PEFT, and convert it with llama.cpp's convert_lora_to_gguf.py.",
    );
  }
  const base = {
    architecture: architecture ?? "",
    ...readNumbers(fields, String(model_type)),
    in_language_model: inner !== null,
  };
  problems.throwIfAny("format", where, "Check that this is the config.json of the model the adapter was trained on.");
  return base;
}

function readNumbers(fields: Fields, model_type: string) {
  // Only where rows are reordered do the heads matter; configs of multimodal models leave them out.
  const matters = isInterleaved(ARCHITECTURES[model_type] ?? "");
  const bounds = { min: 1 };
  const heads = fields.int("num_attention_heads", bounds, matters ? undefined : 1);
  // transformers' default is the number of heads for llama; other families have numbers of their own.
  const keyValueHeads = fields.int(
    "num_key_value_heads",
    bounds,
    matters && model_type !== "llama" ? undefined : heads,
  );
  return {
    num_attention_heads: heads,
    head_dim: fields.int("head_dim", bounds, matters ? fields.int("hidden_size") / heads : 2),
    num_key_value_heads: keyValueHeads,
    num_hidden_layers: fields.int("num_hidden_layers"),
    tie_word_embeddings: fields.bool("tie_word_embeddings", model_type.startsWith("gemma")),
  };
}
