/** What a first visit loads before anything shows: the scripts of a built page, followed through their static imports. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

export interface Size {
  readonly bytes: number;
  readonly gzipped: number;
}

/** Scripts that the page names (also to preload), and static imports. Not `import()`, not workers. */
const NAMED = /<(?:script|link)\b[^>]*?\b(?:src|href)="([^"]+\.js)"/g;
const STATIC = /\b(?:import|export)\b(?:[^"'`;()]*?\bfrom)?\s*["'](\.[^"']+)["']/g;

/** As the bundler writes a worker's address, beside the script that starts it; other scripts are imported. */
const WORKERS = /\bnew URL\(\s*["'`]([^"'`]+\.js)["'`]\s*,\s*import\.meta\.url\)/g;

/** Text of a file of the site. */
type Read = (name: string) => string;

/** Files loaded with `page`, by name, each once. */
export const initialScripts = (page: string, read: Read): string[] => {
  const found = new Set(addressed(page, NAMED, read));
  withImports(found, read);
  return [...found].sort();
};

/** Files of the workers that these scripts start. */
export const workerScripts = (scripts: readonly string[], read: Read): string[] => {
  const found = new Set(scripts.flatMap((name) => addressed(name, WORKERS, read)));
  withImports(found, read);
  return [...found].sort();
};

/** Adds what the files import statically, and what that imports. */
function withImports(found: Set<string>, read: Read): void {
  // A set goes on to what is added on the way.
  for (const name of found) for (const imported of addressed(name, STATIC, read)) found.add(imported);
}

const addressed = (from: string, pattern: RegExp, read: Read): string[] =>
  [...read(from).matchAll(pattern)].map(([, address = ""]) => path.posix.join(path.posix.dirname(from), address));

export function sizeOf(folder: string, names: readonly string[]): Size {
  const files = names.map((name) => readFileSync(path.join(folder, name)));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  return {
    bytes: sum(files.map((file) => file.length)),
    gzipped: sum(files.map((file) => gzipSync(file, { level: 9 }).length)),
  };
}
