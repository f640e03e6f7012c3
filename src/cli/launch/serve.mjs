/** Serves the built page on localhost, which browsers treat as secure, with the headers it was built for. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { LaunchError } from "./report.mjs";

/**
 * `port` 0 is any free one; `strictPort` fails where the port is taken instead of taking the next. `basePath` is where
 * on the host the page lies, with slashes around. `headers` replace those of the site's own `_headers`.
 * @typedef {{ port?: number, strictPort?: boolean, basePath?: string, headers?: Readonly<Record<string, string>> }} ServeOptions
 * @typedef {{ address: string, port: number, close: () => Promise<void> }} Served address: of the page, ending in a slash
 */

/**
 * @param {string} folder the built site
 * @param {ServeOptions} [options]
 * @returns {Promise<Served>}
 */
export async function serve(folder, { port = 0, strictPort = false, basePath = "/", headers } = {}) {
  const { preview } = await import("vite");
  const server = await preview({
    configFile: false,
    logLevel: "silent",
    root: folder,
    base: basePath,
    // A missing file is a 404, and not the index page.
    appType: "mpa",
    build: { outDir: "." },
    preview: { host: "localhost", port, strictPort, cors: false, headers: { ...(headers ?? readHeaders(folder)) } },
  });
  const address = server.resolvedUrls?.local[0];
  if (!address) throw new LaunchError("the page could not be served: localhost has no address on this machine");
  return { address, port: Number(new URL(address).port), close: () => server.close() };
}

/**
 * The headers for every file that the site's `_headers` asks its host for.
 * @param {string} folder
 * @returns {Record<string, string>}
 */
export function readHeaders(folder) {
  const file = path.join(folder, "_headers");
  if (!existsSync(file)) return {};
  const [scope, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  const pairs = lines.map((line) => /^\s+([\w-]+): (.+)$/.exec(line));
  if (scope !== "/*" || pairs.includes(null)) throw new Error(`${file}: expected "/*" and lines of "  Name: value"`);
  return Object.fromEntries(pairs.map((pair) => [pair?.[1], pair?.[2]]));
}
