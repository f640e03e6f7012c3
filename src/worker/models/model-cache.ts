/**
 * Models kept in the store. Hub models are chunks, one file each, under models/hub/org/name@commit/file; dropped folders
 * lie under models/folder (kept-folder.ts). A model is whole when every file that training needs is there in its length.
 */
import type { RangeCache } from "../../hub/cache.ts";
import { CHUNK_BYTES, hubSource } from "../../hub/huggingface.ts";
import type { Store, StoreEntry } from "../storage/store.ts";
import { keptFolders, removeKeptFolder } from "./kept-folder.ts";
import { type NeededFile, neededFiles } from "./needed.ts";

export interface KeptCopy {
  readonly kind: "hub" | "folder";
  /** "org/name", or the folder's name. */
  readonly id: string;
  /** Of which something is kept; none for a folder. */
  readonly commits: readonly string[];
  /** On disk, all commits together. */
  readonly bytes: number;
  /** Usable without a network: all that is needed of one commit is there. */
  readonly whole: boolean;
}

const HUB = "models/hub";

/** For `hubSource`. A chunk that a crash cut off has a wrong length, and the source takes it for absent. */
export function storeCache(store: Store): RangeCache {
  return {
    async get(key, index) {
      // Unreadable, like absent, means fetching again.
      return store.read(`${HUB}/${key}/${index}.chunk`).catch(() => null);
    },
    put: (key, index, bytes) => store.write(`${HUB}/${key}/${index}.chunk`, bytes),
  };
}

/** Every model of which something is kept, by name. */
export async function keptModels(store: Store): Promise<KeptCopy[]> {
  const copies: KeptCopy[] = [];
  for (const [id, revisions] of await hubRevisions(store)) {
    const commits: string[] = [];
    let whole = false;
    for (const { name: revision } of revisions) {
      const names = (await store.list(`${HUB}/${id}@${revision}`)).map(({ name }) => name);
      if (names.some((name) => name !== ".listing")) commits.push(revision);
      if (names.includes(".listing")) whole ||= await isWhole(store, id, decodeURIComponent(revision));
    }
    copies.push({ kind: "hub", id, commits, bytes: revisions.reduce((sum, { size }) => sum + size, 0), whole });
  }
  const folders = await keptFolders(store);
  copies.push(...folders.map((folder): KeptCopy => ({ kind: "folder", commits: [], ...folder })));
  return copies.sort((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
}

/** Removes all commits of a Hub model, or a kept folder. */
export async function removeKept(store: Store, { kind, id }: Pick<KeptCopy, "kind" | "id">): Promise<void> {
  if (kind === "folder") return removeKeptFolder(store, id);
  for (const { name } of (await hubRevisions(store)).get(id) ?? []) await store.remove(`${HUB}/${id}@${name}`);
}

/** "org/name" → its entries, named by revision. Ids without an organisation lie one level higher. */
async function hubRevisions(store: Store): Promise<Map<string, StoreEntry[]>> {
  const found = new Map<string, StoreEntry[]>();
  const add = (prefix: string, entry: StoreEntry) => {
    const at = entry.name.indexOf("@");
    const id = prefix + entry.name.slice(0, at);
    found.set(id, [...(found.get(id) ?? []), { ...entry, name: entry.name.slice(at + 1) }]);
  };
  for (const entry of await store.list(HUB)) {
    if (entry.name.includes("@")) add("", entry);
    else for (const inner of await store.list(`${HUB}/${entry.name}`)) add(`${entry.name}/`, inner);
  }
  return found;
}

/** Asks the kept listing what the model needs, and looks whether it is there; no network. */
async function isWhole(store: Store, id: string, revision: string): Promise<boolean> {
  const fetch = () => Promise.reject(new TypeError("this look at the store uses no network"));
  try {
    const source = hubSource(id, { revision, cache: storeCache(store), fetch, attempts: 1 });
    const folder = `${HUB}/${id}@${await source.commit()}`;
    for (const file of (await neededFiles(source)).files) {
      if (!(await allChunks(store, `${folder}/${file.path}`, file))) return false;
    }
    return true;
  } catch {
    return false;
  }
}

async function allChunks(store: Store, folder: string, { size }: NeededFile): Promise<boolean> {
  const sizes = new Map((await store.list(folder)).map((entry) => [entry.name, entry.size]));
  for (let index = 0; index * CHUNK_BYTES < size; index++) {
    if (sizes.get(`${index}.chunk`) !== Math.min(CHUNK_BYTES, size - index * CHUNK_BYTES)) return false;
  }
  return true;
}
