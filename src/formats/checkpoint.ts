/**
 * The weights of a model: `model.safetensors`, or the shards that `model.safetensors.index.json` names, as one map.
 * Only headers are read here; data comes on demand. A single file wins over an index, as in transformers (mlx-lm writes both).
 */

import { type ModelSource, readJson } from "../core/bytes.ts";
import { LorikeetError, modelError, Problems } from "../core/errors.ts";
import { describeJson, isJsonObject } from "../core/json.ts";
import { openSafetensors, type SafetensorsFile, type TensorInfo } from "./safetensors.ts";

export interface CheckpointTensor extends TensorInfo {
  readonly file: SafetensorsFile;
}

export interface Checkpoint {
  readonly tensors: Map<string, CheckpointTensor>;
  /** The tensor's bytes; a ModelError when there is none of that name. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Bytes [beginByte, endByte) of the tensor, counted from its start. */
  readRange(name: string, beginByte: number, endByte: number): Promise<Uint8Array<ArrayBuffer>>;
}

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/**
 * Opens every file of a checkpoint and checks it against its index.
 * @throws one error with all missing shards, missing tensors, duplicates and damaged files.
 */
export async function openCheckpoint(source: ModelSource): Promise<Checkpoint> {
  const single = await source.open(SINGLE);
  if (single !== null) return checkpointOf([await openSafetensors(single)], source.label);
  const index = await readJson(source, INDEX);
  if (index === undefined) throw await noWeights(source);
  return openShards(source, parseIndex(index, `${source.label}/${INDEX}`));
}

async function noWeights(source: ModelSource): Promise<LorikeetError> {
  const files = await source.list();
  const shown = files.length > 12 ? [...files.slice(0, 12), `… and ${files.length - 12} more`] : files;
  const foreign = files.find((file) => /\.(bin|pt|pth|gguf)$/.test(file));
  return modelError(
    `${source.label}: expected ${SINGLE} or ${INDEX}, got ${shown.length > 0 ? shown.join(", ") : "no files"}`,
    foreign === undefined
      ? "Choose the folder that holds the model's files."
      : `${foreign} cannot be read here; look for a safetensors version of this model.`,
  );
}

/** `weight_map`: tensor name → shard. */
function parseIndex(json: unknown, where: string): Map<string, string> {
  const problems = new Problems();
  const map = new Map<string, string>();
  const weightMap = isJsonObject(json) ? json.weight_map : undefined;
  if (!isJsonObject(weightMap)) problems.add(`weight_map: expected an object, got ${describeJson(weightMap)}`);
  for (const [tensor, shard] of Object.entries(isJsonObject(weightMap) ? weightMap : {})) {
    if (typeof shard === "string") map.set(tensor, shard);
    else problems.add(`weight_map.${tensor}: expected a file name, got ${describeJson(shard)}`);
  }
  problems.throwIfAny("format", where, "Download the index again.");
  return map;
}

async function openShards(source: ModelSource, weightMap: Map<string, string>): Promise<Checkpoint> {
  const problems = new Problems();
  const names = [...new Set(weightMap.values())].sort();
  const opened = await Promise.all(names.map((name) => openShard(source, name, problems)));
  const shards = new Map(names.flatMap((name, i) => (opened[i] ? [[name, opened[i]] as const] : [])));
  for (const name of names) {
    if (!shards.has(name)) continue;
    for (const [tensor, shard] of weightMap) {
      if (shard !== name || shards.get(name)!.tensors.has(tensor)) continue;
      const other = [...shards].find(([, file]) => file.tensors.has(tensor))?.[0];
      problems.add(`tensor "${tensor}": expected in ${name}, ${other ? `found in ${other}` : "found in no shard"}`);
    }
  }
  for (const [tensor, files] of duplicates([...shards])) {
    problems.add(`tensor "${tensor}": expected in one shard, found in ${files.join(" and ")}`);
  }
  problems.throwIfAny("format", `${source.label}/${INDEX}`, "Download the missing or damaged files again.");
  return checkpointOf([...shards.values()], source.label);
}

/** A damaged or missing shard becomes a problem among others; a network failure stays what it is. */
async function openShard(source: ModelSource, name: string, problems: Problems): Promise<SafetensorsFile | null> {
  try {
    const file = await source.open(name);
    if (file !== null) return await openSafetensors(file);
    problems.add(`shard ${name}: expected in ${source.label}, found no such file`);
  } catch (error) {
    if (!(error instanceof LorikeetError) || error.kind !== "format") throw error;
    problems.add(error.message);
  }
  return null;
}

function duplicates(shards: readonly (readonly [string, SafetensorsFile])[]): [string, string[]][] {
  const holders = new Map<string, string[]>();
  for (const [name, file] of shards) {
    for (const tensor of file.tensors.keys()) holders.set(tensor, [...(holders.get(tensor) ?? []), name]);
  }
  return [...holders].filter(([, files]) => files.length > 1);
}

function checkpointOf(files: readonly SafetensorsFile[], label: string): Checkpoint {
  const tensors = new Map<string, CheckpointTensor>();
  for (const file of files) {
    for (const info of file.tensors.values()) tensors.set(info.name, { ...info, file });
  }
  const find = (name: string) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw modelError(`${label}: expected tensor "${name}", found none of that name`);
    return tensor;
  };
  return {
    tensors,
    async read(name) {
      const tensor = find(name);
      return tensor.file.read(tensor);
    },
    async readRange(name, beginByte, endByte) {
      const tensor = find(name);
      return tensor.file.readRange(tensor, beginByte, endByte);
    },
  };
}
