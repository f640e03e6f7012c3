/**
 * Where the page keeps things: a tiny file system with "/" between folders and names. Folders appear with their first file
 * and are gone with the last. Operations on one path run one after the other in the order of their calls.
 */
import type { ByteSource } from "../../core/bytes.ts";
import { configError, LorikeetError } from "../../core/errors.ts";
import { formatBytes } from "../../core/units.ts";

export { isStorageFull } from "../../hub/cache.ts";

export interface StoreEntry {
  readonly name: string;
  readonly kind: "file" | "folder";
  /** Bytes of the file, or of everything in the folder. */
  readonly size: number;
}

export interface Store {
  /** Whether the files outlive the tab. */
  readonly lasting: boolean;
  /** The file, or null when there is none. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** The file as it is now, for reading by range, or null when there is none. */
  open(path: string): Promise<ByteSource | null>;
  /** Replaces the file whole or, when that fails or is cut off, leaves what was there. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Writes in place at `position`, for files written piece by piece; a gap before it holds zeros. */
  writeAt(path: string, position: number, bytes: Uint8Array): Promise<void>;
  /** Adds to the end, on disk when it returns: a crash costs at most the bytes of the append under way. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file, or a folder and all in it ("" for everything). What is absent stays so. */
  remove(path: string): Promise<void>;
  /** What is directly in the folder ("" for the top), by name; empty when there is no such folder. */
  list(folder: string): Promise<StoreEntry[]>;
  /** Bytes of all files, remains of broken writes included. */
  usage(): Promise<number>;
}

/** "a/b" → ["a", "b"]; "" is the top. Any name is allowed, "." and ".." too: they are names here and lead nowhere. */
export function partsOf(path: string): string[] {
  const parts = path === "" ? [] : path.split("/");
  if (!parts.includes("")) return parts;
  throw configError(`${JSON.stringify(path)}: expected names with one "/" between them, got an empty name`);
}

/** The parts of a file's path, which has at least one. */
export function filePartsOf(path: string): string[] {
  const parts = partsOf(path);
  if (parts.length > 0) return parts;
  throw configError('"": expected the path of a file, got the top folder');
}

/** No room for `bytes` more. The page knows it by its code, `isStorageFull`. */
export function storageFullError(path: string, bytes: number): LorikeetError {
  return new LorikeetError(
    "device",
    `${path}: expected room for ${formatBytes(bytes)}, the browser's storage for this page is full`,
    "Delete kept models or old runs, or free space on this machine.",
    "storage-full",
  );
}

/** A file where a folder is needed, or the other way round. */
export const wrongKindError = (path: string) =>
  new LorikeetError("device", `${path}: expected a file in a folder, found a file and a folder of the same name`);
