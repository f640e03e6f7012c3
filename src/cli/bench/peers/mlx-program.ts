/** mlx-lm as a child process: found on the PATH, told what to train by a configuration, read line by line. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { configError, modelError } from "../../../core/errors.ts";

/** How mlx-lm's trainer is started here. */
export type MlxCommand = readonly [program: string, ...args: string[]];

/** One line of mlx-lm's report on training. */
export interface MlxReport {
  readonly iteration: number;
  readonly loss: number;
  readonly iterationsPerSecond: number;
  /** Of tokens that carry loss. */
  readonly tokensPerSecond: number;
  /** Of 10⁹ bytes. */
  readonly peakGigabytes: number;
}

const ENTRIES: readonly MlxCommand[] = [["mlx_lm.lora"], ["python3", "-m", "mlx_lm", "lora"]];
const HINT = "On a Mac with an Apple chip: pip install mlx-lm, and start again where `mlx_lm.lora --help` works.";

/** Lines of the child's output that an error quotes. */
const QUOTED = 5;

/** The first entry that answers. Throws ConfigError with what to do when none does. */
export async function findMlx(signal: AbortSignal): Promise<MlxCommand> {
  for (const entry of ENTRIES) {
    const { code } = await runLines([...entry, "--help"], signal, () => {});
    if (code === 0) return entry;
  }
  throw configError("mlx-lm was not found: neither mlx_lm.lora nor python3 -m mlx_lm answers", HINT);
}

/**
 * Trains as `config` (a JSON file, which YAML readers read) says; returns what it reported. Aborting `signal` ends the
 * child at once. Throws ModelError with the child's last words when it fails or reports nothing.
 */
export async function runMlx(
  command: MlxCommand,
  config: string,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<MlxReport[]> {
  const reports: MlxReport[] = [];
  const { code, last } = await runLines([...command, "--config", config], signal, (line) => {
    const report = readReport(line);
    if (report) reports.push(report);
    onLine(line);
  });
  if (code !== 0) throw modelError(`mlx-lm ended with status ${code}: ${last.join(" | ")}`);
  if (reports.length === 0) throw modelError(`mlx-lm reported no training: ${last.join(" | ") || "it said nothing"}`);
  return reports;
}

/** "Iter 10: Train loss 2.123, Learning Rate 1.000e-05, It/sec 1.234, Tokens/sec 456.7, …" → its numbers. */
export function readReport(line: string): MlxReport | null {
  const found =
    /Iter (\d+): Train loss ([^,\s]+),.*?It\/sec ([^,\s]+), Tokens\/sec ([^,\s]+)(?:,.*?Peak mem ([^,\s]+) GB)?/.exec(
      line,
    );
  if (!found) return null;
  const [iteration, loss, iterationsPerSecond, tokensPerSecond, peakGigabytes] = found.slice(1).map(Number);
  return {
    iteration: iteration!,
    loss: loss!,
    iterationsPerSecond: iterationsPerSecond!,
    tokensPerSecond: tokensPerSecond!,
    peakGigabytes: peakGigabytes!,
  };
}

/** Runs a program to its end; `code` is null where there is no such program, or a signal ended it. */
async function runLines(
  [program, ...args]: MlxCommand,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<{ code: number | null; last: readonly string[] }> {
  signal.throwIfAborted();
  const last: string[] = [];
  // Killed outright: it has nothing to save, and must never outlive the bench.
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], signal, killSignal: "SIGKILL" });
  const take = (line: string) => {
    if (line.trim() === "") return;
    last.push(line.trim());
    if (last.length > QUOTED) last.shift();
    onLine(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", take);
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return { code, last };
  } catch (error) {
    // Of the abort, or of a program that could not be started.
    signal.throwIfAborted();
    return { code: null, last: [String(error)] };
  } finally {
    process.off("exit", kill);
  }
}
