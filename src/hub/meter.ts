/**
 * Progress, speed and pause of downloads. A pause stops reading instead of cutting connections: nothing that is on its
 * way is lost unless the server gives up meanwhile, and then a transfer goes on at the byte where it stopped.
 * Only bytes from the network count; the clock runs only while transfers are under way and not paused.
 */

import type { TransferMeter } from "./transfer.ts";

export interface MeterReading {
  /** Bytes from the network so far. */
  readonly received: number;
  /** Smoothed over about 5 s of transfer; null until there is something to go by. */
  readonly bytesPerSecond: number | null;
  /** For the bytes that the caller still expects; null unless the speed is stable. */
  readonly secondsLeft: number | null;
  readonly paused: boolean;
  /** Whether a transfer is under way. */
  readonly active: boolean;
}

export interface DownloadMeter extends TransferMeter {
  /** From now on nothing is requested or read. */
  pause(): void;
  resume(): void;
  /** @param bytesLeft bytes that have to come over the network yet. */
  reading(bytesLeft?: number): MeterReading;
}

export interface MeterOptions {
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

const WINDOW_MS = 5000;
/** A speed from less is noise. */
const FIRST_MS = 1000;
/** Finer samples would only take room. */
const SAMPLE_MS = 25;
/** The two halves of the window may differ by this factor when the time left is told. */
const STABLE = 1.5;

/** Give it to `hubSource` as `meter`; one meter may serve several sources. */
export function downloadMeter({ now = () => performance.now() }: MeterOptions = {}): DownloadMeter {
  const history = transferHistory();
  let transfers = 0;
  let paused = false;
  const waiting: (() => void)[] = [];
  let last = now();
  const tick = () => {
    const time = now();
    if (transfers > 0 && !paused) history.pass(time - last);
    last = time;
  };
  return {
    begin() {
      tick();
      transfers++;
      let open = true;
      return () => {
        tick();
        if (open) transfers--;
        open = false;
      };
    },
    received(bytes) {
      tick();
      history.add(bytes);
    },
    async ready(signal) {
      signal?.throwIfAborted();
      // A pause may follow a resume before the waiting ones have run.
      while (paused) await untilCalled((resume) => waiting.push(resume), signal);
    },
    pause() {
      tick();
      paused = true;
    },
    resume() {
      tick();
      paused = false;
      for (const go of waiting.splice(0)) go();
    },
    reading(bytesLeft = 0) {
      tick();
      const rate = history.speed();
      const steady = rate !== null && rate > 0 && !paused && history.stable();
      return {
        received: history.total(),
        bytesPerSecond: rate,
        secondsLeft: steady ? bytesLeft / rate : null,
        paused,
        active: transfers > 0,
      };
    },
  };
}

function untilCalled(listen: (resume: () => void) => void, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    listen(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
  });
}

/** Bytes over the time spent transferring (not the time of day), as far back as the window reaches. */
function transferHistory() {
  let elapsed = 0;
  let total = 0;
  /** Steps: from `at` on it was `total`. */
  let samples = [{ at: 0, total: 0 }];
  const indexAt = (at: number) => samples.findLastIndex((sample) => sample.at <= at);
  const totalAt = (at: number) => samples[Math.max(0, indexAt(at))]!.total;
  /** Bytes per second. */
  const rate = (from: number, to: number) => ((totalAt(to) - totalAt(from)) * 1000) / (to - from);
  return {
    pass(ms: number): void {
      elapsed += ms;
    },
    add(bytes: number): void {
      total += bytes;
      const last = samples.at(-1)!;
      if (elapsed - last.at < SAMPLE_MS) {
        last.total = total;
        return;
      }
      samples.push({ at: elapsed, total });
      samples = samples.slice(Math.max(0, indexAt(elapsed - WINDOW_MS)));
    },
    total: () => total,
    speed: (): number | null => (elapsed < FIRST_MS ? null : rate(Math.max(0, elapsed - WINDOW_MS), elapsed)),
    /** Whether both halves of a full window tell the same story. */
    stable(): boolean {
      if (elapsed < WINDOW_MS) return false;
      const halves = [rate(elapsed - WINDOW_MS, elapsed - WINDOW_MS / 2), rate(elapsed - WINDOW_MS / 2, elapsed)];
      return Math.max(...halves) <= STABLE * Math.min(...halves);
    },
  };
}
