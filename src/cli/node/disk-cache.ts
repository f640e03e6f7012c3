/** Hub downloads on disk: one small file per chunk, written beside its place and renamed into it, so none is ever half. */

import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import type { RangeCache } from "../../hub/cache.ts";

/** LORIKEET_CACHE, else lorikeet below XDG_CACHE_HOME or ~/.cache. */
export function defaultCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.LORIKEET_CACHE || path.join(env.XDG_CACHE_HOME || path.join(homedir(), ".cache"), "lorikeet");
}

/** A cache in `folder`, made when first written. Several processes may share it. */
export function diskCache(folder: string): RangeCache {
  let writes = 0;
  return {
    async get(key, index) {
      try {
        return new Uint8Array(await readFile(chunkPath(folder, key, index)));
      } catch {
        return null; // absent or unreadable: both mean download again
      }
    },
    async put(key, index, bytes) {
      const target = chunkPath(folder, key, index);
      const partial = `${target}.${process.pid}.${writes++}.partial`;
      await mkdir(path.dirname(target), { recursive: true });
      try {
        await writeFile(partial, bytes);
        await rename(partial, target);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    },
  };
}

/** "org/name@commit/file" → folder/org/name@commit/file/0.chunk; no part of a key can climb out of the folder. */
function chunkPath(folder: string, key: string, index: number): string {
  const parts = key
    .split("/")
    .map((part) => encodeURIComponent(part).replace(/^\.+$/, (dots) => dots.replaceAll(".", "%2E")));
  return path.join(folder, ...parts, `${index}.chunk`);
}
