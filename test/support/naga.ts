/**
 * The second WGSL compiler: naga, Firefox's, through the WebGPU of Deno. It refuses what only Tint, Chrome's, accepts.
 * Deno comes from npm as a program; it is started once for a whole list of shaders.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../../src/cli/launch/places.mjs";

export interface ShaderModule {
  readonly label: string;
  readonly code: string;
}

export interface Compiled {
  readonly label: string;
  /** naga's messages, or null when the module and a pipeline for each of its entry points were made. */
  readonly error: string | null;
}

/** What the Deno process prints: see naga-deno.ts. */
export interface NagaAnswer {
  readonly adapter: string;
  readonly results: readonly Compiled[];
}

/** The program of npm's `deno`, or null on a platform without one. npm's install scripts do not have to have run. */
export function denoProgram(): string | null {
  const name = os.platform() === "win32" ? "deno.exe" : "deno";
  const libc = os.platform() === "linux" ? "-glibc" : "";
  try {
    const manifest = createRequire(import.meta.url).resolve(`@deno/${os.platform()}-${os.arch()}${libc}/package.json`);
    const program = path.join(path.dirname(manifest), name);
    return existsSync(program) ? program : null;
  } catch {
    return null;
  }
}

/** Compiles every module and makes a compute pipeline for each of its entry points. Throws when Deno itself fails. */
export async function compileWithNaga(modules: readonly ShaderModule[]): Promise<Compiled[]> {
  return [...(await askNaga(modules)).results];
}

/** As `compileWithNaga`, with the adapter that stood behind it. */
export async function askNaga(modules: readonly ShaderModule[]): Promise<NagaAnswer> {
  const program = denoProgram();
  if (!program) throw new Error(`npm's deno has no program for ${os.platform()} ${os.arch()}`);
  const script = fileURLToPath(new URL("naga-deno.ts", import.meta.url));
  const offline = ["--no-remote", "--no-config", "--no-lock", "--no-npm"];
  const args = ["run", "--quiet", "--unstable-webgpu", "--allow-all", ...offline, script];
  const output = await run(program, args, JSON.stringify(modules));
  return JSON.parse(output);
}

/** Resolves to stdout; rejects with what was printed to stderr. */
function run(program: string, args: readonly string[], input: string): Promise<string> {
  const folder = cacheFolder();
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1", ...(folder ? { DENO_DIR: path.join(folder, "deno") } : {}) };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: "pipe" });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new Error(`deno ended with ${signal ?? `status ${code}`}:\n${err}${out}`));
    });
    child.stdin.end(input);
  });
}
