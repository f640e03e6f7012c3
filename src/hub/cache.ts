/**
 * Where downloaded pieces are kept. A file is cut into chunks of one fixed size; each is stored whole or not at all, so a
 * broken download goes on where it stopped. Implementations: memory (here), disk (command line), OPFS (page).
 */

/** Keys are paths like "org/name@revision/model.safetensors": the same key always means the same bytes. */
export interface RangeCache {
  /** The chunk, or null when it is not there. A caller checks the length and treats a wrong one as absent. */
  get(key: string, index: number): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Stores a chunk; two writers of one chunk write the same bytes, so the order does not matter. */
  put(key: string, index: number, bytes: Uint8Array): Promise<void>;
}

/** Whether the error says that there is no room: ours, or the browser's own. */
export function isStorageFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && error.code === "storage-full") || error.name === "QuotaExceededError";
}

/** A cache that lives as long as the program. */
export function memoryCache(): RangeCache {
  const chunks = new Map<string, Uint8Array>();
  return {
    async get(key, index) {
      const bytes = chunks.get(`${key}#${index}`);
      return bytes === undefined ? null : new Uint8Array(bytes);
    },
    async put(key, index, bytes) {
      chunks.set(`${key}#${index}`, new Uint8Array(bytes));
    },
  };
}
