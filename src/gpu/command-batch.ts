/** The commands of one submit: opens and closes passes as needed and carries the reads that follow the submit. */

import type { Settle } from "./program.ts";

export interface PendingRead {
  readonly staging: GPUBuffer;
  readonly bytes: number;
  readonly settle: Settle;
}

export class CommandBatch {
  /** Estimated GPU seconds encoded so far. */
  seconds = 0;
  reads: PendingRead[] = [];
  private readonly gpu: GPUDevice;
  private encoder: GPUCommandEncoder | null = null;
  private pass: GPUComputePassEncoder | null = null;

  constructor(gpu: GPUDevice) {
    this.gpu = gpu;
  }

  /** `timestampWrites`: for a pass of its own. */
  computePass(timestampWrites?: GPUComputePassTimestampWrites): GPUComputePassEncoder {
    if (timestampWrites) this.endPass();
    this.encoder ??= this.gpu.createCommandEncoder();
    this.pass ??= this.encoder.beginComputePass(timestampWrites ? { timestampWrites } : {});
    return this.pass;
  }

  /** Copies and clears stand between passes. */
  transferEncoder(): GPUCommandEncoder {
    this.endPass();
    this.encoder ??= this.gpu.createCommandEncoder();
    return this.encoder;
  }

  /** Closes the batch and starts an empty one; null when nothing was encoded. */
  finish(): { commands: GPUCommandBuffer; seconds: number; reads: PendingRead[] } | null {
    this.endPass();
    if (!this.encoder) return null;
    const finished = { commands: this.encoder.finish(), seconds: this.seconds, reads: this.reads };
    this.encoder = null;
    this.seconds = 0;
    this.reads = [];
    return finished;
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = null;
  }
}
