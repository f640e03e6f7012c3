/** Dropped data files: which is for what, and their copies in the store, so that a reload finds them again. */
import { type ByteSource, checkRange, memorySource } from "../core/bytes.ts";
import { dataError } from "../core/errors.ts";
import { getBytes } from "../hub/http.ts";
import type { Context } from "./context.ts";
import type { DroppedFile } from "./protocol.ts";
import type { Store } from "./storage/store.ts";

export interface DataFiles {
  readonly train: ByteSource;
  readonly validation: ByteSource | null;
}

const FOLDER = "draft/data";
const SETS = ["train", "validation"] as const;
const SLICE_BYTES = 8 * 2 ** 20;
/** Names of files that are not to be trained on. */
const VALIDATION = /^(.*[-_. ])?(valid|validation|val|dev|eval|test)([-_. ].*)?$/i;

/**
 * One file to train on and perhaps one to validate on, told by their names; of several of the latter the one nearest to
 * "valid".
 * @throws DataError for any other number.
 */
export function sortFiles(files: readonly DroppedFile[]): DataFiles {
  const named = files.map(({ path, file }) => ({ name: path.split("/").at(-1)!, file })).filter(isVisible);
  const isValidation = ({ name }: { name: string }) => VALIDATION.test(name.replace(/\.[^.]+$/, ""));
  const train = named.length === 1 ? named : named.filter((file) => !isValidation(file));
  const others = named.length === 1 ? [] : named.filter(isValidation);
  if (train.length !== 1) {
    const names = named.map(({ name }) => name).join(", ") || "nothing";
    throw dataError(
      `expected one file to train on, and perhaps one whose name says validation, got ${names}`,
      "Choose the files anew, or join those to train on into one.",
    );
  }
  const chosen = others.find(({ name }) => /val|dev/i.test(name)) ?? others[0];
  return { train: fileBytes(train[0]!), validation: chosen ? fileBytes(chosen) : null };
}

/** Folders of a Mac come with .DS_Store. */
const isVisible = ({ name }: { name: string }) => !name.startsWith(".");

function fileBytes({ name, file }: { name: string; file: Blob }): ByteSource {
  return {
    name,
    size: file.size,
    async read(begin, end) {
      checkRange({ name, size: file.size }, begin, end);
      return new Uint8Array(await file.slice(begin, end).arrayBuffer());
    },
  };
}

/** Copies them; what does not fit is used from where it lies and will have to be dropped again after a reload. */
export async function keepFiles(store: Store, files: DataFiles): Promise<void> {
  await store.remove(FOLDER);
  try {
    for (const set of SETS) {
      const file = files[set];
      if (!file) continue;
      const path = `${FOLDER}/${set}/${file.name}`;
      await store.write(path, new Uint8Array(0));
      for (let begin = 0; begin < file.size; begin += SLICE_BYTES) {
        await store.writeAt(path, begin, await file.read(begin, Math.min(begin + SLICE_BYTES, file.size)));
      }
    }
  } catch {
    await store.remove(FOLDER).catch(() => {});
  }
}

/** Those of the last visit. Throws DataError when they are gone. */
export async function keptFiles(store: Store): Promise<DataFiles> {
  const find = async (set: (typeof SETS)[number]) => {
    const [entry] = await store.list(`${FOLDER}/${set}`);
    const file = entry && (await store.open(`${FOLDER}/${set}/${entry.name}`));
    return file ? { ...file, name: entry.name } : null;
  };
  const train = await find("train");
  if (!train) throw dataError("the dataset of the last visit is not kept in this browser", "Drop it once more.");
  return { train, validation: await find("validation") };
}

/** The dataset that comes with the page. */
export async function fetchSample({ base, fetch }: Context): Promise<DataFiles> {
  const get = async (name: string) => {
    const options = { fetch, attempts: 3, retryDelayMs: 500, stallMs: 60_000 };
    return memorySource(name, await getBytes(new URL(`demo/${name}`, base).href, `sample dataset/${name}`, options));
  };
  return { train: await get("train.jsonl"), validation: await get("valid.jsonl") };
}
