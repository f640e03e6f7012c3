/**
 * Knows how long submits take on this GPU, and keeps at most two in flight. The estimate starts from a modest GPU and
 * follows what is measured, so that submits hold about the intended time on a laptop and on a software adapter alike.
 */
import type { Cost } from "./execute.ts";

const IN_FLIGHT = 2;
/** The nominal GPU of the estimate: 1 TFLOP/s, 100 GB/s, 10 µs a dispatch. */
const SECONDS_PER_FLOP = 1e-12;
const SECONDS_PER_BYTE = 1e-11;
const SECONDS_PER_DISPATCH = 1e-5;

export class SubmitPacer {
  private readonly queue: GPUQueue;
  /** Measured time over nominal time; starts pessimistic, so that the first submits are short. */
  private slowdown = 20;
  private readonly running: Promise<void>[] = [];
  private lastDone = 0;

  constructor(queue: GPUQueue) {
    this.queue = queue;
  }

  /** Expected seconds of one dispatch. */
  estimate({ flops, bytes }: Cost): number {
    const arithmetic = Math.max(flops * SECONDS_PER_FLOP, bytes * SECONDS_PER_BYTE);
    return this.slowdown * (arithmetic + SECONDS_PER_DISPATCH);
  }

  submitted(estimated: number): void {
    const start = performance.now();
    const done = this.queue.onSubmittedWorkDone().then(() => {
      const now = performance.now();
      this.learn(estimated, (now - Math.max(start, this.lastDone)) / 1000);
      this.lastDone = now;
    });
    this.running.push(done.catch(() => {}));
  }

  /** Resolves when at most two submits are in flight. A GPU→CPU wait, but never for the newest work. */
  async wait(): Promise<void> {
    while (this.running.length > IN_FLIGHT) await this.running.shift();
  }

  private learn(estimated: number, measured: number): void {
    // Tiny submits measure latency, not work.
    if (estimated < 1e-3) return;
    const ratio = Math.min(4, Math.max(0.25, measured / estimated));
    this.slowdown = Math.min(1e4, Math.max(0.01, this.slowdown * ratio ** 0.3));
  }
}
