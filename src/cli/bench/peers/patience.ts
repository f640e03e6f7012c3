/**
 * Waiting in Node as the engine's own SubmitPacer does: Dawn polls in a busy loop while anything is awaited, and a software
 * adapter needs that core. A library that waits through `mapAsync` or `onSubmittedWorkDone` is made to sleep through most
 * of the expected time first, or it would be measured on half a machine.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Of the time without sleep, which is too long by as much as the poll took away. */
const FIRST_SHARE = 0.5;
/** Of the time with sleep. */
const SHARE = 0.8;
/** Milliseconds that are not worth a timer. */
const SHORT = 5;
/** Asleep for so much of the whole, it was woken too late. */
const OVERSLEPT = 0.95;

/** How long one kind of work may be slept through, learned from its own times. */
export class Patience {
  private milliseconds = 0;

  /** Milliseconds to sleep before the wait. */
  get nap(): number {
    return this.milliseconds > SHORT ? this.milliseconds : 0;
  }

  /** Takes in how long the work took, all in all, with the present nap. */
  learn(seconds: number): void {
    const took = 1000 * seconds;
    if (this.nap === 0) this.milliseconds = FIRST_SHARE * took;
    else this.milliseconds = this.nap > OVERSLEPT * took ? FIRST_SHARE * this.nap : SHARE * took;
  }
}

/** Runs `work` so that its first wait for the GPU begins with `nap` milliseconds of sleep. */
export async function withNap<T>(nap: number, work: () => Promise<T>): Promise<T> {
  if (nap === 0) return work();
  const { mapAsync } = GPUBuffer.prototype;
  const { onSubmittedWorkDone } = GPUQueue.prototype;
  let left = nap;
  const rest = async () => {
    const now = left;
    left = 0;
    if (now > 0) await sleep(now);
  };
  GPUBuffer.prototype.mapAsync = async function (...args) {
    await rest();
    return mapAsync.apply(this, args);
  };
  GPUQueue.prototype.onSubmittedWorkDone = async function () {
    await rest();
    return onSubmittedWorkDone.call(this);
  };
  try {
    return await work();
  } finally {
    GPUBuffer.prototype.mapAsync = mapAsync;
    GPUQueue.prototype.onSubmittedWorkDone = onSubmittedWorkDone;
  }
}
