/** ARCHITECTURE.md, section 3, and the house style, held by tests. Every rule is also shown a tree that breaks it. */
import { describe, expect, it } from "vitest";
import { root } from "../src/cli/launch/places.mjs";
import { importsOf, layerProblems } from "./support/layers.ts";
import { readTree, type SourceTree, treeOf } from "./support/source-tree.ts";
import {
  environmentProblems,
  languageProblems,
  lengthProblems,
  placeProblems,
  shaderProblems,
  stemProblems,
  unfinishedProblems,
} from "./support/structure.ts";

const tree = readTree(root);

const HEADER = `// add: y = a + b
// shapes    a [N]  b [N]  ->  y [N]
// grid      one invocation per element
// tiling    none
// numerics  f32
// reference test/reference/add.ts
`;
const ADD = {
  "shaders/add.wgsl": HEADER,
  "src/ops/add.ts": 'export const kernel = { stem: "add" };',
  "test/reference/add.ts": "",
  "test/ops/add.test.ts": "",
};
const without = (path: string) => Object.fromEntries(Object.entries(ADD).filter(([name]) => name !== path));
const place = (...parts: string[]) => parts.join("/");

interface Rule {
  readonly name: string;
  readonly check: (tree: SourceTree) => string[];
  readonly good: Record<string, string>;
  /** Each breaks the rule in one way. */
  readonly bad: Record<string, Record<string, string>>;
}

const RULES: readonly Rule[] = [
  {
    name: "imports follow the layers",
    check: layerProblems,
    good: {
      "src/ops/add.ts":
        'import { a } from "../autograd/tape.ts";\nimport type { B } from "./b.ts";\n// from "../train/x.ts"',
      "src/gpu/shaders.ts": 'import.meta.glob<string>("../../shaders/**/*.wgsl", { eager: true })',
      "src/ui/main.tsx": 'import { x } from "../worker/client.ts";\nimport "react-dom/client";',
      "src/cli/demo/write.ts": 'import fs from "node:fs";\nimport { x } from "../../train/session.ts";',
    },
    bad: {
      upwards: { "src/core/a.ts": 'import { x } from "../gpu/device.ts";' },
      "type only": { "src/models/a.ts": 'import type { X } from "../lora/config.ts";' },
      "over lines": { "src/ops/a.ts": 'import {\n  x,\n} from "../nn/module.ts";' },
      "re-export": { "src/nn/a.ts": 'export { x } from "../models/llama.ts";' },
      dynamic: { "src/lora/a.ts": 'const x = await import("../models/llama.ts");' },
      worker: { "src/ui/a.ts": 'new Worker(new URL("../gpu/worker.ts", import.meta.url))' },
      "a neighbour of an allowed file": { "src/ui/a.ts": 'import { x } from "../train/session.ts";' },
      "Node in the engine": { "src/data/a.ts": 'import { readFileSync } from "node:fs";' },
      "a package": { "src/core/a.ts": 'import { z } from "zod";' },
      "shader text": { "src/ops/a.ts": 'import text from "../../shaders/add.wgsl?raw";' },
      tests: { "src/cli/a.ts": 'import { x } from "../../test/support/gpu.ts";' },
      "an unknown folder": { "src/util/a.ts": "" },
    },
  },
  {
    name: "one stem, four folders",
    check: stemProblems,
    good: { ...ADD, "src/ops/index.ts": "", "src/ops/linear.ts": "" },
    bad: {
      "no op": without("src/ops/add.ts"),
      "no reference": without("test/reference/add.ts"),
      "no test": without("test/ops/add.test.ts"),
      "no shader": without("shaders/add.wgsl"),
      "another op's shader": { ...ADD, "src/ops/sub.ts": 'const k = { stem: "add" };' },
      "a test without op": { ...ADD, "test/ops/sub.test.ts": "" },
    },
  },
  {
    name: "files have at most 300 lines",
    check: lengthProblems,
    good: { "src/core/a.ts": "x\n".repeat(300), "package-lock.json": "x\n".repeat(9000) },
    bad: { source: { "src/core/a.ts": "x\n".repeat(301) }, shader: { "shaders/lib/a.wgsl": "x\n".repeat(301) } },
  },
  {
    name: "no default exports, no any",
    check: languageProblems,
    good: {
      "src/core/a.ts": 'const text = "as any: any"; // export default, (x: any)\nexport const company = 1;',
      "test/support/global-setup.ts": "export default function setup() {}",
    },
    bad: {
      default: { "src/core/a.ts": "export default 1;" },
      renamed: { "src/core/a.ts": "export { a as default };" },
      cast: { "test/a.test.ts": "const a = b as any;" },
      parameter: { "src/core/a.ts": "function f(x: any) {}" },
      argument: { "src/core/a.ts": "const m = new Map<string, any>();" },
      array: { "src/core/a.ts": "let m: any[];" },
      JSDoc: { "src/cli/a.mjs": "/** @param {Record<string, any>} x */" },
    },
  },
  {
    name: "nothing is left for later",
    check: unfinishedProblems,
    good: { "src/core/a.ts": "// autodoc" },
    bad: { comment: { "src/core/a.ts": `// ${"TO"}DO: later` }, shader: { "shaders/a.wgsl": `// ${"FIX"}ME` } },
  },
  {
    name: "shaders begin with their six lines and are plain text",
    check: shaderProblems,
    good: { "shaders/add.wgsl": HEADER, "shaders/lib/weight.wgsl": "// pieces need none" },
    bad: {
      "no header": { "shaders/add.wgsl": "@compute fn main() {}" },
      "another order": { "shaders/add.wgsl": HEADER.split("\n").reverse().join("\n") },
      "a line missing": { "shaders/add.wgsl": HEADER.replace(/\/\/ tiling.*\n/, "") },
      "another name": { "shaders/sub.wgsl": HEADER.replace("reference/add", "reference/sub") },
      "another reference": { "shaders/add.wgsl": HEADER.replace("reference/add", "reference/sub") },
      template: { "shaders/lib/a.wgsl": `const N = ${"$"}{n}u;` },
    },
  },
  {
    name: "every source file is compiled in exactly one environment",
    check: environmentProblems,
    good: {
      "tsconfig.base.json": "{}",
      "tsconfig.engine.json": '{\n  // why\n  "include": ["src"], "exclude": ["src/cli"] }',
      "tsconfig.cli.json": '{ "include": ["src/cli", "test"] }',
      "src/core/a.ts": "",
      "src/cli/a.mjs": "",
      "test/a.test.ts": "",
    },
    bad: {
      none: { "tsconfig.cli.json": '{ "include": ["src/cli"] }', "src/core/a.ts": "" },
      two: {
        "tsconfig.a.json": '{ "include": ["src"] }',
        "tsconfig.b.json": '{ "include": ["src/b"] }',
        "src/b/a.ts": "",
      },
    },
  },
  {
    name: "no paths of one machine, no registry hosts",
    check: placeProblems,
    good: { "README.md": "https://www.npmjs.com/package/webgpu, /usr/bin/chromium, https://huggingface.co/org/model" },
    bad: {
      workspace: { "README.md": place("", "work", "main", "src") },
      home: { "src/core/a.ts": `"${place("", "home", "me")}"` },
      Mac: { "test/a.test.ts": `"${place("", "Users", "me")}"` },
      temporary: { "test/a.test.ts": `"${place("", "tmp", "x")}"` },
      registry: { "package-lock.json": `"${place("https:", "", "registry.example.org", "a.tgz")}"` },
      lock: { "package-lock.json": `"${"resolved"}": "x"` },
    },
  },
];

describe.each(RULES)("$name", ({ check, good, bad }) => {
  it("holds in this repository", () => {
    expect(check(tree)).toEqual([]);
  });

  it("finds nothing in a tree that keeps the rule", () => {
    expect(check(treeOf(good))).toEqual([]);
  });

  it.each(Object.entries(bad))("finds: %s", (_, files) => {
    expect(check(treeOf(files))).toHaveLength(1);
  });
});

it("reads every kind of import", () => {
  const text = `import a from "a"; import "b"; import { c,\n d } from 'c'; export * from "d"; import type { E } from "e";
    const f = import("f"); new URL("./g.ts", import.meta.url); // import "h"
    const i = "from nothing"; import j, { k } from "j";`;
  expect(importsOf(text).sort()).toEqual(["./g.ts", "a", "b", "c", "d", "e", "f", "j"]);
});
