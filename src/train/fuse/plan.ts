/** What a fused model's folder will hold: the source's files with the source's tensors, and which of them are merged. */

import { Problems } from "../../core/errors.ts";
import { isFloatDtype } from "../../core/float-bytes.ts";
import type { JsonValue } from "../../core/json.ts";
import type { Checkpoint, CheckpointTensor } from "../../formats/checkpoint.ts";
import { layoutSafetensors } from "../../formats/safetensors.ts";
import type { Adapter, AdapterFactor } from "../../lora/adapter.ts";
import { uniformAdapter } from "../../lora/uniform.ts";

export interface FusedTensor extends Pick<CheckpointTensor, "name" | "dtype" | "shape"> {
  readonly bytes: number;
  /** What is merged into it; null: copied as it is. */
  readonly factor: AdapterFactor | null;
}

export interface FusedFile {
  /** Within the folder. */
  readonly path: string;
  readonly header: Uint8Array<ArrayBuffer>;
  /** In the order of the file. */
  readonly tensors: readonly FusedTensor[];
}

export interface FusePlan {
  readonly files: readonly FusedFile[];
  /** model.safetensors.index.json, where there is more than one file. */
  readonly index: JsonValue | null;
  readonly scale: number;
  /** Of all tensors. */
  readonly bytes: number;
}

/**
 * Sharded as the source is, under the source's names. Throws ModelError for a factor whose weight is not there, has
 * another shape or a type that numbers cannot be merged into.
 */
export function planFuse(checkpoint: Checkpoint, given: Adapter, label: string): FusePlan {
  const { adapter } = uniformAdapter(given);
  const factors = new Map(adapter.factors.map((factor) => [`${factor.module}.weight`, factor]));
  checkFactors(factors, checkpoint, label);
  const shards = new Map<string, CheckpointTensor[]>();
  for (const tensor of checkpoint.tensors.values()) {
    shards.set(tensor.file.name, [...(shards.get(tensor.file.name) ?? []), tensor]);
  }
  const files = [...shards].map(([name, tensors]) => fusedFile(name, tensors, factors));
  const bytes = files.flatMap(({ tensors }) => tensors).reduce((sum, tensor) => sum + tensor.bytes, 0);
  return { files, index: files.length > 1 ? indexOf(files, bytes) : null, scale: adapter.scale, bytes };
}

function fusedFile(
  name: string,
  tensors: readonly CheckpointTensor[],
  factors: ReadonlyMap<string, AdapterFactor>,
): FusedFile {
  const planned = tensors.map(
    ({ name, dtype, shape, begin, end }): FusedTensor => ({
      ...{ name, dtype, shape, bytes: end - begin },
      factor: factors.get(name) ?? null,
    }),
  );
  // transformers refuses a file that does not say what wrote it.
  const metadata = { format: "pt", ...tensors[0]!.file.metadata };
  const layout = layoutSafetensors(planned, metadata);
  return { path: name.slice(name.lastIndexOf("/") + 1), header: layout.header, tensors: layout.tensors };
}

function indexOf(files: readonly FusedFile[], bytes: number): JsonValue {
  const places = files.flatMap(({ path, tensors }) => tensors.map(({ name }) => [name, path] as const));
  places.sort(([a], [b]) => (a < b ? -1 : 1));
  return { metadata: { total_size: bytes }, weight_map: Object.fromEntries(places) };
}

function checkFactors(factors: ReadonlyMap<string, AdapterFactor>, checkpoint: Checkpoint, label: string): void {
  const problems = new Problems();
  for (const [name, { in_features, out_features }] of factors) {
    const found = checkpoint.tensors.get(name);
    const shape = `[${out_features}, ${in_features}]`;
    if (!found) problems.add(`${name}: the adapter expects it, the model has none`);
    else if (`[${found.shape.join(", ")}]` !== shape) {
      problems.add(`${name}: expected ${shape} for the adapter, found [${found.shape.join(", ")}]`);
    } else if (!isFloatDtype(found.dtype)) {
      problems.add(`${name}: expected F32, F16 or BF16 to merge into, found ${found.dtype}`);
    }
  }
  problems.throwIfAny("model", `${label}: the adapter cannot be merged`, "Name the model it was trained on.");
}
