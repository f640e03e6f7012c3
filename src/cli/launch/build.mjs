/** Builds the command line (TypeScript with imported shader text) into dist/, and only when its sources changed. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { canWrite, root } from "./places.mjs";
import { LaunchError, say, seconds } from "./report.mjs";
import { runQuietly } from "./spawn.mjs";

/** Folders and files that the built program depends on; the page and the launcher itself are not in it. */
const SOURCES = ["src", "shaders", "package-lock.json", "vite.config.ts"];
const NOT_BUILT = ["src/ui", "src/cli/launch"];

export const ENTRY = "src/cli/lorikeet.ts";

/**
 * Returns the path of the built program.
 * @param {string} [base]
 */
export async function buildCommandLine(base = root) {
  const program = path.join(base, "dist", "lorikeet.js");
  // An installed package comes built, without the tools to build it again.
  if (!existsSync(path.join(base, ENTRY)) && existsSync(program)) return program;

  const mark = path.join(base, "dist", ".lorikeet-build");
  const digest = digestOf(base);
  if (existsSync(program) && existsSync(mark) && readFileSync(mark, "utf8") === digest) return program;

  if (!canWrite(path.dirname(mark))) {
    throw new LaunchError(`${path.dirname(mark)} cannot be written`, "clone the repository to a folder of your own");
  }
  const start = performance.now();
  const vite = path.join(base, "node_modules", "vite", "bin", "vite.js");
  const args = [vite, "build", "--ssr", ENTRY, "--outDir", "dist", "--logLevel", "warn"];
  const { code, stdout, stderr } = await runQuietly(process.execPath, args, { cwd: base });
  if (code !== 0) throw new LaunchError(`the command line could not be built:\n${`${stdout}\n${stderr}`.trim()}`);
  writeFileSync(mark, digest);
  say(`command line built in ${seconds(start)}`);
  return program;
}

/**
 * A digest of names and contents; times of files change with every checkout.
 * @param {string} base
 */
export function digestOf(base) {
  const hash = createHash("sha256");
  for (const file of SOURCES.flatMap((source) => filesUnder(base, source))) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(base, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/**
 * @param {string} base
 * @param {string} name relative, with forward slashes
 * @returns {string[]}
 */
function filesUnder(base, name) {
  const at = path.join(base, name);
  if (NOT_BUILT.includes(name) || !existsSync(at)) return [];
  const entries = readdirSync(path.dirname(at), { withFileTypes: true });
  const entry = entries.find((item) => item.name === path.basename(at));
  if (!entry?.isDirectory()) return [name];
  return readdirSync(at)
    .sort()
    .flatMap((child) => filesUnder(base, `${name}/${child}`));
}
