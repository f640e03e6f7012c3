/** The page is light: what a first visit loads is bounded. The worker and the demo model come later, and are only told. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { root } from "../../src/cli/launch/places.mjs";
import { runQuietly } from "../../src/cli/launch/spawn.mjs";
import { initialScripts, type Size, sizeOf, workerScripts } from "./size.ts";

const LIMIT = 250 * 1024;

const told = ({ bytes, gzipped }: Size) =>
  `${(gzipped / 1024).toFixed(1)} KiB gzipped (${(bytes / 1024).toFixed(1)} KiB)`;

it("loads at most 250 KiB of scripts first, gzipped", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "lorikeet-size-"));
  try {
    const vite = path.join(root, "node_modules", "vite", "bin", "vite.js");
    const args = [vite, "build", "--outDir", folder, "--emptyOutDir", "--logLevel", "warn"];
    const env = { ...process.env, NODE_ENV: "production" };
    const { code, stderr } = await runQuietly(process.execPath, args, { cwd: root, env });
    expect(code, stderr).toBe(0);

    const read = (name: string) => readFileSync(path.join(folder, name), "utf8");
    const scripts = initialScripts("index.html", read);
    const workers = workerScripts(scripts, read);
    expect(scripts.length).toBeGreaterThan(0);
    expect(workers.length).toBeGreaterThan(0);
    const page = sizeOf(folder, scripts);
    console.log(`page: ${told(page)}; workers: ${told(sizeOf(folder, workers))}`);
    expect(page.gzipped).toBeLessThan(LIMIT);
    expect(scripts).not.toEqual(expect.arrayContaining(workers));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("counts every static import, each once, and nothing that is loaded later", () => {
  const files: Record<string, string> = {
    "index.html":
      '<link rel="modulepreload" crossorigin href="./assets/react.js"><script type="module" src="./assets/index.js"></script>',
    "assets/index.js":
      'import{a as b}from"./react.js";import"./side.js";export*from"./again.js";import("./lazy.js");te=new URL(`worker.js`,import.meta.url).href;new URL("service.js",base);',
    "assets/react.js": 'export const text="from \\"./nothing.js\\"";',
    "assets/side.js": "import c,{d}from'../deep/e.js';",
    "assets/again.js": 'import{x}from"./index.js";',
    "assets/worker.js": 'import"./shared.js";',
    "assets/shared.js": "",
    "deep/e.js": "",
  };
  const read = (name: string) => files[name] ?? expect.fail(name);
  const names = initialScripts("index.html", read);
  expect(names).toEqual(["assets/again.js", "assets/index.js", "assets/react.js", "assets/side.js", "deep/e.js"]);
  expect(workerScripts(names, read)).toEqual(["assets/shared.js", "assets/worker.js"]);
});
