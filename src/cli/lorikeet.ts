/** `lorikeet`: finds the command, runs it, and turns whatever it throws into a line a person can act on. */
import { LorikeetError } from "../core/errors.ts";
import { commandHelp, programHelp, selectCommand, wantsHelp } from "./args.ts";
import { bench } from "./commands/bench.ts";
import { combine } from "./commands/combine.ts";
import { convert } from "./commands/convert.ts";
import { demo } from "./commands/demo.ts";
import { diagnosis } from "./commands/diagnose.ts";
import { evaluation } from "./commands/eval.ts";
import { findRateCommand } from "./commands/find-rate.ts";
import { fuse } from "./commands/fuse.ts";
import { generation } from "./commands/generate.ts";
import { handoff } from "./commands/handoff.ts";
import { inspect } from "./commands/inspect.ts";
import { logits } from "./commands/logits.ts";
import type { Runnable } from "./commands/runnable.ts";
import { train } from "./commands/train.ts";
import { INTERRUPTED, type Io, processIo } from "./io.ts";
import { packageVersion } from "./node/package.ts";

/** In the order of the help. */
const COMMANDS: readonly Runnable[] = [
  demo,
  train,
  findRateCommand,
  diagnosis,
  generation,
  evaluation,
  logits,
  inspect,
  convert,
  combine,
  fuse,
  handoff,
  bench,
];

const SUMMARY = "Lorikeet fine-tunes language models with LoRA on WebGPU.";
const MAX_WIDTH = 110;

/** Runs one command line (without the program's name) and returns the exit status. */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    return report(error, io);
  } finally {
    io.close();
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const width = Math.min(io.out.columns ?? 80, MAX_WIDTH);
  const commands = COMMANDS.map(({ command }) => command);
  const [first, second] = argv;
  if (first === "--version" || first === "version") {
    io.out.write(`lorikeet ${packageVersion()}\n`);
    return 0;
  }
  const overview =
    first === "help" ? second === undefined : first === undefined || first === "-h" || first === "--help";
  if (overview) {
    (first === undefined ? io.err : io.out).write(`${programHelp(SUMMARY, commands, width)}\n`);
    return first === undefined ? 1 : 0;
  }
  const { command, rest } = selectCommand(commands, first === "help" ? argv.slice(1) : argv);
  if (first === "help" || wantsHelp(rest)) {
    io.out.write(`${commandHelp(command, width)}\n`);
    return 0;
  }
  return COMMANDS.find((candidate) => candidate.command === command)!.run(rest, io);
}

/** One message on stderr; the stack only for those who ask for it. */
function report(error: unknown, { err }: Io): number {
  if (error instanceof Error && error.name === "AbortError") {
    err.write("stopped\n");
    return INTERRUPTED;
  }
  const { message, hint } = explain(error);
  err.write(`error: ${message}\n`);
  if (hint) err.write(`hint: ${hint}\n`);
  if (process.env.LORIKEET_DEBUG && error instanceof Error) err.write(`${error.stack}\n`);
  return 1;
}

function explain(error: unknown): { message: string; hint: string | undefined } {
  if (error instanceof LorikeetError) return { message: error.message, hint: error.hint };
  // The system's own refusals ("ENOSPC: no space left on device, write") already say what and where.
  if (error instanceof Error && "code" in error && "syscall" in error)
    return { message: error.message, hint: undefined };
  const hint = "This is a fault of Lorikeet; LORIKEET_DEBUG=1 shows where.";
  return { message: error instanceof Error ? error.message : String(error), hint };
}
