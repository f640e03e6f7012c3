/** Builds the service worker (`sw.ts`) with the list of the built site's files, each with the digest of its content. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

export const WORKER_FILE = "service-worker.js";

/** Name and content of a file of the site; names are relative, with forward slashes. */
export type SiteFile = readonly [name: string, content: string | Uint8Array];
/** What the service worker keeps: an address relative to the site, and its digest as in an `integrity` attribute. */
export type KeptFile = readonly [address: string, integrity: string];

/**
 * Files that are kept, by name. Not the worker itself, what hosts read (`_headers`), texts about the site, and pages
 * other than index.html, which stands for "./": some hosts redirect its name, and a redirect cannot answer a page load.
 */
export function keptFiles(files: Iterable<SiteFile>): KeptFile[] {
  const wanted = ([name]: SiteFile) =>
    name === "index.html" || !(name === WORKER_FILE || /^_|(^|\/)\.|\.(md|map|html)$/.test(name));
  const addressOf = (name: string) =>
    name === "index.html" ? "./" : `./${name.split("/").map(encodeURIComponent).join("/")}`;
  return [...files]
    .filter(wanted)
    .map(([name, content]) => [addressOf(name), integrityOf(content)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

export const integrityOf = (content: string | Uint8Array): string =>
  `sha256-${createHash("sha256").update(content).digest("base64")}`;

/** The same for the same files and the same worker, whatever the machine: two different workers never share a cache. */
export const versionOf = (files: readonly KeptFile[], code: string): string =>
  createHash("sha256").update(JSON.stringify(files)).update(code).digest("hex").slice(0, 16);

export function serviceWorkerPlugin(): Plugin {
  let publicDir = "";
  return {
    name: "lorikeet:service-worker",
    apply: (_, { command, isSsrBuild }) => command === "build" && !isSsrBuild,
    configResolved(config) {
      publicDir = config.publicDir;
    },
    buildStart() {
      const id = fileURLToPath(new URL("sw.ts", import.meta.url));
      this.emitFile({ type: "chunk", id, fileName: WORKER_FILE });
    },
    generateBundle(_, bundle) {
      const worker = bundle[WORKER_FILE];
      if (worker?.type !== "chunk" || worker.imports.length > 0) throw new Error("sw.ts: expected to stand alone");
    },
    // Once everything is written: Vite still changes scripts after it has handed them to plugins.
    writeBundle({ dir = "" }, bundle) {
      const names = new Set([...Object.keys(bundle), ...filesUnder(publicDir)]);
      const files = keptFiles([...names].map((name) => [name, readFileSync(path.join(dir, name))]));
      const worker = path.join(dir, WORKER_FILE);
      const code = readFileSync(worker, "utf8");
      const filled = code
        .replaceAll("__FILES__", () => JSON.stringify(files))
        .replaceAll("__VERSION__", () => JSON.stringify(versionOf(files, code)));
      writeFileSync(worker, filled);
    },
  };
}

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"));
