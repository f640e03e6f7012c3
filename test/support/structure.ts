/** The rules of the house that are more than types and lint. Each takes a tree and returns what breaks the rule. */
import { bareCode, pathsIn, type SourceTree } from "./source-tree.ts";

const MAX_LINES = 300;
const PROGRAMS = /^(src|test)\/.+\.(ts|tsx|mjs)$/;

const lines = (tree: SourceTree, file: string): string[] => (tree.get(file) ?? "").split("\n");

/** One stem, four folders: a shader has its op, its reference and its test, and each of these has its shader. */
export function stemProblems(tree: SourceTree): string[] {
  const shaders = pathsIn(tree, /^shaders\/[^/]+\.wgsl$/).map((file) => file.slice("shaders/".length, -".wgsl".length));
  const wanted = (stem: string) => [`src/ops/${stem}.ts`, `test/reference/${stem}.ts`, `test/ops/${stem}.test.ts`];
  const missing = shaders.flatMap((stem) =>
    wanted(stem)
      .filter((file) => !tree.has(file))
      .map((file) => `shaders/${stem}.wgsl has no ${file}`),
  );
  const foreign = pathsIn(tree, /^src\/ops\/[^/]+\.ts$/).flatMap((file) => {
    const stems = [...(tree.get(file) ?? "").matchAll(/\bstem:\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
    const own = file.slice("src/ops/".length, -".ts".length);
    const wrong = [...new Set(stems)].filter((stem) => stem !== own || !tree.has(`shaders/${stem}.wgsl`));
    return wrong.map((stem) => `${file} uses the shader "${stem}", expected shaders/${own}.wgsl, which must exist`);
  });
  const lost = pathsIn(tree, /^test\/ops\/[^/]+\.test\.ts$/)
    .filter((file) => {
      const stem = file.slice("test/ops/".length, -".test.ts".length);
      return !tree.has(`src/ops/${stem}.ts`) && !shaders.includes(stem);
    })
    .map((file) => `${file} has no op of its name in src/ops`);
  return [...missing, ...foreign, ...lost];
}

/** Files have one purpose each, and fit in one reading. */
export function lengthProblems(tree: SourceTree): string[] {
  return pathsIn(tree, /^(src|test|shaders)\/.+\.(ts|tsx|mjs|wgsl|css)$/).flatMap((file) => {
    const count = lines(tree, file).length - 1;
    return count > MAX_LINES ? [`${file} has ${count} lines, at most ${MAX_LINES} are allowed`] : [];
  });
}

const CONFIGURATION = /\.config\.ts$|global-setup\.ts$/;
/** A type position before the word; JSDoc types are looked for in comments. */
const ANY = /\bas any\b|[:<,|&(]\s*any\s*[;,)>|&=\]{[]|\bany\[\]/;
const JSDOC_ANY = /@\w+\s*\{[^}]*\bany\b[^}]*\}/;

/** No default exports outside configuration, no `any` in any disguise. */
export function languageProblems(tree: SourceTree): string[] {
  return pathsIn(tree, PROGRAMS).flatMap((file) => {
    const text = tree.get(file) ?? "";
    const code = bareCode(text);
    const found = [];
    if (/\bexport\s+default\b|\bas\s+default\b/.test(code) && !CONFIGURATION.test(file)) found.push("a default export");
    const jsdoc = file.endsWith(".mjs") && JSDOC_ANY.test(text.replace(/"[^"\n]*"/g, '""'));
    if (ANY.test(code) || jsdoc) found.push("the type any");
    return found.map((what) => `${file} has ${what}`);
  });
}

// In pieces, or this file would find itself.
const LATER = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "HA" + "CK", "XX" + "X"].join("|")})\\b`);

/** Nothing is left for later. */
export function unfinishedProblems(tree: SourceTree): string[] {
  return pathsIn(tree, /^(src|test|shaders)\/.+\.(ts|tsx|mjs|wgsl|py|css|html)$/).flatMap((file) =>
    lines(tree, file).flatMap((line, i) => {
      const found = LATER.exec(line);
      return found ? [`${file}:${i + 1}: ${found[1]}`] : [];
    }),
  );
}

const HEADER = [/^\/\/ \S+: \S/, ...["shapes", "grid", "tiling", "numerics", "reference"].map(headerLine)];

function headerLine(word: string): RegExp {
  return new RegExp(`^// ${word} +\\S`);
}

/** Shaders begin with their six lines, name their reference, and hold no template text. */
export function shaderProblems(tree: SourceTree): string[] {
  const all = pathsIn(tree, /^shaders\/.+\.wgsl$/);
  const templates = all
    .filter((file) => (tree.get(file) ?? "").includes("${"))
    .map((file) => `${file} has template text`);
  const headers = all.filter((file) => !file.startsWith("shaders/lib/")).flatMap((file) => headerProblems(tree, file));
  return [...templates, ...headers];
}

function headerProblems(tree: SourceTree, file: string): string[] {
  const stem = file.slice("shaders/".length, -".wgsl".length);
  const first = lines(tree, file);
  const wrong = HEADER.findIndex((pattern) => first.length === 0 || !pattern.test(first.shift() ?? ""));
  if (wrong >= 0) return [`${file}:${wrong + 1}: expected a line like ${HEADER[wrong]?.source}`];
  const [title = ""] = lines(tree, file);
  const reference = lines(tree, file)[HEADER.length - 1] ?? "";
  const found = [];
  if (!title.startsWith(`// ${stem}:`)) found.push(`${file}:1: expected the name ${stem}`);
  if (!reference.includes(`test/reference/${stem}.ts`)) found.push(`${file}:6: expected test/reference/${stem}.ts`);
  return found;
}

/** Places of one machine or of one registry have no business in a repository. Assembled, as above. */
const PLACES = new RegExp(
  [
    `/${"work"}/(main|shared|\\.)`,
    `/${"root"}/`,
    `/${"home"}/\\w`,
    `/${"Users"}/\\w`,
    `["'\`]/${"tmp"}/`,
    `https?://[^/\\s"]*(registry|npm|artifact|nexus)[^/\\s"]*/`,
    `"${"resolved"}":`,
  ].join("|"),
);

/** Machine paths, registry hosts. The npm site itself may be linked to in prose. */
export function placeProblems(tree: SourceTree): string[] {
  return [...tree.keys()].sort().flatMap((file) =>
    lines(tree, file).flatMap((line, i) => {
      const found = PLACES.exec(line.replaceAll("https://www.npmjs.com/", ""));
      return found ? [`${file}:${i + 1}: ${found[0]}`] : [];
    }),
  );
}

interface Environment {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/** Every folder of src, and of test, is compiled in exactly one environment. */
export function environmentProblems(tree: SourceTree): string[] {
  const environments = pathsIn(tree, /^tsconfig\.(?!base\b)\w+\.json$/).map((file) => {
    const json = (tree.get(file) ?? "").replace(/^\s*\/\/.*$/gm, "");
    return { file, ...(JSON.parse(json) as Environment) };
  });
  return pathsIn(tree, PROGRAMS).flatMap((file) => {
    const within = (folders: readonly string[] = []) => folders.some((folder) => file.startsWith(`${folder}/`));
    const holders = environments.filter(({ include, exclude }) => within(include) && !within(exclude));
    if (holders.length === 1) return [];
    const names = holders.map((holder) => holder.file).join(", ") || "none";
    return [`${file} is compiled by ${names}, expected exactly one environment`];
  });
}
