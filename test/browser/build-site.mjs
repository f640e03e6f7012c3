/**
 * Builds the page together with the pages of test/browser/page:  node test/browser/build-site.mjs FOLDER
 *
 * A process of its own, without the NODE_ENV of the tests, which would make it a build with the development React.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import { build } from "vite";
import { root } from "../../src/cli/launch/places.mjs";

const [outDir = ""] = process.argv.slice(2);
const pages = path.join(root, "test", "browser", "page");
const tests = readdirSync(pages).filter((name) => name.endsWith(".html"));
const input = [path.join(root, "index.html"), ...tests.map((name) => path.join(pages, name))];
await build({
  root,
  logLevel: "warn",
  // Fixtures stay files: the policy lets nobody fetch a data address.
  build: { outDir, emptyOutDir: true, assetsInlineLimit: 0, rolldownOptions: { input } },
});
