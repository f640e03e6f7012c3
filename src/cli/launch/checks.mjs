/** What `npm test` checks before it runs the tests: types, environment by environment, then lint and format. */
import path from "node:path";
import { root } from "./places.mjs";
import { LaunchError, say, seconds } from "./report.mjs";
import { runInForeground } from "./spawn.mjs";

const tool = (/** @type {string[]} */ ...parts) => path.join(root, "node_modules", ...parts);

/** @type {readonly { name: string, args: string[] }[]} */
const CHECKS = [
  ...["engine", "cli", "ui"].map((part) => ({
    name: `types of the ${part}`,
    args: [tool("typescript", "bin", "tsc"), "-p", `tsconfig.${part}.json`],
  })),
  { name: "lint", args: [tool("@biomejs", "biome", "bin", "biome"), "check", "--diagnostic-level=warn", "."] },
];

/** Throws LaunchError at the first check that fails; its output is on the terminal by then. */
export async function runChecks() {
  const start = performance.now();
  for (const { name, args } of CHECKS) {
    const { code } = await runInForeground(process.execPath, args, { cwd: root, stdio: ["inherit", 2, 2] });
    if (code !== 0) throw new LaunchError(`${name}: failed, see above; the tests were not run`);
  }
  say(`checks: ${CHECKS.map(({ name }) => name).join(", ")}: ok (${seconds(start)})`);
}
