/**
 * Where bytes come from. A `ByteSource` is one file read by range; a `ModelSource` is a folder of them: a dropped folder,
 * a directory, a Hub repository or plain memory. Readers see nothing else, so each format is read from all of them.
 */

import { formatError } from "./errors.ts";
import { parseJson } from "./json.ts";

/** One file. */
export interface ByteSource {
  /** For messages: the path a person would recognise. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /**
   * Bytes [begin, end), exactly `end - begin` of them, or an error. The caller owns the array; it starts at offset 0 of a
   * buffer of its own, so typed views of it are always aligned.
   */
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A set of files addressed by path, with "/" between folders. */
export interface ModelSource {
  /** For messages: the folder, or "org/name". */
  readonly label: string;
  /** Paths of the files, sorted. */
  list(): Promise<string[]>;
  /** The file at `path`, or null when there is none. */
  open(path: string): Promise<ByteSource | null>;
}

/** Throws unless 0 ≤ begin ≤ end ≤ size, all integers. Every `ByteSource` calls it first. */
export function checkRange(source: { name: string; size: number }, begin: number, end: number): void {
  if (Number.isSafeInteger(begin) && Number.isSafeInteger(end) && 0 <= begin && begin <= end && end <= source.size)
    return;
  throw formatError(`${source.name}: cannot read bytes ${begin} to ${end}, the file has ${source.size}`);
}

/** A file held in memory. Reads return copies. */
export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    async read(begin, end) {
      checkRange({ name, size: bytes.byteLength }, begin, end);
      return new Uint8Array(bytes.subarray(begin, end));
    },
  };
}

/** A folder held in memory, such as what an exporter returns; lets every written file be read back. */
export function memoryModel(label: string, files: readonly { path: string; bytes: Uint8Array }[]): ModelSource {
  const byPath = new Map(files.map((file) => [file.path, file.bytes]));
  return {
    label,
    async list() {
      return [...byPath.keys()].sort();
    },
    async open(path) {
      const bytes = byPath.get(path);
      return bytes === undefined ? null : memorySource(`${label}/${path}`, bytes);
    },
  };
}

const LFS_MARK = "version https://git-lfs.github.com/spec/";

/**
 * Throws when `head`, the first bytes of a file, is a git-lfs pointer: the note that stands where a large file belongs
 * after a clone without git-lfs. `head` needs some 40 bytes; fewer are never taken for a pointer.
 */
export function refuseLfsPointer(name: string, head: Uint8Array): void {
  const start = new TextDecoder("latin1").decode(head.subarray(0, LFS_MARK.length));
  if (start !== LFS_MARK) return;
  throw formatError(
    `${name}: expected the file itself, got a git-lfs pointer to it`,
    "The repository was cloned without git-lfs. Run `git lfs pull` in it, or download the file again.",
  );
}

/** A UTF-8 text file (a byte order mark is dropped), or null when `path` is absent. */
export async function readText(source: ModelSource, path: string): Promise<string | null> {
  const file = await source.open(path);
  if (file === null) return null;
  const bytes = await file.read(0, file.size);
  refuseLfsPointer(file.name, bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw formatError(
      `${file.name}: expected UTF-8 text, got other bytes`,
      "Save the file as UTF-8 or download it again.",
    );
  }
}

/** A parsed JSON file, or undefined when `path` is absent (null is a JSON value). */
export async function readJson(source: ModelSource, path: string): Promise<unknown> {
  const text = await readText(source, path);
  return text === null ? undefined : parseJson(text, `${source.label}/${path}`);
}
