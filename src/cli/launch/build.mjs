/** Builds the command line and the page into dist/, each only when its sources changed. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { digestOf } from "./digest.mjs";
import { canWrite, root } from "./places.mjs";
import { LaunchError, say, seconds } from "./report.mjs";
import { runQuietly } from "./spawn.mjs";

export const ENTRY = "src/cli/lorikeet.ts";

const SHARED = ["src", "shaders", "package-lock.json", "vite.config.ts"];

/** @type {import("./digest.mjs").Ingredients} */
export const COMMAND_LINE = { sources: SHARED, without: ["src/ui", "src/cli/launch"] };

/** @type {import("./digest.mjs").Ingredients} */
export const PAGE = {
  sources: [...SHARED, "vite", "public", "index.html"],
  without: ["src/cli"],
  // A page is built for one Hub.
  values: [process.env.LORIKEET_HUB ?? ""],
};

/**
 * Returns the path of the built program.
 * @param {string} [base]
 */
export async function buildCommandLine(base = root) {
  const program = path.join(base, "dist", "lorikeet.js");
  // An installed package comes built, without the tools to build it again.
  if (!existsSync(path.join(base, ENTRY)) && existsSync(program)) return program;
  const args = ["--ssr", ENTRY, "--outDir", "dist"];
  await buildOnce(base, { name: "command line", result: program, ingredients: COMMAND_LINE, args });
  return program;
}

/**
 * Returns the folder of the built page, a static site.
 * @param {string} [base]
 */
export async function buildPage(base = root) {
  const folder = path.join(base, "dist", "page");
  const result = path.join(folder, "index.html");
  await buildOnce(base, { name: "page", result, ingredients: PAGE, args: ["--outDir", "dist/page"] });
  return folder;
}

/**
 * Runs Vite unless `result` is there and was built from the same sources.
 * @param {string} base
 * @param {{ name: string, result: string, ingredients: import("./digest.mjs").Ingredients, args: string[] }} what
 */
async function buildOnce(base, { name, result, ingredients, args }) {
  const mark = path.join(base, "dist", `.${name.replace(" ", "-")}-build`);
  const digest = digestOf(base, ingredients);
  if (existsSync(result) && existsSync(mark) && readFileSync(mark, "utf8") === digest) return;

  if (!canWrite(path.dirname(mark))) {
    throw new LaunchError(`${path.dirname(mark)} cannot be written`, "clone the repository to a folder of your own");
  }
  const start = performance.now();
  // What lies there until the build is complete must not pass for it.
  rmSync(mark, { force: true });
  const vite = path.join(base, "node_modules", "vite", "bin", "vite.js");
  // Set by whoever calls us (vitest, say), it would decide which React is built.
  const env = { ...process.env, NODE_ENV: "production" };
  const all = [vite, "build", ...args, "--logLevel", "warn"];
  const { code, stdout, stderr } = await runQuietly(process.execPath, all, { cwd: base, env });
  if (code !== 0) throw new LaunchError(`the ${name} could not be built:\n${`${stdout}\n${stderr}`.trim()}`);
  writeFileSync(mark, digest);
  say(`${name} built in ${seconds(start)}`);
}
