/** Child processes: one that takes over the terminal, and one whose output is kept. */
import { spawn } from "node:child_process";

/** @type {NodeJS.Signals[]} */
const PASSED_ON = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a program in the foreground: it inherits stdin, stdout and stderr, gets the signals that this process gets,
 * and its way of ending is returned.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<Ending>}
 *
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null }} Ending
 */
export function runInForeground(program, args, options = {}) {
  const child = spawn(program, args, { stdio: "inherit", ...options });
  /** @param {NodeJS.Signals} signal */
  const pass = (signal) => {
    // A terminal sends Ctrl-C to the whole group, so the child has it already; twice would mean "at once" to it.
    if (signal === "SIGINT" && process.stdin.isTTY) return;
    child.kill(signal);
  };
  for (const signal of PASSED_ON) process.on(signal, pass);

  return new Promise((resolve, reject) => {
    const settle = () => {
      for (const signal of PASSED_ON) process.off(signal, pass);
    };
    child.once("error", (error) => {
      settle();
      reject(error);
    });
    child.once("close", (code, signal) => {
      settle();
      resolve({ code, signal });
    });
  });
}

/**
 * Ends this process as the child ended: same exit status, or the same signal.
 * @param {Ending} ending
 */
export function endLike({ code, signal }) {
  if (signal) process.kill(process.pid, signal);
  process.exitCode = code ?? 1;
}

/**
 * Runs a program to its end and keeps what it printed. After `timeout` milliseconds it is killed.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions & { timeout?: number }} [options]
 * @returns {Promise<Ending & { stdout: string, stderr: string, timedOut: boolean }>}
 */
export function runQuietly(program, args, { timeout, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const out = { stdout: "", stderr: "", timedOut: false };
    child.stdout?.setEncoding("utf8").on("data", (text) => {
      out.stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text) => {
      out.stderr += text;
    });
    const timer = timeout
      ? setTimeout(() => {
          out.timedOut = true;
          child.kill("SIGKILL");
        }, timeout)
      : undefined;
    /** @param {Ending} ending */
    const finish = (ending) => {
      clearTimeout(timer);
      resolve({ ...ending, ...out });
    };
    child.once("error", (error) => {
      out.stderr += error.message;
      finish({ code: 127, signal: null });
    });
    child.once("close", (code, signal) => finish({ code, signal }));
  });
}
