/** Source → fused files, tensor by tensor and slice by slice: a model of any size passes through a few megabytes. */
import { isFloatDtype } from "../../core/float-bytes.ts";
import type { Checkpoint } from "../../formats/checkpoint.ts";
import { addSums, type MergeSums, mergeRows, NO_SUMS } from "../../lora/merge.ts";
import type { FusedFile, FusedTensor, FusePlan } from "./plan.ts";

/** Where files go; on disk for the command line. */
export interface FusedWriter {
  write(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

export interface FuseOptions {
  /** Called with bytes done and bytes in all. */
  onProgress?(done: number, total: number): void;
  readonly signal?: AbortSignal;
}

/** A part of a tensor as it shall be written. */
export interface FusedSlice {
  /** First byte, counted from the tensor's start. */
  readonly begin: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The source's bytes of the same place. */
  readonly source: Uint8Array<ArrayBuffer>;
  readonly sums: MergeSums;
}

/** Merging needs some twenty bytes for every number of a slice. */
const MERGE_BYTES = 4 * 2 ** 20;
const COPY_BYTES = 16 * 2 ** 20;

/** The tensor, merged or as it is, in slices. */
export async function* fusedSlices(
  checkpoint: Checkpoint,
  { name, dtype, bytes, factor, shape }: FusedTensor,
  scale: number,
): AsyncGenerator<FusedSlice> {
  const rowBytes = shape.length === 0 ? bytes : bytes / shape[0]!;
  const step = factor ? Math.max(1, Math.floor(MERGE_BYTES / rowBytes)) * rowBytes : COPY_BYTES;
  for (let begin = 0; begin < bytes; begin += step) {
    const source = await checkpoint.readRange(name, begin, Math.min(bytes, begin + step));
    if (!factor || !isFloatDtype(dtype)) {
      yield { begin, bytes: source, source, sums: NO_SUMS };
      continue;
    }
    yield { begin, source, ...mergeRows(source, dtype, factor, scale, begin / rowBytes) };
  }
}

/** Writes every file of the plan; returns what the merge did to each adapted tensor, by name. */
export async function writeFused(
  plan: FusePlan,
  checkpoint: Checkpoint,
  writer: FusedWriter,
  { onProgress, signal }: FuseOptions = {},
): Promise<Map<string, MergeSums>> {
  const merged = new Map<string, MergeSums>();
  let done = 0;
  async function* content(file: FusedFile): AsyncGenerator<Uint8Array> {
    yield file.header;
    for (const tensor of file.tensors) {
      for await (const { bytes, sums } of fusedSlices(checkpoint, tensor, plan.scale)) {
        signal?.throwIfAborted();
        if (tensor.factor) merged.set(tensor.name, addSums(merged.get(tensor.name) ?? NO_SUMS, sums));
        yield bytes;
        done += bytes.length;
        onProgress?.(done, plan.bytes);
      }
    }
  }
  for (const file of plan.files) await writer.write(file.path, content(file));
  if (plan.index) await writer.write("model.safetensors.index.json", jsonChunks(plan.index));
  return merged;
}

async function* jsonChunks(json: FusePlan["index"]): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`);
}
