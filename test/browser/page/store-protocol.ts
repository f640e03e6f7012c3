/** What the test, the page and its workers tell each other about the store: plain data. */
import type { ErrorData } from "../../../src/core/errors.ts";
import type { StorageFacts } from "../../../src/worker/storage/storage-facts.ts";
import type { StoreEntry } from "../../../src/worker/storage/store.ts";

/** Posted, beside the replies, by a worker that stands in the middle of a write for ever. */
export const STUCK = "stuck in the middle of a write";

/** What a worker does; the store is the one that the page would use. */
export interface StoreCalls {
  opened(): Promise<{ readonly lasting: boolean; readonly reason: string | null }>;
  /** Runs the contract; null where a check passed. */
  contract(): Promise<{ readonly name: string; readonly error: string | null }[]>;
  /** Writes a pattern; the error's data when it is refused. */
  write(path: string, length: number, seed: number): Promise<ErrorData | null>;
  /** The length of a file, and where it differs from its pattern first (-1: nowhere). */
  examine(path: string, seed: number): Promise<{ readonly length: number; readonly differs: number } | null>;
  list(folder: string): Promise<StoreEntry[]>;
  usage(): Promise<number>;
  remove(path: string): Promise<void>;
  facts(): Promise<StorageFacts>;
  /** Gets stuck in `write` after so many slices. */
  stickInWrite(path: string, length: number, seed: number, slices: number): Promise<void>;
  /** Holds a file open for so long, as another tab would; resolves when it is open. */
  hold(path: string, ms: number): Promise<void>;
  cachePut(key: string, index: number, length: number): Promise<void>;
  cacheLength(key: string, index: number): Promise<number | null>;
}

export interface StoreOrder {
  readonly id: number;
  readonly name: keyof StoreCalls;
  readonly args: readonly unknown[];
}

export type StoreReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

/** The page: any number of workers by name, each started with its first call. */
export interface StorePage {
  call(worker: string, name: keyof StoreCalls, args: readonly unknown[]): Promise<unknown>;
  /** Resolves when that worker is stuck in the middle of a write. */
  untilStuck(worker: string): Promise<void>;
  terminate(worker: string): void;
}
