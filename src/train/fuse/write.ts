/** Source → fused files, tensor by tensor and slice by slice: a model of any size passes through a few megabytes. */
import type { Checkpoint } from "../../formats/checkpoint.ts";
import { addSums, type MergeSums, NO_SUMS } from "../../lora/merge.ts";
import { fusedSlices } from "./fused-slices.ts";
import type { FusedFile, FusedMatrix, FusePlan } from "./plan.ts";

/** Where files go; on disk for the command line. */
export interface FusedWriter {
  write(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

export interface FuseOptions {
  /** Called with bytes done and bytes in all. */
  onProgress?(done: number, total: number): void;
  readonly signal?: AbortSignal;
}

/** What became of each matrix that was not copied. */
export type Merged = ReadonlyMap<FusedMatrix, MergeSums>;

/** Writes every file of the plan. */
export async function writeFused(
  plan: FusePlan,
  checkpoint: Checkpoint,
  writer: FusedWriter,
  { onProgress, signal }: FuseOptions = {},
): Promise<Merged> {
  const merged = new Map<FusedMatrix, MergeSums>();
  const slicesOf = fusedSlices(checkpoint, plan.scale);
  let done = 0;
  async function* content(file: FusedFile): AsyncGenerator<Uint8Array> {
    yield file.header;
    for (const tensor of file.tensors) {
      const { matrix } = tensor;
      for await (const { bytes, sums } of slicesOf(tensor)) {
        signal?.throwIfAborted();
        if (matrix) merged.set(matrix, addSums(merged.get(matrix) ?? NO_SUMS, sums));
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
