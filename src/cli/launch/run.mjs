/** The child process of a command: calls `main` of the built program, whose path comes first. */
import { pathToFileURL } from "node:url";

const [program = "", ...argv] = process.argv.slice(2);
const { main } = await import(pathToFileURL(program).href);
const status = await main(argv);
if (typeof status === "number") process.exitCode = status;
