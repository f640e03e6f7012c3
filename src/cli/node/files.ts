/** Files written whole or not at all, and folders that are taken back when nothing came of them. */
import { constants } from "node:fs";
import { access, mkdir, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { configError } from "../../core/errors.ts";

/** Writes beside the place and renames into it: a reader sees the old file or the new one, never a part. */
export async function writeWhole(file: string, content: Uint8Array | string): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  try {
    await writeFile(partial, content);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

export interface MadeFolder {
  readonly path: string;
  /** Removes those of its folders that were made here, as far as they are empty. */
  takeBack(): Promise<void>;
}

/** Makes a folder with those above it. */
export async function makeFolder(folder: string): Promise<MadeFolder> {
  const first = await mkdir(folder, { recursive: true });
  return {
    path: folder,
    async takeBack() {
      if (first === undefined) return;
      const top = path.dirname(path.resolve(first));
      for (let at = path.resolve(folder); at !== top; at = path.dirname(at)) {
        const emptied = await rmdir(at).then(
          () => true,
          () => false, // not empty: somebody else's
        );
        if (!emptied) return;
      }
    },
  };
}

/** Throws ConfigError unless a folder exists at `folder` or can be made there. Makes nothing. */
export async function checkFolder(flag: string, folder: string): Promise<void> {
  let at = path.resolve(folder);
  let info = await stat(at).catch(() => null);
  while (!info && path.dirname(at) !== at) {
    at = path.dirname(at);
    info = await stat(at).catch(() => null);
  }
  if (!info?.isDirectory()) {
    throw configError(`${flag} ${folder}: expected a folder, ${at} is a file`, "Name another place.");
  }
  await access(at, constants.W_OK | constants.X_OK).catch(() => {
    throw configError(`${flag} ${folder}: ${at} cannot be written`, "Name a place of your own.");
  });
}
