/** `npm start`: builds the page when it changed, serves it until Ctrl-C, and opens it in the browser. */
import { parseArgs } from "node:util";
import { buildPage } from "./build.mjs";
import { openBrowser } from "./open-browser.mjs";
import { LaunchError, say } from "./report.mjs";
import { serve } from "./serve.mjs";

/**
 * "LORI" on a telephone's keys. Browsers keep what a page stores by its address, port included, so the port is always
 * the same, and is not one that other projects use too.
 */
export const PORT = 5674;

const HELP = `npm start [-- --port N] [-- --no-open]

  --port N    serve on this port (default: ${PORT}, or the next free one)
  --no-open   do not open the browser
`;

/**
 * @param {string[]} args
 * @returns {Promise<import("./spawn.mjs").Ending>} when the person stops it
 */
export async function runPage(args) {
  const { port, open, help } = pageOptions(args);
  if (help) {
    process.stdout.write(HELP);
    return { code: 0, signal: null };
  }
  const server = await serveOn(await buildPage(), port);
  if (port === undefined && server.port !== PORT) {
    say(`port ${PORT} is taken; what the page keeps (models, runs) belongs to its address, so it starts empty here`);
  }
  process.stdout.write(`Lorikeet is at ${server.address} (Ctrl-C stops it)\n`);
  if (open) openBrowser(server.address);
  await stopped();
  await server.close();
  return { code: 0, signal: null };
}

/**
 * @param {string[]} args
 * @returns {{ port: number | undefined, open: boolean, help: boolean }}
 */
export function pageOptions(args) {
  const { port: wish, ...flags } = parse(args);
  const port = wish === undefined ? undefined : Number(wish);
  if (port !== undefined && !(wish?.match(/^\d+$/) && port <= 65_535)) {
    throw new LaunchError(`--port: expected a whole number from 0 to 65535, got "${wish}"`);
  }
  return { port, open: !flags["no-open"], help: flags.help ?? false };
}

/** @param {string[]} args */
function parse(args) {
  try {
    const flag = /** @type {const} */ ({ type: "boolean" });
    const options = { port: /** @type {const} */ ({ type: "string" }), "no-open": flag, help: flag };
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new LaunchError(
      error instanceof Error ? error.message : String(error),
      "npm start -- --help lists the flags",
    );
  }
}

/**
 * @param {string} folder
 * @param {number | undefined} port one that was asked for is taken or refused, never exchanged
 */
async function serveOn(folder, port) {
  try {
    return await serve(folder, port === undefined ? { port: PORT } : { port, strictPort: port !== 0 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LaunchError(`the page cannot be served: ${why}`, "without --port the next free one is taken");
  }
}

/** Resolves at the first Ctrl-C or request to end. */
function stopped() {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, resolve);
  });
}
