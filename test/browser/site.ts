/**
 * The built page with the pages of test/browser/page, served from localhost as `npm start` serves it. It is built once
 * for all test files, and again when its sources change.
 */
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PAGE } from "../../src/cli/launch/build.mjs";
import { digestOf } from "../../src/cli/launch/digest.mjs";
import { cacheFolder, root } from "../../src/cli/launch/places.mjs";
import { type ServeOptions, serve } from "../../src/cli/launch/serve.mjs";
import { runQuietly } from "../../src/cli/launch/spawn.mjs";
import { unpackOnce } from "../../src/cli/launch/unpack.mjs";

export interface ServedSite {
  /** Scheme, host and port. */
  readonly origin: string;
  /** The address of a path of the site, such as "/" or "/demo/config.json", under the base path. */
  url(path: string): string;
  close(): Promise<void>;
}

const TEST_PAGES = { ...PAGE, sources: [...PAGE.sources, "test/browser/page", "test/browser/build-site.mjs"] };
const A_DAY = 86_400_000;

/**
 * The folder of the built site; it is shared, so nobody writes to it.
 * @throws Error with Vite's words when it cannot be built
 */
export async function builtSite(): Promise<string> {
  const cache = cacheFolder() ?? mkdtempSync(path.join(os.tmpdir(), "lorikeet-site-"));
  removeUnused(cache);
  const folder = await unpackOnce(cache, `site-${digestOf(root, TEST_PAGES).slice(0, 16)}`, build);
  utimesSync(folder, new Date(), new Date());
  return folder;
}

/** Serves a built site, the shared one unless told otherwise. */
export async function startServer(options: ServeOptions & { folder?: string } = {}): Promise<ServedSite> {
  const { folder = await builtSite(), ...how } = options;
  const { address, close } = await serve(folder, how);
  return { origin: new URL(address).origin, url: (at) => address + at.replace(/^\//, ""), close };
}

async function build(folder: string): Promise<void> {
  const script = fileURLToPath(new URL("build-site.mjs", import.meta.url));
  const env = { ...process.env, NODE_ENV: "production" };
  const { code, stdout, stderr } = await runQuietly(process.execPath, [script, folder], { cwd: root, env });
  if (code !== 0) throw new Error(`the page could not be built:\n${stdout}\n${stderr}`);
}

/** Sites of other sources that no test has used for a day, and what a killed build left. */
function removeUnused(cache: string): void {
  for (const name of readdirSync(cache).filter((entry) => entry.startsWith("site-"))) {
    const folder = path.join(cache, name);
    const { mtimeMs } = statSync(folder, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > A_DAY) rmSync(folder, { recursive: true, force: true });
  }
}
