/** Where things are: the repository, and a folder of the user's own for what is unpacked once. Node's modules only. */
import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json. */
export const root = fileURLToPath(new URL("../../../", import.meta.url)).replace(/[\\/]$/, "");

/**
 * Folders that may hold unpacked browsers and drivers, best first: beside the packages, the user's cache, temporary.
 * @param {string} base the repository
 * @param {NodeJS.ProcessEnv} env
 * @returns {string[]}
 */
export function cacheCandidates(base, env) {
  const user = env.XDG_CACHE_HOME || (env.HOME ? path.join(env.HOME, ".cache") : "");
  const owner = process.getuid?.() ?? os.userInfo().username;
  return [
    ...(existsSync(path.join(base, "node_modules")) ? [path.join(base, "node_modules", ".cache", "lorikeet")] : []),
    ...(user ? [path.join(user, "lorikeet")] : []),
    path.join(os.tmpdir(), `lorikeet-${owner}`),
  ];
}

/**
 * The first of the candidate folders that can be written; it is made when missing. Null when there is none.
 * @param {string} [base]
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | null}
 */
export function cacheFolder(base = root, env = process.env) {
  return cacheCandidates(base, env).find(makeOwnFolder) ?? null;
}

/**
 * Libraries are loaded from there, so a folder that belongs to somebody else is refused.
 * @param {string} folder
 */
function makeOwnFolder(folder) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
    const uid = process.getuid?.();
    return uid === undefined || uid === 0 || statSync(folder).uid === uid;
  } catch {
    return false;
  }
}

/**
 * Whether files can be made in `folder`, or in the nearest folder above it that exists.
 * @param {string} folder
 */
export function canWrite(folder) {
  let at = path.resolve(folder);
  while (!existsSync(at) && path.dirname(at) !== at) at = path.dirname(at);
  try {
    accessSync(at, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
