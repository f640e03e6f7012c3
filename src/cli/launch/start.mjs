/**
 * Starts Lorikeet on a bare machine:  node src/cli/launch/start.mjs <page | test | demo | lorikeet> [arguments]
 *
 * Installs the packages when they are missing and builds what is needed. The page is served from here. For the tests and
 * the command line it finds a WebGPU adapter and runs them in a child process, since the choice of a Vulkan driver has
 * to stand in the environment before a process starts. Up to the installation only Node's own modules are used.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { install } from "./install.mjs";
import { root } from "./places.mjs";
import { LaunchError, say } from "./report.mjs";
import { endLike, runInForeground } from "./spawn.mjs";

const NODE_NEEDED = [20, 19];

/** Commands of the command line that open no GPU: they start without a search for one. */
const WITHOUT_GPU = ["inspect", "convert", "help", "--help", "-h", "version", "--version", undefined];

const MODES = { page: servePage, test: runTests, demo: runDemo, lorikeet: runCommandLine };

/** @param {string[]} argv */
export async function start([mode, ...args]) {
  try {
    requireNode(process.versions.node);
    if (mode !== "page" && mode !== "test" && mode !== "demo" && mode !== "lorikeet") {
      throw new LaunchError(`start.mjs: unknown mode "${mode ?? ""}", expected page, test, demo or lorikeet`);
    }
    await install();
    endLike(await MODES[mode](args));
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    say(error.message);
    if (error.hint) say(`hint: ${error.hint}`);
    process.exitCode = 1;
  }
}

/** @param {string} version */
function requireNode(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantMajor = 0, wantMinor = 0] = NODE_NEEDED;
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return;
  throw new LaunchError(`Node.js ${version} is too old: ${NODE_NEEDED.join(".")} or newer is needed`);
}

/** @param {string[]} args */
async function servePage(args) {
  const { runPage } = await import("./page.mjs");
  return runPage(args);
}

/** @param {string[]} args */
async function runTests(args) {
  const verbose = takeVerbose(args);
  const environment = await adapterEnvironment(verbose);
  const { describeBrowser, findChromium } = await import("./chromium.mjs");
  say(describeBrowser(await findChromium({ verbose })));
  const { runChecks } = await import("./checks.mjs");
  await runChecks();
  const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
  return runInForeground(process.execPath, [vitest, "run", ...args], { cwd: root, env: environment });
}

/** @param {string[]} args */
function runDemo(args) {
  return runCommandLine(["demo", ...args]);
}

/** @param {string[]} args */
async function runCommandLine(args) {
  const needsGpu = !WITHOUT_GPU.includes(args[0]) && !args.includes("--help");
  const environment = needsGpu ? await adapterEnvironment(args.includes("--verbose")) : process.env;
  const { buildCommandLine } = await import("./build.mjs");
  const program = await buildCommandLine();
  const runner = fileURLToPath(new URL("run.mjs", import.meta.url));
  return runInForeground(process.execPath, ["--enable-source-maps", runner, program, ...args], { env: environment });
}

/** This process's environment with the choice of adapter added. @param {boolean} verbose */
async function adapterEnvironment(verbose) {
  const { chooseAdapter, describeChoice } = await import("./vulkan.mjs");
  const choice = await chooseAdapter({ verbose });
  say(describeChoice(choice));
  return { ...process.env, ...choice.environment, LORIKEET_ADAPTER: choice.name };
}

/** `npm test -- --verbose` is for the launcher; vitest has no such flag. @param {string[]} args */
function takeVerbose(args) {
  const at = args.indexOf("--verbose");
  if (at >= 0) args.splice(at, 1);
  return at >= 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await start(process.argv.slice(2));
