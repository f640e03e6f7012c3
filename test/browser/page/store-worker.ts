/** Uses the store as the page's engine would, on the browser's private file system, and gets stuck when it is told to. */
import { LorikeetError } from "../../../src/core/errors.ts";
import { storeCache } from "../../../src/worker/models/model-cache.ts";
import { openStore } from "../../../src/worker/storage/open-store.ts";
import { opfsStore } from "../../../src/worker/storage/opfs-store.ts";
import type { OpfsFile, OpfsFolder } from "../../../src/worker/storage/opfs-types.ts";
import { storageFacts } from "../../../src/worker/storage/storage-facts.ts";
import { differsAt, pattern, STORE_CHECKS } from "./store-contract.ts";
import { STUCK, type StoreCalls, type StoreOrder, type StoreReply } from "./store-protocol.ts";

const FOLDER = "lorikeet";
const opened = openStore({ folder: FOLDER });
const root = async (): Promise<OpfsFolder> => (await navigator.storage.getDirectory()) as unknown as OpfsFolder;

const calls: StoreCalls = {
  async opened() {
    const { store, reason } = await opened;
    return { lasting: store.lasting, reason };
  },
  async contract() {
    const results = [];
    for (const [i, { name, run }] of STORE_CHECKS.entries()) {
      const folder = await (await root()).getDirectoryHandle(`contract-${i}`, { create: true });
      const error = await run(opfsStore(folder)).then(() => null, String);
      await (await root()).removeEntry(`contract-${i}`, { recursive: true });
      results.push({ name, error });
    }
    return results;
  },
  async write(path, length, seed) {
    const { store } = await opened;
    return store.write(path, pattern(length, seed)).then(
      () => null,
      (error) => (error instanceof LorikeetError ? error.toData() : { kind: "device", message: String(error) }),
    );
  },
  async examine(path, seed) {
    const bytes = await (await opened).store.read(path);
    return bytes && { length: bytes.length, differs: differsAt(bytes, seed) };
  },
  list: async (folder) => (await opened).store.list(folder),
  usage: async () => (await opened).store.usage(),
  remove: async (path) => (await opened).store.remove(path),
  facts: () => storageFacts(),
  async stickInWrite(path, length, seed, slices) {
    await opened;
    const folder = await (await root()).getDirectoryHandle(FOLDER);
    await opfsStore(sticking(folder, slices)).write(path, pattern(length, seed));
  },
  async hold(path, ms) {
    const folder = await (await root()).getDirectoryHandle(FOLDER);
    const handle = await (await folder.getFileHandle(path)).createSyncAccessHandle();
    setTimeout(() => handle.close(), ms);
  },
  cachePut: async (key, index, length) => storeCache((await opened).store).put(key, index, pattern(length, 0)),
  cacheLength: async (key, index) => (await storeCache((await opened).store).get(key, index))?.length ?? null,
};

/** The folder as it is, but the slice after `slices` never ends. */
function sticking(folder: OpfsFolder, slices: number): OpfsFolder {
  const file = (found: OpfsFile): OpfsFile => ({
    kind: "file",
    name: found.name,
    getFile: () => found.getFile(),
    move: (_, name) => found.move!(folder, name),
    async createSyncAccessHandle(options) {
      const handle = await found.createSyncAccessHandle(options);
      return {
        read: (buffer, at) => handle.read(buffer, at),
        write(buffer, at) {
          if (slices-- > 0) return handle.write(buffer, at);
          postMessage(STUCK);
          for (;;);
        },
        getSize: () => handle.getSize(),
        truncate: (size) => handle.truncate(size),
        flush: () => handle.flush(),
        close: () => handle.close(),
      };
    },
  });
  return {
    kind: "directory",
    name: folder.name,
    getFileHandle: async (name, options) => file(await folder.getFileHandle(name, options)),
    getDirectoryHandle: async (name, options) => sticking(await folder.getDirectoryHandle(name, options), slices),
    removeEntry: (name, options) => folder.removeEntry(name, options),
    values: () => folder.values(),
  };
}

addEventListener("message", ({ data: { id, name, args } }: MessageEvent<StoreOrder>) => {
  const reply = (answer: StoreReply) => postMessage(answer);
  const call = calls[name] as (...args: readonly unknown[]) => Promise<unknown>;
  call(...args).then(
    (value) => reply({ id, value }),
    (error) => reply({ id, error: String(error) }),
  );
});
