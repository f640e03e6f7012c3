/** What the files of one Hub repository share: where it is, how to ask, where pieces are kept; and its file list. */

import { modelError } from "../core/errors.ts";
import { describeJson, isJsonObject, parseJson } from "../core/json.ts";
import { isStorageFull, type RangeCache } from "./cache.ts";
import { getBytes, type HttpOptions, NoAnswerError } from "./http.ts";

export interface Repository {
  /** "org/name" */
  readonly id: string;
  readonly endpoint: string;
  readonly http: HttpOptions;
  readonly store: ChunkStore;
}

export interface Listing {
  readonly commit: string;
  /** path → bytes */
  readonly sizes: ReadonlyMap<string, number>;
}

/** A cache that cannot stop a download: what cannot be kept is told and only costs the next run another request. */
export interface ChunkStore {
  readonly present: boolean;
  get(key: string, index: number): Promise<Uint8Array<ArrayBuffer> | null>;
  keep(key: string, index: number, bytes: Uint8Array): Promise<void>;
}

/** Once there is no room no further chunk is offered; other failures may pass. `onFailure` hears of the first of each. */
export function chunkStore(cache: RangeCache | undefined, onFailure?: (error: unknown) => void): ChunkStore {
  let told = false;
  let full = false;
  return {
    present: cache !== undefined,
    async get(key, index) {
      return (await cache?.get(key, index)) ?? null;
    },
    async keep(key, index, bytes) {
      if (full) return;
      try {
        await cache?.put(key, index, bytes);
      } catch (error) {
        if (full) return; // a chunk of the same moment has said so
        full = isStorageFull(error);
        if (full || !told) onFailure?.(error);
        told = true;
      }
    },
  };
}

const COMMIT = /^[0-9a-f]{40}$/;

/** One request; without a network the last listing, which still names a commit whose chunks may all be there. */
export async function fetchListing(repo: Repository, revision: string): Promise<Listing> {
  const url = `${repo.endpoint}/api/models/${repo.id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const keyOf = (name: string) => `${repo.id}@${encodeURIComponent(name)}/.listing`;
  const key = keyOf(revision);
  // A commit never changes, so nobody needs to be asked twice.
  const known = COMMIT.test(revision) ? await repo.store.get(key, 0) : null;
  if (known) return parseListing(known, repo.id);
  try {
    const bytes = await getBytes(url, repo.id, repo.http);
    const listing = parseListing(bytes, repo.id);
    await repo.store.keep(key, 0, bytes);
    // For what names the commit itself, as a run does.
    if (listing.commit !== revision) await repo.store.keep(keyOf(listing.commit), 0, bytes);
    return listing;
  } catch (error) {
    const kept = error instanceof NoAnswerError ? await repo.store.get(key, 0) : null;
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
