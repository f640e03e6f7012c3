/** A ring of mappable buffers: results are copied into one, mapped when the GPU is done, and the buffer goes back. */

import type { PendingRead } from "./command-batch.ts";
import type { SubmitPacer } from "./submit-pacer.ts";

const USAGE_STAGING = 0x01 | 0x08; // MAP_READ | COPY_DST
const MAP_READ = 0x01;

/** Larger staging buffers are not kept: logits dumps are rare, losses are not. */
const MAX_KEPT_BYTES = 4 * 2 ** 20;

export class Readback {
  private readonly gpu: GPUDevice;
  private readonly pacer: SubmitPacer;
  private readonly free: GPUBuffer[] = [];

  constructor(gpu: GPUDevice, pacer: SubmitPacer) {
    this.gpu = gpu;
    this.pacer = pacer;
  }

  acquire(bytes: number): GPUBuffer {
    const index = this.free.findIndex((buffer) => buffer.size >= bytes);
    if (index >= 0) return this.free.splice(index, 1)[0]!;
    const size = Math.max(256, Math.ceil(bytes / 256) * 256);
    return this.gpu.createBuffer({ size, usage: USAGE_STAGING, label: "readback" });
  }

  /** Waits for the copy, gives its bytes and keeps the buffer for the next read. */
  async take({ staging, bytes }: PendingRead): Promise<Uint8Array> {
    await this.pacer.nearlyFinished();
    await staging.mapAsync(MAP_READ, 0, Math.ceil(bytes / 4) * 4);
    const values = new Uint8Array(staging.getMappedRange(0, Math.ceil(bytes / 4) * 4)).slice(0, bytes);
    staging.unmap();
    if (staging.size <= MAX_KEPT_BYTES) this.free.push(staging);
    else staging.destroy();
    return values;
  }
}
