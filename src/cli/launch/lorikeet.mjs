#!/usr/bin/env node
/** The `lorikeet` command: the command line, started with its adapter. */
import { start } from "./start.mjs";

await start(["lorikeet", ...process.argv.slice(2)]);
