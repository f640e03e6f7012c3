/** What a fused model's folder will hold: which tensors are copied, which are made anew, and from what. */

import { DTYPE_BYTES, elementCount } from "../../core/dtype.ts";
import { modelError, Problems } from "../../core/errors.ts";
import type { JsonValue } from "../../core/json.ts";
import type { Checkpoint, CheckpointTensor } from "../../formats/checkpoint.ts";
import type { QuantizationConfig } from "../../formats/quantization.ts";
import { layoutSafetensors } from "../../formats/safetensors.ts";
import { textNames } from "../../formats/text-part.ts";
import type { Adapter, AdapterFactor } from "../../lora/adapter.ts";
import { uniformAdapter } from "../../lora/uniform.ts";
import { isCodes, type MatrixForm, type StoredMatrix, splitName, storedMatrix } from "./matrix-form.ts";

/** A matrix that is not copied. */
export interface FusedMatrix extends StoredMatrix {
  /** What it is written as. */
  readonly written: MatrixForm;
  /** What is merged into it; null: only decoded. */
  readonly factor: AdapterFactor | null;
}

export interface FusedTensor extends Pick<CheckpointTensor, "name" | "dtype" | "shape"> {
  readonly bytes: number;
  /** What it is a part of; null: copied as it is. */
  readonly matrix: FusedMatrix | null;
}

export interface FusedFile {
  /** Within the folder. */
  readonly path: string;
  readonly header: Uint8Array<ArrayBuffer>;
  /** In the order of the file. */
  readonly tensors: readonly FusedTensor[];
}

/** The weights are of the base's types; decoded from its codes; or codes again. */
export type FusedForm = "as the base" | "decoded" | "codes";

export interface FusePlan {
  readonly form: FusedForm;
  readonly files: readonly FusedFile[];
  /** model.safetensors.index.json, where there is more than one file. */
  readonly index: JsonValue | null;
  readonly scale: number;
  /** Of all tensors. */
  readonly bytes: number;
}

export interface PlanOptions {
  /** The base's, for messages. */
  readonly label: string;
  readonly quantization: QuantizationConfig | null;
  /** Codes stay codes. */
  readonly requantize: boolean;
  /** Bytes of tensors in a file, where files are not the base's: as transformers and mlx-lm split. */
  readonly shardBytes?: number;
}

const SHARD_BYTES = 5e9;

/**
 * Files are the source's, by name and content, unless codes are decoded. Throws ModelError for a factor whose weight is not there,
 * has another shape or a type that numbers cannot be merged into, and where codes are asked for of a base that has none.
 */
export function planFuse(checkpoint: Checkpoint, given: Adapter, options: PlanOptions): FusePlan {
  const { label, requantize, shardBytes = SHARD_BYTES } = options;
  const { adapter } = uniformAdapter(given);
  const coded = [...checkpoint.tensors.keys()].some((name) => name.endsWith(".scales"));
  if (requantize && !coded) {
    throw modelError(
      `${label}: its weights are plain, so there are no codes to write again`,
      "Leave --requantize out.",
    );
  }
  const form: FusedForm = coded ? (requantize ? "codes" : "decoded") : "as the base";
  const matrices = changedMatrices(checkpoint, adapter, options);
  const planned = [...checkpoint.tensors.values()].flatMap((tensor) => plannedTensor(tensor, matrices));
  const shards = form === "decoded" ? bySize(planned, shardBytes) : byFile(planned);
  const files = [...shards].map(([name, tensors]) => fusedFile(name, tensors));
  const bytes = planned.reduce((sum, tensor) => sum + tensor.bytes, 0);
  return { form, files, index: files.length > 1 ? indexOf(files, bytes) : null, scale: adapter.scale, bytes };
}

interface PlannedTensor extends FusedTensor {
  readonly file: CheckpointTensor["file"];
}

function plannedTensor(tensor: CheckpointTensor, matrices: ReadonlyMap<string, FusedMatrix>): PlannedTensor[] {
  const { name, dtype, shape, begin, end, file } = tensor;
  const place = splitName(name);
  const matrix = (place && matrices.get(place.path)) ?? null;
  if (!matrix || isCodes(matrix.written)) return [{ name, dtype, shape, file, bytes: end - begin, matrix }];
  if (place?.part !== "weight") return [];
  const bytes = elementCount(matrix.shape) * DTYPE_BYTES[matrix.written];
  return [{ name, dtype: matrix.written, shape: matrix.shape, file, bytes, matrix }];
}

/** Under the source's names. */
function byFile(planned: readonly PlannedTensor[]): Map<string, PlannedTensor[]> {
  const shards = new Map<string, PlannedTensor[]>();
  for (const tensor of planned) {
    const path = tensor.file.name.slice(tensor.file.name.lastIndexOf("/") + 1);
    shards.set(path, [...(shards.get(path) ?? []), tensor]);
  }
  return shards;
}

/** As few files as the order of the names allows; a tensor larger than a file has one of its own. */
function bySize(planned: readonly PlannedTensor[], most: number): Map<string, PlannedTensor[]> {
  const shards: PlannedTensor[][] = [[]];
  let bytes = 0;
  for (const tensor of planned.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (bytes > 0 && bytes + tensor.bytes > most) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += tensor.bytes;
  }
  if (shards.length === 1) return new Map([["model.safetensors", shards[0]!]]);
  const number = (n: number) => String(n).padStart(5, "0");
  return new Map(shards.map((own, i) => [`model-${number(i + 1)}-of-${number(shards.length)}.safetensors`, own]));
}

function fusedFile(path: string, tensors: readonly PlannedTensor[]): FusedFile {
  // transformers refuses a file that does not say what wrote it.
  const metadata = { format: "pt", ...tensors[0]!.file.metadata };
  return { path, ...layoutSafetensors(tensors, metadata) };
}

function indexOf(files: readonly FusedFile[], bytes: number): JsonValue {
  const places = files.flatMap(({ path, tensors }) => tensors.map(({ name }) => [name, path] as const));
  places.sort(([a], [b]) => (a < b ? -1 : 1));
  return { metadata: { total_size: bytes }, weight_map: Object.fromEntries(places) };
}

/** By path: what the adapter changes, and where codes are decoded all that lie in them. */
function changedMatrices(
  checkpoint: Checkpoint,
  { factors }: Adapter,
  { label, quantization, requantize }: PlanOptions,
): Map<string, FusedMatrix> {
  const problems = new Problems();
  const names = textNames(checkpoint);
  const byModule = new Map(factors.map((factor) => [storedPath(names, factor.module), factor]));
  const coded = [...checkpoint.tensors.keys()].flatMap((name) => {
    const place = splitName(name);
    return !requantize && place?.part === "scales" && checkpoint.tensors.has(`${place.path}.weight`) ? place.path : [];
  });
  const found = new Map<string, FusedMatrix>();
  for (const path of new Set([...coded, ...byModule.keys()])) {
    const factor = byModule.get(path) ?? null;
    if (!checkpoint.tensors.has(`${path}.weight`)) {
      problems.add(`${path}.weight: the adapter expects it, the model has none`);
      continue;
    }
    const stored = storedMatrix(checkpoint, quantization, path, problems);
    if (!stored) continue;
    const wanted = factor ? [factor.out_features, factor.in_features] : stored.shape;
    if (wanted.join() !== stored.shape.join()) {
      const [own, other] = [wanted, stored.shape].map((shape) => `[${shape.join(", ")}]`);
      problems.add(`${path}.weight: expected ${own} for the adapter, found ${other}`);
    }
    found.set(path, { ...stored, written: writtenAs(stored.form, requantize), factor });
  }
  problems.throwIfAny("model", `${label}: the adapter cannot be merged`, "Name the model it was trained on.");
  return found;
}

/** Where a module of the language model inside another lies. */
const storedPath = (names: ReadonlyMap<string, string>, module: string): string =>
  names.get(`${module}.weight`)?.replace(/\.weight$/, "") ?? module;

/** Codes are decoded to half precision: F16 where that is what their scales are, else BF16. */
function writtenAs(form: MatrixForm, requantize: boolean): MatrixForm {
  if (!isCodes(form) || requantize) return form;
  return form.scales === "F16" ? "F16" : "BF16";
}
