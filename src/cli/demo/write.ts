/**
 * Writes the demo's generated files. Run from the repository root:
 *   npx vite build --ssr src/cli/demo/write.ts --outDir dist/demo
 *   node dist/demo/write.js public/demo                the sample dataset and the probe questions
 *   node dist/demo/write.js dist/demo/corpus 84000     the corpus (number of documents) and the held-out checks
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configError } from "../../core/errors.ts";
import { demoFiles, trainingFiles } from "../../demo/generate.ts";

const [folder, count] = process.argv.slice(2);
const documents = Number(count);
if (folder === undefined || (count !== undefined && !(Number.isSafeInteger(documents) && documents > 0))) {
  throw configError(`write: expected FOLDER [DOCUMENTS], got ${JSON.stringify(process.argv.slice(2))}`);
}
const files = count === undefined ? demoFiles() : trainingFiles(documents);
await mkdir(folder, { recursive: true });
for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
