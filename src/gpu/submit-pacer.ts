/**
 * Knows how long submits take on this GPU, and keeps at most two in flight. The estimate starts from a modest GPU and
 * follows what is measured, so that submits hold about the intended time on a laptop and on a software adapter alike.
 */
import type { Cost } from "./execute.ts";

/** Resolves after so many milliseconds. */
export type Sleep = (milliseconds: number) => Promise<void>;

interface Submit {
  /** As estimated. */
  readonly seconds: number;
  /** performance.now() at the submit. */
  readonly start: number;
}

const IN_FLIGHT = 2;
/** The nominal GPU of the estimate: 1 TFLOP/s, 100 GB/s, 10 µs a dispatch. */
const SECONDS_PER_FLOP = 1e-12;
const SECONDS_PER_BYTE = 1e-11;
const SECONDS_PER_DISPATCH = 1e-5;
/** Waits shorter than this are not slept through. */
const SHORT_WAIT = 5;
/** Share of the expected time that is slept; the rest is waited for, so that an estimate too long costs little. */
const SLEPT = 0.8;

export class SubmitPacer {
  private readonly queue: GPUQueue;
  private readonly sleep: Sleep | null;
  /** Measured time over nominal time; starts pessimistic, so that the first submits are short. */
  private slowdown = 20;
  /** One promise per submit, in order. */
  private readonly running: Promise<void>[] = [];
  private unfinished: Submit[] = [];
  private lastDone = 0;

  /**
   * `sleep`: for Dawn in Node, which polls in a busy loop while anything is awaited. Sleeping through most of the
   * expected time leaves that core to a software adapter, which needs it. Browsers need none of this.
   */
  constructor(queue: GPUQueue, sleep: Sleep | null) {
    this.queue = queue;
    this.sleep = sleep;
  }

  /** Expected seconds of one dispatch. */
  estimate({ flops, bytes }: Cost): number {
    const arithmetic = Math.max(flops * SECONDS_PER_FLOP, bytes * SECONDS_PER_BYTE);
    return this.slowdown * (arithmetic + SECONDS_PER_DISPATCH);
  }

  submitted(estimated: number): void {
    this.unfinished.push({ seconds: estimated, start: performance.now() });
    // A lost device is reported by the device itself.
    this.running.push(this.finished().catch(() => {}));
  }

  /** Resolves when at most two submits are in flight. A GPU→CPU wait, but never for the newest work. */
  async wait(): Promise<void> {
    while (this.running.length > IN_FLIGHT) await this.running.shift();
  }

  /** When everything submitted so far has run. A GPU→CPU wait. */
  async finished(): Promise<void> {
    await this.nearlyFinished();
    const asked = [...this.unfinished];
    await this.queue.onSubmittedWorkDone();
    this.settle(asked);
  }

  /** Sleeps until what was submitted so far should nearly have run; at once where nothing need be slept. */
  async nearlyFinished(): Promise<void> {
    const oldest = this.unfinished[0];
    if (!this.sleep || !oldest) return;
    const expected = this.unfinished.reduce((sum, { seconds }) => sum + seconds, 0);
    const passed = (performance.now() - Math.max(oldest.start, this.lastDone)) / 1000;
    const remaining = 1000 * (expected - passed);
    if (remaining > SHORT_WAIT) await this.sleep(SLEPT * remaining);
  }

  /** Compares the time of submits that have run with what was expected of them. */
  private settle(asked: readonly Submit[]): void {
    const ran = asked.filter((submit) => this.unfinished.includes(submit));
    if (ran.length === 0) return;
    const now = performance.now();
    const measured = (now - Math.max(ran[0]!.start, this.lastDone)) / 1000;
    const expected = ran.reduce((sum, { seconds }) => sum + seconds, 0);
    this.learn(expected, measured);
    this.lastDone = now;
    this.unfinished = this.unfinished.filter((submit) => !ran.includes(submit));
  }

  private learn(estimated: number, measured: number): void {
    // Tiny submits measure latency, not work.
    if (estimated < 1e-3) return;
    const ratio = Math.min(4, Math.max(0.25, measured / estimated));
    this.slowdown = Math.min(1e4, Math.max(0.01, this.slowdown * ratio ** 0.3));
  }
}
