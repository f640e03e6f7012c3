/** A store that lives as long as the tab: for browsers without storage of their own, and for tests. */
import { memorySource } from "../../core/bytes.ts";
import { filePartsOf, partsOf, type Store, type StoreEntry, storageFullError, wrongKindError } from "./store.ts";

export interface MemoryOptions {
  /** Most bytes it takes: memory is needed elsewhere. */
  readonly limit?: number;
}

export function memoryStore({ limit = Number.POSITIVE_INFINITY }: MemoryOptions = {}): Store {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const usage = () => [...files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const put = (path: string, bytes: Uint8Array<ArrayBuffer>) => {
    const parts = filePartsOf(path);
    const above = parts.map((_, i) => parts.slice(0, i).join("/"));
    const below = [...files.keys()].some((other) => other.startsWith(`${path}/`));
    if (below || above.some((folder) => files.has(folder))) throw wrongKindError(path);
    const more = bytes.byteLength - (files.get(path)?.byteLength ?? 0);
    if (more > 0 && usage() + more > limit) throw storageFullError(path, more);
    files.set(path, bytes);
  };
  const writeAt = (path: string, position: number, bytes: Uint8Array) => {
    const old = files.get(path) ?? new Uint8Array(0);
    const out = new Uint8Array(Math.max(old.byteLength, position + bytes.byteLength));
    out.set(old);
    out.set(bytes, position);
    put(path, out);
  };
  return {
    lasting: false,
    async read(path) {
      const bytes = files.get(path);
      return bytes === undefined ? null : bytes.slice();
    },
    async open(path) {
      const bytes = files.get(path);
      return bytes === undefined ? null : memorySource(path, bytes);
    },
    async write(path, bytes) {
      put(path, new Uint8Array(bytes));
    },
    async writeAt(path, position, bytes) {
      writeAt(path, position, bytes);
    },
    async append(path, bytes) {
      writeAt(path, files.get(path)?.byteLength ?? 0, bytes);
    },
    async remove(path) {
      const inside = path === "" ? "" : `${partsOf(path).join("/")}/`;
      for (const file of [...files.keys()]) if (file === path || file.startsWith(inside)) files.delete(file);
    },
    async list(folder) {
      return entriesOf(files, folder === "" ? "" : `${partsOf(folder).join("/")}/`);
    },
    async usage() {
      return usage();
    },
  };
}

function entriesOf(files: ReadonlyMap<string, Uint8Array>, inside: string): StoreEntry[] {
  const entries = new Map<string, StoreEntry>();
  for (const [path, { byteLength }] of files) {
    if (!path.startsWith(inside)) continue;
    const [name = "", ...deeper] = path.slice(inside.length).split("/");
    const kind = deeper.length > 0 ? "folder" : "file";
    entries.set(name, { name, kind, size: (entries.get(name)?.size ?? 0) + byteLength });
  }
  return [...entries.values()].sort(byName);
}

/** The same order everywhere, whatever the locale. */
export const byName = (a: StoreEntry, b: StoreEntry): number => (a.name < b.name ? -1 : Number(a.name > b.name));
