/**
 * Writes the demo's generated files. Run from the repository root:
 *   npx vite build --ssr src/cli/demo/write.ts --outDir dist/demo
 *   node dist/demo/write.js public/demo                the sample dataset and the probe questions
 *   node dist/demo/write.js dist/demo/corpus 72000 22  the corpus (documents, seed) and the held-out checks
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configError } from "../../core/errors.ts";
import { demoFiles, trainingFiles } from "../../demo/generate.ts";

const [folder, ...counts] = process.argv.slice(2);
const [documents, seed] = counts.map(Number);
const isCount = (value: number | undefined) => Number.isSafeInteger(value) && value! > 0;
if (folder === undefined || (counts.length > 0 && !(counts.length === 2 && isCount(documents) && isCount(seed)))) {
  throw configError(`write: expected FOLDER [DOCUMENTS SEED], got ${JSON.stringify(process.argv.slice(2))}`);
}
const files = counts.length === 0 ? demoFiles() : trainingFiles(documents!, seed!);
await mkdir(folder, { recursive: true });
for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
