/** A folder on disk as a `ModelSource`. */

import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { type ByteSource, checkRange, type ModelSource } from "../../core/bytes.ts";
import { formatError, modelError } from "../../core/errors.ts";

/** node:fs reads at most 2³¹ − 1 bytes at once. */
const MAX_READ = 2 ** 30;

/**
 * Opens `directory`; nothing is read before the first call. Listed are the files directly in it. Paths that lead out of
 * the folder are refused; links are followed, as the Hub's own cache folders consist of them.
 */
export function folderSource(directory: string): ModelSource {
  const root = path.resolve(directory);
  return {
    label: directory,
    async list() {
      const entries = await readdir(root, { withFileTypes: true }).catch((error) => {
        throw modelError(`${directory}: expected a folder, got ${codeOf(error)}`, "Check the path.");
      });
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => entry.name)
        .sort();
    },
    async open(relative) {
      const file = inside(root, relative);
      const info = await stat(file).catch((error) => {
        if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return null;
        throw modelError(`${file}: cannot be read (${codeOf(error)})`, "Check the path and its permissions.");
      });
      return info?.isFile() ? fileSource(file, info.size) : null;
    },
  };
}

function inside(root: string, relative: string): string {
  const file = path.resolve(root, relative);
  const escapes = path.isAbsolute(relative) || relative.includes("\0") || !file.startsWith(path.join(root, path.sep));
  if (!escapes) return file;
  throw formatError(`${root}: expected a path inside the folder, got ${JSON.stringify(relative)}`);
}

/** A file of known size; the handle is open only while a read runs. */
export function fileSource(name: string, size: number): ByteSource {
  return {
    name,
    size,
    async read(begin, end) {
      checkRange({ name, size }, begin, end);
      const handle = await open(name).catch((error) => {
        throw modelError(`${name}: cannot be opened (${codeOf(error)})`, "Check the path and its permissions.");
      });
      try {
        return await readRange(handle, name, begin, end);
      } finally {
        await handle.close();
      }
    },
  };
}

async function readRange(
  handle: FileHandle,
  name: string,
  begin: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(end - begin);
  let done = 0;
  while (done < out.length) {
    const { bytesRead } = await handle.read(out, done, Math.min(out.length - done, MAX_READ), begin + done);
    if (bytesRead === 0) {
      throw formatError(
        `${name}: expected bytes up to ${end}, the file ends at ${begin + done}`,
        "It changed while it was read.",
      );
    }
    done += bytesRead;
  }
  return out;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
