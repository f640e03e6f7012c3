/** Brings node_modules to what package-lock.json says, and only when it differs. Runs before anything is installed. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { cacheFolder, canWrite, root } from "./places.mjs";
import { LaunchError, say, seconds } from "./report.mjs";
import { runQuietly } from "./spawn.mjs";

const PARTS = ["--include=dev", "--include=optional"];
// The log level is set since a silent `npm run` hands its silence down, and errors would be lost.
const NPM_CI = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...PARTS];

/**
 * Installs the packages unless they are there already. Throws LaunchError with npm's own words when it fails.
 * @param {string} [base] the folder of package-lock.json
 */
export async function install(base = root) {
  const lock = readText(path.join(base, "package-lock.json"));
  // Without a lock file this is an installed package: npm has done the work.
  if (lock === null || isInstalled(base, lock)) return;

  const start = performance.now();
  say("installing packages (npm ci) …");
  const { code, stdout, stderr } = await npm([...NPM_CI, ...ownCache()], base);
  if (code !== 0) throw installError(`${stdout}\n${stderr}`.trim());
  recordInstall(base, lock);
  say(`packages installed in ${seconds(start)}`);
}

/**
 * Whether node_modules holds what the lock file asks for: by the mark of an earlier install, else by npm's own record.
 * @param {string} base
 * @param {string} lock text of package-lock.json
 */
export function isInstalled(base, lock) {
  if (readText(markOf(base)) === digest(lock)) return true;
  const installed = readText(path.join(base, "node_modules", ".package-lock.json"));
  if (installed === null || !sameVersions(lock, installed)) return false;
  recordInstall(base, lock);
  return true;
}

/**
 * Whether every package of the lock is recorded in the same version. Packages for other platforms may be absent.
 * @param {string} lock
 * @param {string} installed text of node_modules/.package-lock.json
 */
export function sameVersions(lock, installed) {
  const wanted = packagesOf(lock);
  const present = packagesOf(installed);
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([name, entry]) => {
    if (name === "") return true;
    const found = present[name];
    return found ? found.version === entry.version && found.integrity === entry.integrity : entry.optional === true;
  });
}

/**
 * @param {string} text
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | null}
 */
function packagesOf(text) {
  try {
    return JSON.parse(text).packages ?? null;
  } catch {
    return null;
  }
}

/** @param {string} base */
const markOf = (base) => path.join(base, "node_modules", ".lorikeet-lock");

/** @param {string} text */
const digest = (text) => createHash("sha256").update(text).digest("hex");

/**
 * @param {string} base
 * @param {string} lock
 */
function recordInstall(base, lock) {
  try {
    writeFileSync(markOf(base), digest(lock));
  } catch {
    // A read-only node_modules only means that the comparison is done again next time.
  }
}

/** @param {string} file */
function readText(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

/**
 * @param {string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  // Inside `npm run` this is the npm that the person called; it may not be on the PATH under that name.
  const script = process.env.npm_execpath;
  if (script?.endsWith(".js")) return runQuietly(process.execPath, [script, ...args], { cwd });
  return runQuietly("npm", args, { cwd, shell: process.platform === "win32" });
}

/** npm needs a cache it can write; an account without a home (nobody, a bare container user) has none. */
function ownCache() {
  const cache = process.env.npm_config_cache ?? path.join(os.homedir(), ".npm");
  if (canWrite(cache)) return [];
  const folder = cacheFolder();
  return folder ? ["--cache", path.join(folder, "npm")] : [];
}

/** @param {string} output */
export function installError(output) {
  // Without npm's warnings and stack traces.
  const said = output.split("\n").filter((line) => !/^npm (warn|error\s+at )/.test(line));
  return new LaunchError(`npm could not install the packages:\n${said.join("\n")}`, hintFor(output));
}

/** @param {string} output */
function hintFor(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ENOTCACHED/.test(output)) {
    return "the npm registry was not reached: check the network or proxy; with the packages in npm's cache, `npm ci --offline` works too";
  }
  if (/EACCES|EPERM|EROFS/.test(output))
    return "this folder cannot be written: clone the repository to one of your own";
  if (/ENOSPC/.test(output)) return "the disk is full: the packages need about 600 MB";
  if (/ENOENT|not found/.test(output) && !/npm error/.test(output)) return "npm was not found: it comes with Node.js";
  return "run `npm ci --ignore-scripts` to see it happen";
}
