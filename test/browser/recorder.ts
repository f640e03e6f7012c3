/** Makes pages of a built site keep what goes wrong in them, for browsers whose console a test cannot read. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const NAME = "recorder.js";

/** Runs in the page before anything else of it. */
const RECORDER = `
globalThis.problems = [];
const record = (kind, what) => problems.push(kind + ": " + (what?.message ?? String(what)));
addEventListener("error", (event) => record("exception", event.error ?? event.message ?? event.target?.src), true);
addEventListener("unhandledrejection", (event) => record("rejection", event.reason));
document.addEventListener("securitypolicyviolation", (event) => record("policy", event.blockedURI));
const { error } = console;
console.error = (...what) => { record("console", what.join(" ")); error(...what); };
`;

/** The expression that gives the problems so far. */
export const PROBLEMS = "globalThis.problems";

/**
 * Adds the recorder to pages of the site in `folder`, a copy.
 * @throws Error for a page without a charset, behind which it stands
 */
export function addRecorder(folder: string, pages: readonly string[]): void {
  writeFileSync(path.join(folder, NAME), RECORDER);
  for (const page of pages) {
    const file = path.join(folder, page);
    const html = readFileSync(file, "utf8");
    const up = "../".repeat(page.split("/").length - 1);
    const changed = html.replace(
      /<meta charset="utf-8" \/>/,
      (found) => `${found}<script src="${up}${NAME}"></script>`,
    );
    if (changed === html) throw new Error(`${page}: expected <meta charset="utf-8" />`);
    writeFileSync(file, changed);
  }
}
