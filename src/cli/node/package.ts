/** Lorikeet's own files, found from the sources as well as from the built program. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json: the nearest one above this file. */
export function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "package.json")) && path.dirname(folder) !== folder) {
    folder = path.dirname(folder);
  }
  return folder;
}

/** "0.1.0" */
export function packageVersion(): string {
  return JSON.parse(readFileSync(path.join(packageRoot(), "package.json"), "utf8")).version;
}

/** Folder of the built-in model and its dataset, as short as it can be said from here. */
export function demoFolder(): string {
  return relativePath(path.join(packageRoot(), "public", "demo"));
}

/** `target` as seen from the working directory, unless that has to climb. */
export function relativePath(target: string): string {
  const relative = path.relative(process.cwd(), target);
  return relative === "" ? "." : relative.startsWith("..") ? path.resolve(target) : relative;
}
