/**
 * Names and folders of the browser's private file system. Names are percent-encoded, so any key works (a disk that ignores
 * case may take keys that differ in nothing else for one); a name that begins with "~" is a write under way, or its remains.
 */
import { byName } from "./memory-store.ts";
import { isAbsent, isWrongKind, type OpfsFile, type OpfsFolder } from "./opfs-types.ts";
import type { StoreEntry } from "./store.ts";

/** "a b" → "a%20b". "." and ".." become ordinary names, "~" stays free for `partialName`. */
export function encodeName(name: string): string {
  if (/^\.+$/.test(name)) return name.replaceAll(".", "%2E");
  return encodeURIComponent(name).replaceAll("~", "%7E").replaceAll("*", "%2A");
}

/** Where a file is written before it takes its place. */
export const partialName = (name: string): string => `~${encodeName(name)}`;

/** The folder of a path's parts, made when `create`; null when it is absent or a file is in the way. */
export async function findFolder(
  root: OpfsFolder,
  parts: readonly string[],
  create: boolean,
): Promise<OpfsFolder | null> {
  let folder = root;
  for (const part of parts) {
    const next = await absentAsNull(folder.getDirectoryHandle(encodeName(part), { create }), create);
    if (next === null) return null;
    folder = next;
  }
  return folder;
}

/** The file of a path's parts, or null. */
export async function findFile(root: OpfsFolder, parts: readonly string[]): Promise<OpfsFile | null> {
  const folder = await findFolder(root, parts.slice(0, -1), false);
  return folder && absentAsNull(folder.getFileHandle(encodeName(parts.at(-1)!)), false);
}

/** With `strict` a file in the place of a folder, or the other way round, stays an error. */
export async function absentAsNull<T>(handle: Promise<T>, strict: boolean): Promise<T | null> {
  try {
    return await handle;
  } catch (error) {
    if (isAbsent(error) || (!strict && isWrongKind(error))) return null;
    throw error;
  }
}

/** What is in a folder, by name. Folders without files and writes under way do not show. */
export async function listFolder(folder: OpfsFolder): Promise<StoreEntry[]> {
  const entries: StoreEntry[] = [];
  for await (const handle of inside(folder)) {
    if (handle.name.startsWith("~")) continue;
    const name = decodeURIComponent(handle.name);
    if (handle.kind === "directory") {
      const { files, bytes } = await sumOf(handle, false);
      if (files > 0) entries.push({ name, kind: "folder", size: bytes });
    } else {
      const size = await sizeOf(handle);
      if (size !== null) entries.push({ name, kind: "file", size });
    }
  }
  return entries.sort(byName);
}

/** Files and bytes in a folder and its folders; `remains` counts broken writes too. */
export async function sumOf(folder: OpfsFolder, remains: boolean): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  for await (const handle of inside(folder)) {
    if (!remains && handle.name.startsWith("~")) continue;
    if (handle.kind === "directory") {
      const sum = await sumOf(handle, remains);
      files += sum.files;
      bytes += sum.bytes;
    } else {
      const size = await sizeOf(handle);
      if (size !== null) files++;
      bytes += size ?? 0;
    }
  }
  return { files, bytes };
}

/** A folder that goes away while it is read has no more in it. */
async function* inside(folder: OpfsFolder): AsyncGenerator<OpfsFile | OpfsFolder> {
  try {
    yield* folder.values();
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** Null when the file has gone since it was listed. */
async function sizeOf(file: OpfsFile): Promise<number | null> {
  const found = await absentAsNull(file.getFile(), false);
  return found?.size ?? null;
}
