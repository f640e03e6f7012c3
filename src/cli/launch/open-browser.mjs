/** Opens an address in the person's own browser, where there is one; a server or a container simply has none. */
import { spawn } from "node:child_process";

/**
 * The command that opens an address, or null where nobody sits in front of a screen.
 * @param {string} address
 * @param {string} platform as process.platform
 * @param {NodeJS.ProcessEnv} env
 * @returns {readonly [program: string, ...args: string[]] | null}
 */
export function browserCommand(address, platform, env) {
  if (platform === "darwin") return ["open", address];
  // "start" is a word of cmd; its first quoted argument is the window's title.
  if (platform === "win32") return ["cmd", "/c", "start", '""', address];
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ["xdg-open", address] : null;
}

/**
 * Does not wait, and never fails: the address is on the terminal too.
 * @param {string} address
 */
export function openBrowser(address) {
  const command = browserCommand(address, process.platform, process.env);
  if (!command) return;
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: "ignore", detached: true, windowsVerbatimArguments: true });
  child.once("error", () => {});
  child.unref();
}
