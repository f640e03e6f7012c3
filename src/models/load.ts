/**
 * Weights from a Hub-format folder into a model's modules, strictly: every missing, unexpected or misshapen tensor is
 * reported in one error before a byte is uploaded. Tensors stream to the GPU in slices; no whole model is ever in memory.
 */

import type { Affine } from "../core/affine.ts";
import { type ModelSource, readJson } from "../core/bytes.ts";
import { toFloat32 } from "../core/dtype.ts";
import { modelError, Problems } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { type Checkpoint, openCheckpoint } from "../formats/checkpoint.ts";
import { type ModelConfig, parseModelConfig } from "../formats/model-config.ts";
import { textCheckpoint, textConfig } from "../formats/text-part.ts";
import type { Device } from "../gpu/device.ts";
import { freeWeight, type Weight, type WeightElement } from "../gpu/weight.ts";
import { type Leaf, namedLeaves } from "../nn/module.ts";
import type { CausalLM } from "./model.ts";
import { placeWeights } from "./place.ts";
import { buildModel, checkFamily } from "./registry.ts";
import { matrixElement, matrixTensors, tensorElement, uploadMatrix } from "./stored-matrix.ts";

export interface LoadOptions {
  /** Called with bytes done and bytes in all. */
  onProgress?(done: number, total: number): void;
  readonly signal?: AbortSignal;
  /** Called when every matrix has its place on the device and none has its numbers yet. */
  onPlaced?(model: CausalLM): void;
  /** Plain matrices become affine codes of so many bits while they come. */
  readonly quantize?: Affine | null | undefined;
}

/** Buffers that old checkpoints store although they are computed. */
const TIED_HEAD = /^lm_head\.(weight|scales|biases)$/;
const COMPUTED = /\.rotary_emb\.inv_freq$/;

/** Reads config.json, builds the family, loads every weight. */
export async function loadModel(source: ModelSource, device: Device, options: LoadOptions = {}): Promise<CausalLM> {
  const config = await readConfig(source);
  if (options.quantize && config.quantization) {
    const { bits } = config.quantization;
    throw modelError(
      `${source.label}: its weights are quantised already, to ${bits} bits`,
      "Load it as it is, or choose the original model.",
    );
  }
  const model = buildModel(config, `${source.label}/config.json`);
  await loadWeights(model, textCheckpoint(await openCheckpoint(source)), device, source.label, options);
  return model;
}

/** config.json of a supported family. Throws ModelError where there is none, or one of another family. */
export async function readConfig(source: ModelSource): Promise<ModelConfig> {
  const where = `${source.label}/config.json`;
  const json = await readJson(source, "config.json");
  if (json === undefined) {
    const files = (await source.list()).slice(0, 12).join(", ");
    throw modelError(
      `${source.label}: expected config.json, found ${files || "no files"}`,
      "Choose the folder that holds the model's files.",
    );
  }
  // The family before its fields: another one spells them otherwise, and that is not what is wrong.
  const { model_type } = isJsonObject(json) ? textConfig(json) : {};
  if (typeof model_type === "string") checkFamily(model_type, where);
  return parseModelConfig(json, where);
}

interface Wanted {
  readonly name: string;
  /** Of the module. */
  readonly path: string;
  readonly shape: readonly number[];
  readonly leaf: Leaf;
  readonly part: "weight" | "bias";
}

/** The tensors a model needs, by Hub name. */
export function wantedTensors(model: CausalLM): Wanted[] {
  return namedLeaves(model.tree).flatMap(({ path, leaf }) => {
    const weight: Wanted = { name: `${path}.weight`, path, shape: leaf.shape, leaf, part: "weight" };
    if (leaf.kind !== "linear" || !leaf.hasBias) return [weight];
    return [weight, { name: `${path}.bias`, path, shape: [leaf.shape[0]], leaf, part: "bias" }];
  });
}

export async function loadWeights(
  model: CausalLM,
  checkpoint: Checkpoint,
  device: Device,
  label: string,
  { onProgress, onPlaced, signal, quantize = null }: LoadOptions = {},
): Promise<void> {
  const wanted = wantedTensors(model);
  const elements = checkTensors(wanted, checkpoint, model, label, quantize);
  sortByPlace(wanted, checkpoint);
  const tensorBytes = (name: string) => checkpoint.tensors.get(name)!.end - checkpoint.tensors.get(name)!.begin;
  const bytesOf = (one: Wanted) => tensorsOf(one, checkpoint).reduce((sum, name) => sum + tensorBytes(name), 0);
  const total = wanted.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  let done = 0;
  try {
    placeWeights(model.tree, device, (path) => elements.get(path)!);
    onPlaced?.(model);
    for (const tensor of wanted) {
      signal?.throwIfAborted();
      const size = bytesOf(tensor);
      await loadTensor(tensor, checkpoint, device, (bytes) => bytes < size && onProgress?.(done + bytes, total));
      done += size;
      onProgress?.(done, total);
    }
    // Memory that ran out with the last tensors is reported out of line.
    await device.idle();
  } catch (error) {
    freeWeights(model, device);
    throw error;
  }
}

/** Its file's tensors: a quantised matrix has three. */
function tensorsOf({ name, path, leaf, part }: Wanted, checkpoint: Checkpoint): string[] {
  return leaf.kind === "rmsnorm" || part === "bias" ? [name] : matrixTensors(checkpoint, path);
}

/** Into the order of the files: a download that cannot be kept must not need any part of a file twice. */
function sortByPlace(wanted: Wanted[], checkpoint: Checkpoint): void {
  const place = ({ name }: Wanted) => checkpoint.tensors.get(name)!;
  wanted.sort((a, b) => compare(place(a).file.name, place(b).file.name) || place(a).begin - place(b).begin);
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

/** Gives back what is loaded: when the rest will not come, or the model has done its work. */
export function freeWeights(model: CausalLM, device: Device): void {
  for (const { leaf } of namedLeaves(model.tree)) {
    if (leaf.kind === "rmsnorm") {
      if (leaf.weight) device.free(leaf.weight);
    } else if (leaf.weight) freeWeight(device, leaf.weight);
    leaf.weight = null;
    if (leaf.kind !== "linear") continue;
    if (leaf.bias) device.free(leaf.bias);
    leaf.bias = null;
  }
}

/** `onBytes`: of this tensor so far. */
async function loadTensor(
  { name, path, leaf, part }: Wanted,
  checkpoint: Checkpoint,
  device: Device,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { dtype } = checkpoint.tensors.get(name)!;
  const vector = leaf.kind === "linear" && part === "bias" ? leaf.bias : leaf.kind === "rmsnorm" ? leaf.weight : null;
  if (vector) {
    const stored = toFloat32(await checkpoint.read(name), dtype);
    const values = leaf.kind === "rmsnorm" && leaf.offset ? stored.map((value) => value + leaf.offset) : stored;
    device.upload(vector, new Uint8Array(values.buffer as ArrayBuffer));
  } else await uploadMatrix(leaf.weight as Weight, path, checkpoint, device, onBytes);
}

/** How each matrix lies on the device, by module path; every tensor that is not as it should be is reported. */
function checkTensors(
  wanted: readonly Wanted[],
  checkpoint: Checkpoint,
  model: CausalLM,
  label: string,
  quantize: Affine | null,
): Map<string, WeightElement> {
  const problems = new Problems();
  const elements = new Map<string, WeightElement>();
  for (const { name, path, shape, leaf, part } of wanted) {
    if (leaf.kind !== "rmsnorm" && part === "weight") {
      elements.set(path, matrixElement(checkpoint, model.config, path, leaf.shape, { problems, quantize }));
      continue;
    }
    const found = checkpoint.tensors.get(name);
    if (!found) problems.add(`${name} is missing, expected [${shape.join(", ")}]`);
    else if (found.shape.join() !== shape.join()) {
      problems.add(`${name}: expected [${shape.join(", ")}], found [${found.shape.join(", ")}]`);
    } else if (!tensorElement(found.dtype)) problems.add(`${name}: expected F32, F16 or BF16, found ${found.dtype}`);
  }
  const names = new Set(wanted.flatMap((one) => tensorsOf(one, checkpoint)));
  for (const name of checkpoint.tensors.keys()) {
    if (names.has(name) || COMPUTED.test(name)) continue;
    // Some tied checkpoints store the head as well; it is the embedding.
    if (TIED_HEAD.test(name) && model.config.tie_word_embeddings) continue;
    problems.add(`${name} is not a tensor of ${model.config.model_type}`);
  }
  const hint = "The weights do not belong to this config.json, or the download is incomplete.";
  problems.throwIfAny("model", label, hint);
  return elements;
}
