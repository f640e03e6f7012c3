/** Which files of a model training needs. Everything else in its folder or repository is neither fetched nor copied. */
import { type ModelSource, readJson } from "../../core/bytes.ts";
import { type LorikeetError, modelError } from "../../core/errors.ts";
import { isJsonObject } from "../../core/json.ts";

export interface NeededFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

export interface NeededFiles {
  readonly files: readonly NeededFile[];
  /** Of all of them. */
  readonly bytes: number;
}

const REQUIRED = ["config.json", "tokenizer.json"];
const USED_WHEN_THERE =
  /^(generation_config\.json|tokenizer_config\.json|special_tokens_map\.json|chat_template\.jinja|additional_chat_templates\/[^/]+\.jinja)$/;
const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/**
 * Reads the list of files and, of a model in shards, the index; no weights.
 * @throws ModelError that says what is missing and what is there, so that nobody waits for a download in vain.
 */
export async function neededFiles(source: ModelSource): Promise<NeededFiles> {
  const listed = await source.list();
  const weights = await weightFiles(source, listed);
  const paths = [...REQUIRED, ...listed.filter((path) => USED_WHEN_THERE.test(path)), ...weights];
  const files: NeededFile[] = [];
  const missing: string[] = [];
  for (const path of new Set(paths)) {
    const file = await source.open(path);
    if (file === null) missing.push(path);
    else files.push({ path, size: file.size });
  }
  if (missing.length > 0) throw missingFiles(source.label, missing);
  return { files, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}

/** As `openCheckpoint` chooses: a single file wins over an index. */
async function weightFiles(source: ModelSource, listed: readonly string[]): Promise<string[]> {
  if (listed.includes(SINGLE)) return [SINGLE];
  if (!listed.includes(INDEX)) throw noWeights(source.label, listed);
  const index = await readJson(source, INDEX);
  const map = isJsonObject(index) && isJsonObject(index.weight_map) ? index.weight_map : {};
  const shards = [...new Set(Object.values(map))].filter((shard) => typeof shard === "string");
  if (shards.length > 0) return [INDEX, ...shards.sort()];
  throw modelError(`${source.label}/${INDEX}: expected the names of the weight files, got none`, "Download it again.");
}

function noWeights(label: string, listed: readonly string[]): LorikeetError {
  const shown = listed.length > 12 ? [...listed.slice(0, 12), `… and ${listed.length - 12} more`] : listed;
  return modelError(`${label}: expected ${SINGLE} or ${INDEX}, got ${shown.join(", ") || "no files"}`, hintFor(listed));
}

function hintFor(listed: readonly string[]): string {
  if (listed.some((path) => /^adapters?(_model)?\.safetensors$/.test(path))) {
    return "This is an adapter. Choose the model it was trained on.";
  }
  const foreign = listed.find((path) => /\.(bin|pt|pth|gguf|onnx)$/.test(path));
  return foreign === undefined
    ? "Choose a model with safetensors weights."
    : `${foreign} cannot be read here; look for a safetensors version of this model.`;
}

function missingFiles(label: string, missing: readonly string[]): LorikeetError {
  const hint = missing.includes("tokenizer.json")
    ? "Older models come with tokenizer.model only; open and save them once with transformers to get tokenizer.json."
    : "The model is incomplete: choose another, or download the missing files.";
  return modelError(`${label}: expected ${missing.join(", ")}, found no such file`, hint);
}
