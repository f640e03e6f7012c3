/**
 * Dropped folders, copied into the store so that a reload can go on without asking for them again. The list of files is
 * written last: a copy without it, or with a file of another length, was cut off and is not used.
 */
import type { ModelSource } from "../../core/bytes.ts";
import { isJsonObject, parseJson } from "../../core/json.ts";
import type { Store } from "../storage/store.ts";
import { type NeededFile, neededFiles } from "./needed.ts";

export interface KeepOptions {
  /** Bytes done and bytes in all. */
  onProgress?(done: number, total: number): void;
  readonly signal?: AbortSignal;
}

const FOLDERS = "models/folder";
const LIST = "kept.json";
const SLICE_BYTES = 8 * 2 ** 20;

/** A name is one part of a path; all but "/" may stay as it is. */
const placeOf = (name: string) => `${FOLDERS}/${name.replaceAll(/[%/]/g, encodeURIComponent)}`;
const nameOf = (place: string) => decodeURIComponent(place);

/**
 * Copies the files that training needs, and replaces an earlier copy of that name. A copy that fails or is stopped is
 * removed again.
 * @throws ModelError when the folder is no usable model; a storage-full error; an aborted signal's own reason.
 */
export async function keepFolder(
  store: Store,
  name: string,
  source: ModelSource,
  options: KeepOptions = {},
): Promise<void> {
  const { files, bytes } = await neededFiles(source);
  const place = placeOf(name);
  await store.remove(place);
  try {
    let done = 0;
    for (const file of files) {
      await copyFile(store, `${place}/files/${file.path}`, source, file, options.signal, (more) => {
        done += more;
        options.onProgress?.(done, bytes);
      });
    }
    await store.write(`${place}/${LIST}`, new TextEncoder().encode(JSON.stringify({ files })));
  } catch (error) {
    await store.remove(place).catch(() => {}); // the first error says more
    throw error;
  }
}

async function copyFile(
  store: Store,
  target: string,
  source: ModelSource,
  { path, size }: NeededFile,
  signal: AbortSignal | undefined,
  onCopied: (bytes: number) => void,
): Promise<void> {
  const file = (await source.open(path))!;
  await store.write(target, new Uint8Array(0));
  for (let begin = 0; begin < size; begin += SLICE_BYTES) {
    signal?.throwIfAborted();
    const bytes = await file.read(begin, Math.min(begin + SLICE_BYTES, size));
    await store.writeAt(target, begin, bytes);
    onCopied(bytes.byteLength);
  }
}

/** A kept folder as a source labelled with its name, or null when there is no whole copy. */
export async function keptFolderSource(store: Store, name: string): Promise<ModelSource | null> {
  const place = placeOf(name);
  const files = await wholeFiles(store, place);
  if (files === null) return null;
  return {
    label: name,
    async list() {
      return files.map(({ path }) => path).sort();
    },
    async open(path) {
      if (!files.some((file) => file.path === path)) return null;
      const file = await store.open(`${place}/files/${path}`);
      return file && { ...file, name: `${name}/${path}` };
    },
  };
}

/** What the list names, when all of it is there. */
async function wholeFiles(store: Store, place: string): Promise<readonly NeededFile[] | null> {
  const bytes = await store.read(`${place}/${LIST}`);
  if (bytes === null) return null;
  const json = parseJson(new TextDecoder().decode(bytes), `${place}/${LIST}`);
  // Written by `keepFolder`, whole or not at all.
  const files = isJsonObject(json) ? (json.files as unknown as readonly NeededFile[]) : [];
  for (const { path, size } of files) {
    if ((await store.open(`${place}/files/${path}`))?.size !== size) return null;
  }
  return files;
}

export async function keptFolders(store: Store): Promise<{ id: string; bytes: number; whole: boolean }[]> {
  const entries = await store.list(FOLDERS);
  return Promise.all(
    entries.map(async ({ name, size }) => ({
      id: nameOf(name),
      bytes: size,
      whole: (await wholeFiles(store, `${FOLDERS}/${name}`)) !== null,
    })),
  );
}

export const removeKeptFolder = (store: Store, name: string): Promise<void> => store.remove(placeOf(name));
