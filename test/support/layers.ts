/** The import layers of ARCHITECTURE.md, section 3, and the reader of import statements that holds them. */
import path from "node:path";
import { pathsIn, type SourceTree, withoutComments } from "./source-tree.ts";

interface Layer {
  /** Folders of src, or single files of them, that may be imported. */
  readonly from: readonly string[];
  /** Packages that may be imported; `node:` stands for all of Node's own. */
  readonly packages?: readonly string[];
  readonly shaders?: true;
}

const ENGINE = [
  "core",
  "health",
  "formats",
  "gpu",
  "hub",
  "tokenizer",
  "autograd",
  "data",
  "ops",
  "nn",
  "optim",
  "models",
  "lora",
];

/** Libraries that the bench compares with, and what they need. */
const PEERS = [
  "@jax-js/jax",
  ...["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-webgpu"],
  ...["@huggingface/transformers", "onnxruntime-web", "protobufjs"],
];

/** Every folder may import itself besides. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  core: { from: [] },
  formats: { from: ["core"] },
  gpu: { from: ["core"], shaders: true },
  demo: { from: ["core"] },
  health: { from: ["core"] },
  hub: { from: ["core", "formats", "demo"] },
  tokenizer: { from: ["core"], packages: ["@huggingface/tokenizers", "@huggingface/jinja"] },
  autograd: { from: ["core", "gpu"] },
  data: { from: ["core", "formats", "tokenizer"], packages: ["papaparse", "hyparquet", "hyparquet-compressors"] },
  ops: { from: ["core", "gpu", "autograd"] },
  nn: { from: ["core", "gpu", "autograd", "ops"] },
  optim: { from: ["core", "gpu", "autograd", "ops"] },
  models: { from: ["core", "formats", "gpu", "autograd", "ops", "nn"] },
  lora: { from: ["core", "formats", "gpu", "autograd", "ops", "nn"], packages: ["ml-matrix"] },
  train: { from: [...ENGINE, "demo"] },
  report: { from: ["core", "health", "lora", "train"] },
  handoff: { from: ["core", "tokenizer", "data", "optim", "lora", "train"] },
  worker: { from: [...ENGINE, "demo", "train", "report", "handoff"], packages: ["fflate", "@huggingface/hub"] },
  cli: {
    from: [...ENGINE, "demo", "train", "report", "handoff"],
    packages: ["node:", "webgpu", "yaml", "playwright-core", "vite", ...PEERS],
  },
  ui: {
    from: [
      "core",
      "health",
      "worker/client",
      "worker/protocol",
      "train/config",
      "train/setting",
      "train/events",
      "train/presets",
      "train/memory-budget",
      "train/memory-parts",
      "data/findings",
    ],
    packages: ["react", "react-dom", "react-aria-components", "uplot"],
  },
};

const SPECIFIERS = [
  /\b(?:import|export)\b[^"'`;()]*?\bfrom\s*["']([^"']+)["']/g,
  /\bimport\s*["']([^"']+)["']/g,
  /\bimport\s*\(\s*["']([^"']+)["']/g,
  /\bimport\.meta\.glob(?:<[^(]*>)?\(\s*["']([^"']+)["']/g,
  /\bnew URL\(\s*["'](\.[^"']+)["']\s*,\s*import\.meta\.url/g,
];

/** What a program imports: static, dynamic and type-only imports, re-exports, globs and worker addresses. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  return SPECIFIERS.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ""));
}

/** Imports of src that the layers do not allow. */
export function layerProblems(tree: SourceTree): string[] {
  return pathsIn(tree, /^src\/.+\.(ts|tsx|mjs)$/).flatMap((file) => {
    const folder = file.split("/")[1] ?? "";
    const layer = LAYERS[folder];
    if (!layer) return [`${file}: the folder ${folder} has no layer`];
    const imports = importsOf(tree.get(file) ?? "");
    return imports
      .filter((name) => !allowed(layer, folder, file, name))
      .map((name) => `${file}: may not import ${name}`);
  });
}

function allowed(layer: Layer, folder: string, file: string, name: string): boolean {
  if (!name.startsWith(".")) return packageAllowed(layer, name);
  const target = path.posix.join(path.posix.dirname(file), name);
  if (target.startsWith("shaders/")) return layer.shaders === true;
  if (!target.startsWith("src/")) return folder === "cli" && !target.startsWith("test/");
  const inside = target.slice("src/".length);
  const stem = inside.replace(/\.(ts|tsx|mjs)$/, "");
  return [folder, ...layer.from].some((from) => stem === from || inside.startsWith(`${from}/`));
}

const packageAllowed = ({ packages = [] }: Layer, name: string): boolean =>
  packages.some((allowed) =>
    allowed.endsWith(":") ? name.startsWith(allowed) : name === allowed || name.startsWith(`${allowed}/`),
  );
