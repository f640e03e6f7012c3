/**
 * A model on the Hugging Face Hub as a `ModelSource`: one request lists names and sizes, ranges are read with plain GETs.
 * The revision is pinned to the commit of that listing, so all files belong together even when the branch moves on.
 */

import type { ModelSource } from "../core/bytes.ts";
import { configError } from "../core/errors.ts";
import { describeJson } from "../core/json.ts";
import type { RangeCache } from "./cache.ts";
import type { HttpOptions } from "./http.ts";
import { HubFile } from "./hub-file.ts";
import { chunkStore, fetchListing, type Listing, type Repository } from "./repository.ts";
import type { TransferMeter } from "./transfer.ts";

export { CHUNK_BYTES } from "./hub-file.ts";

export interface HubOptions {
  /** Branch, tag or commit; "main" when absent. */
  readonly revision?: string;
  /** Read token for private and gated models. */
  readonly token?: string;
  /** For tests and proxies. */
  readonly fetch?: typeof fetch;
  /** A mirror of the Hub; "https://huggingface.co" when absent. */
  readonly endpoint?: string;
  /** Keeps chunks, and the listing for work without a network. */
  readonly cache?: RangeCache;
  /** Hears once that the cache cannot store, and once that it is full; the download goes on without it. */
  readonly onCacheFailure?: (error: unknown) => void;
  /** Progress, speed and pause: see `downloadMeter`. */
  readonly meter?: TransferMeter;
  readonly signal?: AbortSignal;
  /** Tries per request (4) and the wait before the second (500 ms, doubling). */
  readonly attempts?: number;
  readonly retryDelayMs?: number;
  /** A connection that brings no byte for so long (60 s) is tried again. */
  readonly stallMs?: number;
}

export interface HubSource extends ModelSource {
  /** The commit that the revision stood for when it was listed. */
  commit(): Promise<string>;
}

/**
 * Opens a repository; nothing is fetched before the first call. Calls may run in parallel. A file's size is known as
 * soon as it is open: no request but the listing is made for it.
 * @param repoId "org/name"
 * @throws ConfigError for an id that cannot be one; the source's methods throw ModelError with a hint.
 */
export function hubSource(repoId: string, options: HubOptions = {}): HubSource {
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(repoId) || repoId.includes("..")) {
    throw configError(
      `model: expected "org/name", got ${describeJson(repoId)}`,
      "Copy the name from the model's Hub page.",
    );
  }
  const repo = repositoryOf(repoId, options);
  const revision = options.revision ?? "main";
  let listing: Promise<Listing> | undefined;
  const list = () => {
    listing ??= fetchListing(repo, revision).catch((error) => {
      listing = undefined; // the next call tries again
      throw error;
    });
    return listing;
  };
  return {
    label: repoId,
    async commit() {
      return (await list()).commit;
    },
    async list() {
      return [...(await list()).sizes.keys()].sort();
    },
    async open(path) {
      const { commit, sizes } = await list();
      const size = sizes.get(path);
      if (size === undefined) return null;
      const file = new HubFile(repo, commit, path, size);
      return { name: file.name, size, read: (begin, end) => file.read(begin, end) };
    },
  };
}

function repositoryOf(id: string, options: HubOptions): Repository {
  const { token, signal, meter } = options;
  const http: HttpOptions = {
    // Called as a method of another object, a browser's fetch refuses to run.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    ...(token === undefined ? {} : { token }),
    ...(signal === undefined ? {} : { signal }),
    ...(meter === undefined ? {} : { meter }),
    attempts: options.attempts ?? 4,
    retryDelayMs: options.retryDelayMs ?? 500,
    stallMs: options.stallMs ?? 60_000,
  };
  const endpoint = (options.endpoint ?? "https://huggingface.co").replace(/\/+$/, "");
  return { id, endpoint, http, store: chunkStore(options.cache, options.onCacheFailure) };
}
