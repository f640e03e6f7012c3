/** A command with what it does: parsing stands before it, errors are printed after it. */

import { type Command, type ParsedFlags, parseFlags } from "../args.ts";
import type { Io } from "../io.ts";

export interface Runnable {
  readonly command: Command;
  /** Returns the exit status. `argv` is what stands after the command's name. */
  run(argv: readonly string[], io: Io): Promise<number>;
}

export function runnable<const C extends Command>(
  command: C,
  action: (parsed: ParsedFlags<C>, io: Io) => Promise<number>,
): Runnable {
  return { command, run: async (argv, io) => action(parseFlags(command, argv), io) };
}
