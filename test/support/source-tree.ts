/** The repository as a map from path to text, so that the rules of structure can be tried on made-up trees. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Paths are relative, with forward slashes. */
export type SourceTree = ReadonlyMap<string, string>;

const NOT_OURS = new Set(["node_modules", "dist", "runs", ".git", ".cache"]);
const TEXT = /\.(ts|tsx|mjs|js|wgsl|html|css|json|md|yaml|yml|py|svg)$|^\.[\w-]+$|\/run$|^LICENSE$/;

/** Every text file of the repository that git would track. */
export function readTree(root: string): SourceTree {
  const files = new Map<string, string>();
  const visit = (folder: string) => {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      if (NOT_OURS.has(entry.name)) continue;
      const at = folder ? `${folder}/${entry.name}` : entry.name;
      if (entry.isDirectory()) visit(at);
      else if (entry.isFile() && TEXT.test(at)) files.set(at, readFileSync(path.join(root, at), "utf8"));
    }
  };
  visit("");
  return files;
}

export const treeOf = (files: Readonly<Record<string, string>>): SourceTree => new Map(Object.entries(files));

/** Paths that match, in order. */
export const pathsIn = (tree: SourceTree, pattern: RegExp): string[] =>
  [...tree.keys()].filter((file) => pattern.test(file)).sort();

const COMMENT_OR_STRING = /\/\*[\s\S]*?\*\/|\/\/.*$|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/gm;

/** The program without its comments; strings stay. */
export const withoutComments = (text: string): string =>
  text.replace(COMMENT_OR_STRING, (found) => (found.startsWith("/") ? " " : found));

/** The program without comments and without what stands in strings. */
export const bareCode = (text: string): string =>
  text.replace(COMMENT_OR_STRING, (found) => (found.startsWith("/") ? " " : '""'));
