/**
 * The language model inside one that sees pictures too (gemma3): its config lies under text_config, its tensors below
 * "language_model.", or "model.language_model." as transformers 5 writes them. The rest is left where it is.
 */
import { isJsonObject, type JsonObject } from "../core/json.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** Families whose text part is one of ours. */
const TEXT_PARTS: Readonly<Record<string, string>> = { gemma3: "gemma3_text" };
/** What the whole says for its parts. */
const COMMON = ["bos_token_id", "eos_token_id", "quantization", "quantization_config"];

/** Whether the config is of a model that has one of ours inside. */
export const hasTextPart = ({ model_type, text_config }: JsonObject): boolean =>
  typeof model_type === "string" && Object.hasOwn(TEXT_PARTS, model_type) && isJsonObject(text_config);

/** The config of the text part; any other config as it is. */
export function textConfig(json: JsonObject): JsonObject {
  const { model_type, text_config } = json;
  if (!hasTextPart(json) || !isJsonObject(text_config)) return json;
  const family = TEXT_PARTS[String(model_type)]!;
  const common = Object.fromEntries(COMMON.flatMap((key) => (key in json ? [[key, json[key]]] : [])));
  return { ...common, ...text_config, model_type: family };
}

const WITHIN = /^(?:language_model\.|model\.language_model\.(?!model\.))/;

/** What the tensors of the text part are called in the checkpoint, by their own names; empty where there is no such part. */
export function textNames(checkpoint: Checkpoint): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const name of checkpoint.tensors.keys()) {
    if (WITHIN.test(name))
      names.set(
        name.startsWith("model.") ? name.replace("language_model.", "") : name.slice("language_model.".length),
        name,
      );
  }
  // transformers 5 has the head beside "model".
  if (names.size > 0 && checkpoint.tensors.has("lm_head.weight")) names.set("lm_head.weight", "lm_head.weight");
  return names;
}

/** The tensors of the text part by their own names; of a checkpoint without one, all as they are. */
export function textCheckpoint(checkpoint: Checkpoint): Checkpoint {
  const names = textNames(checkpoint);
  if (names.size === 0) return checkpoint;
  return {
    tensors: new Map([...names].map(([own, name]) => [own, checkpoint.tensors.get(name)!])),
    read: (own) => checkpoint.read(names.get(own) ?? own),
    readRange: (own, begin, end) => checkpoint.readRange(names.get(own) ?? own, begin, end),
  };
}
