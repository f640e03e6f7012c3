/**
 * The store on the browser's private file system (OPFS). Runs in a dedicated worker: only there do all browsers have sync
 * handles. A handle locks its file, so it is open only while bytes move; a whole file is written beside its place and moved
 * into it. Slices keep the memory for one copy small.
 */
import { checkRange } from "../../core/bytes.ts";
import { LorikeetError } from "../../core/errors.ts";
import { sleep } from "../../hub/transfer.ts";
import { absentAsNull, encodeName, findFile, findFolder, listFolder, partialName, sumOf } from "./opfs-tree.ts";
import { isAbsent, isHeld, isWrongKind, type OpfsFile, type OpfsFolder, type SyncHandle } from "./opfs-types.ts";
import { serialByPath } from "./serial.ts";
import { filePartsOf, isStorageFull, partsOf, type Store, storageFullError, wrongKindError } from "./store.ts";

export interface OpfsOptions {
  /** Another tab may hold a file for a moment: so often (40) and so far apart (50 ms) it is tried. */
  readonly lockTries?: number;
  readonly lockWaitMs?: number;
}

const SLICE_BYTES = 8 * 2 ** 20;

/** @param root a folder of its own, below `navigator.storage.getDirectory()`. */
export function opfsStore(root: OpfsFolder, { lockTries = 40, lockWaitMs = 50 }: OpfsOptions = {}): Store {
  const serial = serialByPath();
  const patient = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (!isHeld(error) || tries >= lockTries) throw error;
      }
      await sleep(lockWaitMs);
    }
  };
  const using = async <T>(file: OpfsFile, mode: "read-only" | "readwrite", work: (handle: SyncHandle) => T) => {
    const handle = await patient(() => file.createSyncAccessHandle({ mode }));
    try {
      return work(handle);
    } finally {
      handle.close();
    }
  };
  const run = <T>(path: string, bytes: number, work: () => Promise<T>): Promise<T> =>
    serial(path, () =>
      work().catch((error) => {
        throw explained(error, path, bytes);
      }),
    );
  /** Writes into the file itself; when that fails, its length is as before. */
  const inPlace = (path: string, bytes: Uint8Array, position: (size: number) => number) =>
    run(path, bytes.byteLength, async () => {
      const { folder, name } = await placeOf(root, path);
      const file = await folder.getFileHandle(encodeName(name), { create: true });
      await using(file, "readwrite", (handle) => extend(handle, bytes, position(handle.getSize())));
    });
  return {
    lasting: true,
    read: (path) =>
      run(path, 0, async () => {
        const file = await findFile(root, filePartsOf(path));
        return file && using(file, "read-only", (handle) => readSlices(handle, path, 0, handle.getSize()));
      }),
    open: (path) =>
      run(path, 0, async () => {
        const file = await findFile(root, filePartsOf(path));
        if (file === null) return null;
        const source = { name: path, size: (await file.getFile()).size };
        return {
          ...source,
          async read(begin, end) {
            checkRange(source, begin, end);
            return run(path, 0, () => using(file, "read-only", (handle) => readSlices(handle, path, begin, end)));
          },
        };
      }),
    write: (path, bytes) =>
      run(path, bytes.byteLength, async () => {
        const { folder, name } = await placeOf(root, path);
        const partial = await folder.getFileHandle(partialName(name), { create: true });
        try {
          await using(partial, "readwrite", (handle) => replaceAll(handle, bytes));
          if (await moved(partial, folder, encodeName(name), patient)) return;
          // No way to move here: the second best is a file whose length tells when it was cut off.
          const file = await folder.getFileHandle(encodeName(name), { create: true });
          await using(file, "readwrite", (handle) => replaceAll(handle, bytes));
          await folder.removeEntry(partialName(name));
        } catch (error) {
          await folder.removeEntry(partialName(name)).catch(() => {}); // gives its room back; the error says more
          throw error;
        }
      }),
    writeAt: (path, position, bytes) => inPlace(path, bytes, () => position),
    append: (path, bytes) => inPlace(path, bytes, (size) => size),
    remove: (path) => run(path, 0, () => removeAll(root, partsOf(path), patient)),
    async list(path) {
      const folder = await findFolder(root, partsOf(path), false);
      return folder ? listFolder(folder) : [];
    },
    async usage() {
      return (await sumOf(root, true)).bytes;
    },
  };
}

/** The folder a file is to be written in, made when absent; a folder with files must not stand in its place. */
async function placeOf(root: OpfsFolder, path: string): Promise<{ folder: OpfsFolder; name: string }> {
  const parts = filePartsOf(path);
  const name = parts.pop()!;
  const folder = (await findFolder(root, parts, true))!;
  const inTheWay = await absentAsNull(folder.getDirectoryHandle(encodeName(name)), false);
  if (inTheWay === null) return { folder, name };
  if ((await sumOf(inTheWay, false)).files > 0) throw wrongKindError(path);
  await folder.removeEntry(encodeName(name), { recursive: true }); // emptied before
  return { folder, name };
}

type Patient = <T>(work: () => Promise<T>) => Promise<T>;

/** Puts a finished file in its place; false where the browser cannot. */
async function moved(file: OpfsFile, folder: OpfsFolder, name: string, patient: Patient): Promise<boolean> {
  if (typeof file.move !== "function") return false;
  try {
    await patient(() => file.move!(folder, name));
    return true;
  } catch (error) {
    if (isHeld(error) || isStorageFull(error)) throw error;
    return false;
  }
}

/** Removes what the parts lead to, with what a broken write of it left. */
async function removeAll(root: OpfsFolder, parts: readonly string[], patient: Patient): Promise<void> {
  const folder = await findFolder(root, parts.slice(0, -1), false);
  if (folder === null) return;
  const names: string[] = [];
  if (parts.length > 0) names.push(encodeName(parts.at(-1)!), partialName(parts.at(-1)!));
  else for await (const { name } of folder.values()) names.push(name);
  for (const name of names) {
    await absentAsNull(
      patient(() => folder.removeEntry(name, { recursive: true })),
      true,
    );
  }
}

function readSlices(handle: SyncHandle, path: string, begin: number, end: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(end - begin);
  for (let done = 0; done < out.byteLength; ) {
    const read = handle.read(out.subarray(done, done + SLICE_BYTES), { at: begin + done });
    if (read === 0) {
      throw new LorikeetError("device", `${path}: expected bytes up to ${end}, the file ends at ${begin + done}`);
    }
    done += read;
  }
  return out;
}

function writeSlices(handle: SyncHandle, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    const written = handle.write(bytes.subarray(done, done + SLICE_BYTES), { at: position + done });
    // Some browsers throw when there is no room, others write less than they were given.
    if (written === 0) throw new DOMException("no room for more", "QuotaExceededError");
    done += written;
  }
}

function replaceAll(handle: SyncHandle, bytes: Uint8Array): void {
  handle.truncate(0);
  writeSlices(handle, bytes, 0);
  handle.flush();
}

function extend(handle: SyncHandle, bytes: Uint8Array, position: number): void {
  const size = handle.getSize();
  try {
    if (position > size) handle.truncate(position);
    writeSlices(handle, bytes, position);
    handle.flush();
  } catch (error) {
    handle.truncate(size);
    throw error;
  }
}

/** The file system's error as one that a person can act on. */
function explained(error: unknown, path: string, bytes: number): unknown {
  if (error instanceof LorikeetError) return error;
  if (isStorageFull(error)) return storageFullError(path, bytes);
  if (isWrongKind(error)) return wrongKindError(path);
  if (isHeld(error)) {
    return new LorikeetError(
      "device",
      `${path}: expected to open it, another tab holds it`,
      "Close other tabs of this page and try again.",
    );
  }
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const hint = isAbsent(error) ? "It was removed meanwhile, perhaps by another tab." : "Reload the page and try again.";
  return new LorikeetError("device", `${path}: expected to read or write it, got ${reason}`, hint);
}
