/**
 * A small client of W3C WebDriver, for WebKitGTK: `WebKitWebDriver` starts MiniBrowser, which needs a display; without
 * one it gets Xvfb. Only what the tests ask for is here.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import type { Driver } from "./driver.ts";

const DRIVER = "/usr/bin/WebKitWebDriver";
const XVFB = "/usr/bin/Xvfb";
/** Nothing leaves the machine: other hosts are behind a proxy that is not there. */
const NOWHERE = { proxyType: "manual", sslProxy: "127.0.0.1:9" };

/** Why WebKitGTK cannot be driven here, or null. */
export function webKitMissing(): string | null {
  if (!existsSync(DRIVER)) return "webkit2gtk-driver is not installed";
  if (!miniBrowser()) return "WebKitGTK's MiniBrowser is not installed";
  if (!process.env.DISPLAY && !existsSync(XVFB)) return "there is no display, and xvfb is not installed";
  return null;
}

/** Lies in a folder named after the architecture. */
function miniBrowser(): string | undefined {
  const folders = ["/usr/lib", ...subfolders("/usr/lib"), "/usr/libexec"].flatMap((base) =>
    subfolders(base).filter((name) => path.basename(name).startsWith("webkit2gtk-4")),
  );
  return folders.map((folder) => path.join(folder, "MiniBrowser")).find((file) => existsSync(file));
}

const subfolders = (base: string): string[] =>
  existsSync(base)
    ? readdirSync(base, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => path.join(base, entry.name))
    : [];

/** Starts the browser. @throws Error with the driver's words */
export async function startWebKit(): Promise<Driver> {
  const children: ChildProcess[] = [];
  const stop = () => {
    for (const child of children.reverse()) child.kill();
  };
  try {
    const display = process.env.DISPLAY ?? (await startDisplay(children));
    const port = await freePort();
    const env = { ...process.env, DISPLAY: display };
    children.push(spawn(DRIVER, [`--port=${port}`], { env, stdio: "ignore" }));
    const base = `http://127.0.0.1:${port}`;
    await answering(`${base}/status`);
    return await openSession(base, stop);
  } catch (error) {
    stop();
    throw error;
  }
}

async function openSession(base: string, stop: () => void): Promise<Driver> {
  const browser = { binary: miniBrowser(), args: ["--automation"] };
  const capabilities = { alwaysMatch: { proxy: NOWHERE, "webkitgtk:browserOptions": browser } };
  const session = await command<{ sessionId: string; capabilities: { browserVersion: string } }>(
    "POST",
    `${base}/session`,
    { capabilities },
  );
  const at = `${base}/session/${session.sessionId}`;
  return {
    version: session.capabilities.browserVersion,
    goto: (url) => command("POST", `${at}/url`, { url }),
    evaluate: (expression) => command("POST", `${at}/execute/sync`, { script: `return (${expression});`, args: [] }),
    async close() {
      await command("DELETE", at).catch(() => {});
      stop();
    },
  };
}

/** A screen in memory; Xvfb chooses its number and tells it on a pipe. */
async function startDisplay(children: ChildProcess[]): Promise<string> {
  const args = ["-displayfd", "3", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"];
  const child = spawn(XVFB, args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.stdio[3]?.once("data", (text) => resolve(`:${String(text).trim()}`));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`Xvfb ended with status ${code}`)));
  });
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });

async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await fetch(url).catch(() => null)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${DRIVER} does not answer`);
}

async function command<T>(method: string, url: string, body?: object): Promise<T> {
  const response = await fetch(url, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
  if (!response.ok) throw new Error(`WebKit: ${value.error}: ${value.message}`);
  return value;
}
