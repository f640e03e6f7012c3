/** What a first visit loads before anything shows: the scripts of a built page, followed through their static imports. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

export interface Size {
  readonly bytes: number;
  readonly gzipped: number;
}

/** Scripts that the page names (also to preload), and static imports. Not `import()`, not workers. */
const NAMED = /<(?:script|link)\b[^>]*?\b(?:src|href)="([^"]+\.js)"/g;
const STATIC = /\b(?:import|export)\b(?:[^"'`;()]*?\bfrom)?\s*["'](\.[^"']+)["']/g;

/**
 * Files loaded with `page`, by name, each once.
 * @param read text of a file of the site
 */
export function initialScripts(page: string, read: (name: string) => string): string[] {
  const found = new Set<string>();
  const follow = (from: string, pattern: RegExp) => {
    for (const [, address = ""] of read(from).matchAll(pattern)) {
      const name = path.posix.join(path.posix.dirname(from), address);
      if (found.has(name)) continue;
      found.add(name);
      follow(name, STATIC);
    }
  };
  follow(page, NAMED);
  return [...found].sort();
}

export function sizeOf(folder: string, names: readonly string[]): Size {
  const files = names.map((name) => readFileSync(path.join(folder, name)));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  return {
    bytes: sum(files.map((file) => file.length)),
    gzipped: sum(files.map((file) => gzipSync(file, { level: 9 }).length)),
  };
}

/** Scripts of the site that are workers' own, by the names that the bundler gives them. */
export const workerScripts = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll(path.sep, "/"))
    .filter((name) => /^assets\/.*worker.*\.js$/i.test(name))
    .sort();
