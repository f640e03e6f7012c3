/** What every transfer shares: failures that may pass, waits that can be ended, and who listens to the bytes. */

/** Listens to transfers and may hold them back; `downloadMeter` is one. */
export interface TransferMeter {
  /** A transfer begins, its retries included; call the result when it is over. */
  begin(): () => void;
  /** Bytes have come over the network. */
  received(bytes: number): void;
  /** Awaited before each request and each piece of a body: pending while downloads are to rest. */
  ready(signal?: AbortSignal): Promise<void>;
}

/** A failure worth another try. */
export class Passing extends Error {}

/** The promise's outcome, or a `Passing` when there is none for `ms`. */
export function patiently<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Passing(`no byte for ${ms / 1000} s`)), ms);
    const settled = () => clearTimeout(timer);
    promise.then(resolve, reject).finally(settled);
  });
}

/** Resolves after `ms`; rejects with the signal's reason when it is aborted before. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** undici says only "fetch failed" and keeps the reason (ECONNREFUSED, …) in `cause`. */
export function causeText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
