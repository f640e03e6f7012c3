/** Chooses where things are kept: the browser's private file system where it works, else memory. */
import { causeText } from "../../hub/transfer.ts";
import { memoryStore } from "./memory-store.ts";
import { opfsStore } from "./opfs-store.ts";
import type { OpfsFolder } from "./opfs-types.ts";
import type { Store } from "./store.ts";

export interface OpenedStore {
  /** `store.lasting` tells the page, */
  readonly store: Store;
  /** this tells people. */
  readonly note: string;
  /** Why nothing outlives the tab, or null. */
  readonly reason: string | null;
}

export interface OpenOptions {
  /** The folder's name in the origin's file system; other pages of the same host may use it too. */
  readonly folder?: string;
  /** For tests. */
  readonly getRoot?: () => Promise<OpfsFolder>;
}

/** Beside model weights on the GPU a tab has not much memory to spare for files. */
const MEMORY_LIMIT = 256 * 2 ** 20;

/** Tries the file system with a small file: private windows refuse it only when it is used. Never rejects. */
export async function openStore({
  folder = "lorikeet",
  getRoot = browserRoot,
}: OpenOptions = {}): Promise<OpenedStore> {
  try {
    const root = await getRoot();
    const store = opfsStore(await root.getDirectoryHandle(folder, { create: true }));
    await probe(store);
    return { store, note: "Kept in this browser on this machine.", reason: null };
  } catch (error) {
    const note = "Kept until the tab closes: this browser lets the page store nothing.";
    return { store: memoryStore({ limit: MEMORY_LIMIT }), note, reason: causeText(error) };
  }
}

async function browserRoot(): Promise<OpfsFolder> {
  // The page is not served over https or from localhost, or the browser is old.
  if (typeof navigator === "undefined" || !navigator.storage?.getDirectory) throw new Error("no private file system");
  return (await navigator.storage.getDirectory()) as unknown as OpfsFolder;
}

/** A name of its own, for another tab may be starting too. */
async function probe(store: Store): Promise<void> {
  const path = `.probe-${crypto.randomUUID()}`;
  const bytes = crypto.getRandomValues(new Uint8Array(64));
  try {
    await store.write(path, bytes);
    const back = await store.read(path);
    if (back?.join() !== bytes.join()) throw new Error("what was written did not come back");
  } finally {
    await store.remove(path);
  }
}
