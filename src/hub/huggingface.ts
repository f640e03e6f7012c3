/**
 * A model on the Hugging Face Hub as a `ModelSource`: one request lists names and sizes, ranges are read with plain GETs.
 * The revision is pinned to the commit of that listing, so all files belong together even when the branch moves on.
 */

import { type ByteSource, checkRange, type ModelSource } from "../core/bytes.ts";
import { configError, modelError } from "../core/errors.ts";
import { describeJson, isJsonObject, parseJson } from "../core/json.ts";
import type { RangeCache } from "./cache.ts";
import { getBytes, type HttpOptions, NoAnswerError } from "./http.ts";

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
  readonly signal?: AbortSignal;
  /** Tries per request (4) and the wait before the second (500 ms, doubling). */
  readonly attempts?: number;
  readonly retryDelayMs?: number;
}

interface Listing {
  readonly commit: string;
  /** path → bytes */
  readonly sizes: ReadonlyMap<string, number>;
}

interface Repository {
  readonly id: string;
  readonly endpoint: string;
  readonly http: HttpOptions;
  readonly cache: RangeCache | undefined;
}

/** Bytes per request and per cached chunk: a lost connection costs at most this much again. */
export const CHUNK_BYTES = 8 * 2 ** 20;
/** Requests in flight for one read; one connection rarely fills the line. */
const PARALLEL = 4;

/**
 * Opens a repository; nothing is fetched before the first call. Calls may run in parallel.
 * @param repoId "org/name"
 * @throws ConfigError for an id that cannot be one; the source's methods throw ModelError with a hint.
 */
export function hubSource(repoId: string, options: HubOptions = {}): ModelSource {
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
    async list() {
      return [...(await list()).sizes.keys()].sort();
    },
    async open(path) {
      const { commit, sizes } = await list();
      const size = sizes.get(path);
      return size === undefined ? null : hubFile(repo, commit, path, size);
    },
  };
}

function repositoryOf(id: string, options: HubOptions): Repository {
  return {
    id,
    endpoint: (options.endpoint ?? "https://huggingface.co").replace(/\/+$/, ""),
    cache: options.cache,
    http: {
      // Called as a method of another object, a browser's fetch refuses to run.
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      ...(options.token === undefined ? {} : { token: options.token }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      attempts: options.attempts ?? 4,
      retryDelayMs: options.retryDelayMs ?? 500,
    },
  };
}

async function fetchListing(repo: Repository, revision: string): Promise<Listing> {
  const url = `${repo.endpoint}/api/models/${repo.id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const key = `${repo.id}@${revision}/.listing`;
  try {
    const bytes = await getBytes(url, repo.id, repo.http);
    const listing = parseListing(bytes, repo.id);
    await keep(repo.cache, key, 0, bytes);
    return listing;
  } catch (error) {
    // Without a network the last listing still names a commit whose chunks may all be there.
    const kept = error instanceof NoAnswerError ? await repo.cache?.get(key, 0) : null;
    if (!kept) throw error;
    return parseListing(kept, repo.id);
  }
}

/** {sha, siblings: [{rfilename, size}]} */
function parseListing(bytes: Uint8Array, repoId: string): Listing {
  const json = parseJson(new TextDecoder().decode(bytes), `${repoId}: file list`);
  const { sha, siblings } = isJsonObject(json) ? json : {};
  const sizes = new Map<string, number>();
  for (const file of Array.isArray(siblings) ? siblings : []) {
    if (isJsonObject(file) && typeof file.rfilename === "string" && Number.isSafeInteger(file.size)) {
      sizes.set(file.rfilename, file.size as number);
    }
  }
  if (typeof sha === "string" && sizes.size > 0) return { commit: sha, sizes };
  throw modelError(
    `${repoId}: expected a file list with a commit, names and sizes, got ${describeJson(siblings)} and commit ${describeJson(sha)}`,
    "The repository is empty, or the endpoint does not speak the Hub's API.",
  );
}

function hubFile(repo: Repository, commit: string, path: string, size: number): ByteSource {
  const file = new HubFile(repo, commit, path, size);
  return { name: file.name, size, read: (begin, end) => file.read(begin, end) };
}

/** One file, read in chunks at fixed offsets when there is a cache, else in the ranges asked for. */
class HubFile {
  readonly name: string;
  readonly size: number;
  private readonly repo: Repository;
  private readonly url: string;
  private readonly key: string;
  /** The chunk read last: neighbouring tensors, often a few kilobytes each, lie in the same one. */
  private recent: { index: number; bytes: Uint8Array<ArrayBuffer> } | undefined;
  /** Chunks on their way, so that parallel readers share one request. */
  private readonly pending = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(repo: Repository, commit: string, path: string, size: number) {
    const escaped = path.split("/").map(encodeURIComponent).join("/");
    this.name = `${repo.id}/${path}`;
    this.size = size;
    this.repo = repo;
    this.url = `${repo.endpoint}/${repo.id}/resolve/${encodeURIComponent(commit)}/${escaped}`;
    this.key = `${repo.id}@${commit}/${path}`;
  }

  async read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, begin, end);
    const out = new Uint8Array(end - begin);
    const aligned = this.repo.cache !== undefined;
    const first = aligned ? begin - (begin % CHUNK_BYTES) : begin;
    const starts: number[] = [];
    for (let start = first; start < end; start += CHUNK_BYTES) starts.push(start);
    const worker = async () => {
      for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
        const bytes = aligned
          ? await this.chunk(start / CHUNK_BYTES)
          : await this.range(start, Math.min(start + CHUNK_BYTES, end));
        const from = Math.max(begin - start, 0);
        out.set(bytes.subarray(from, Math.min(bytes.length, end - start)), start + from - begin);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(PARALLEL, starts.length) }, worker));
    } finally {
      starts.length = 0; // after a failure the other workers stop too
    }
    return out;
  }

  private range(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return getBytes(this.url, this.name, this.repo.http, { begin, end });
  }

  private async chunk(index: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.recent?.index === index) return this.recent.bytes;
    const loading = this.pending.get(index) ?? this.loadChunk(index).finally(() => this.pending.delete(index));
    this.pending.set(index, loading);
    const bytes = await loading;
    this.recent = { index, bytes };
    return bytes;
  }

  private async loadChunk(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const begin = index * CHUNK_BYTES;
    const end = Math.min(begin + CHUNK_BYTES, this.size);
    const kept = await this.repo.cache?.get(this.key, index);
    if (kept?.byteLength === end - begin) return kept;
    const bytes = await this.range(begin, end);
    await keep(this.repo.cache, this.key, index, bytes);
    return bytes;
  }
}

/** A full disk or a refused quota must not stop the download itself. */
async function keep(cache: RangeCache | undefined, key: string, index: number, bytes: Uint8Array): Promise<void> {
  try {
    await cache?.put(key, index, bytes);
  } catch {
    // The bytes are in hand; only the next run has to fetch them again.
  }
}
