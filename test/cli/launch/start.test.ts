/** The launcher as a process of its own: exit status, messages, signals, and the digest that decides on a build. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { COMMAND_LINE, PAGE } from "../../../src/cli/launch/build.mjs";
import { digestOf } from "../../../src/cli/launch/digest.mjs";
import { cacheCandidates, cacheFolder, canWrite } from "../../../src/cli/launch/places.mjs";
import { runQuietly } from "../../../src/cli/launch/spawn.mjs";

const launcher = (name: string) => fileURLToPath(new URL(`../../../src/cli/launch/${name}`, import.meta.url));

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lorikeet-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};

/** A program that runs `child` in the foreground and ends as it ends. */
const foreground = (child: string) =>
  write(
    "parent.mjs",
    `import { endLike, runInForeground } from ${JSON.stringify(launcher("spawn.mjs"))};
     endLike(await runInForeground(process.execPath, [${JSON.stringify(write("child.mjs", child))}]));`,
  );

describe("a command in the foreground", () => {
  it("passes the exit status on", async () => {
    expect(await runQuietly(process.execPath, [foreground("process.exit(7)")])).toMatchObject({ code: 7 });
    expect(await runQuietly(process.execPath, [foreground("")])).toMatchObject({ code: 0 });
  });

  it("dies of the signal that the child died of", async () => {
    const parent = foreground('process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)');
    expect(await runQuietly(process.execPath, [parent])).toMatchObject({ signal: "SIGKILL" });
  });

  it("hands signals to the child, which ends in its own way", async () => {
    const child = 'process.on("SIGINT", () => process.exit(9)); console.log("ready"); setInterval(() => {}, 1000)';
    const parent = spawn(process.execPath, [foreground(child)], { stdio: ["ignore", "pipe", "inherit"] });
    parent.stdout.once("data", () => parent.kill("SIGINT"));
    expect(await new Promise((resolve) => parent.once("close", resolve))).toBe(9);
  });
});

describe("start.mjs", () => {
  it("refuses an unknown mode", async () => {
    const { code, stderr } = await runQuietly(process.execPath, [launcher("start.mjs"), "dance"]);
    expect(code).toBe(1);
    expect(stderr).toContain('unknown mode "dance", expected page, test, demo or lorikeet');
  });
});

describe("run.mjs", () => {
  it.each([
    ["export const main = async () => 3;", 3],
    ["export const main = () => {};", 0],
    ["export const main = (argv) => argv.length;", 2],
    ['export const main = async () => { throw new Error("x"); };', 1],
  ])("%s ends with status %i", async (program, status) => {
    const { code } = await runQuietly(process.execPath, [launcher("run.mjs"), write("main.mjs", program), "a", "b"]);
    expect(code).toBe(status);
  });
});

describe("the digest of the sources", () => {
  it("changes with a file's text or name, for the command line not with the page or the launcher", () => {
    write("src/core/a.ts", "1");
    const before = digestOf(folder, COMMAND_LINE);
    write("src/ui/main.tsx", "1");
    write("src/cli/launch/start.mjs", "1");
    expect(digestOf(folder, COMMAND_LINE)).toBe(before);
    write("shaders/a.wgsl", "1");
    const added = digestOf(folder, COMMAND_LINE);
    expect(added).not.toBe(before);
    write("shaders/a.wgsl", "2");
    expect(digestOf(folder, COMMAND_LINE)).not.toBe(added);
  });

  it.each(["src/ui/a.css", "src/core/a.ts", "public/demo/a.json", "index.html", "vite/sw.ts", "vite.config.ts"])(
    "changes for the page with %s",
    (name) => {
      const before = digestOf(folder, PAGE);
      write("src/cli/args.ts", "1");
      expect(digestOf(folder, PAGE)).toBe(before);
      write(name, "1");
      expect(digestOf(folder, PAGE)).not.toBe(before);
    },
  );

  it("changes with values that decide on the build, the Hub's address for one", () => {
    expect(digestOf(folder, { ...PAGE, values: ["https://mirror.example"] })).not.toBe(digestOf(folder, PAGE));
  });
});

describe("the cache", () => {
  it("lies beside the packages, else in the user's cache, else with temporary files", () => {
    mkdirSync(path.join(folder, "node_modules"));
    expect(cacheFolder(folder, {})).toBe(path.join(folder, "node_modules", ".cache", "lorikeet"));
    expect(cacheCandidates(path.join(folder, "none"), { XDG_CACHE_HOME: "/x", HOME: "/me" })[0]).toBe("/x/lorikeet");
    expect(cacheCandidates(path.join(folder, "none"), { HOME: "/me" })[0]).toBe("/me/.cache/lorikeet");
    expect(cacheCandidates(path.join(folder, "none"), {})).toHaveLength(1);
  });

  it("passes over what is no folder", () => {
    write("node_modules/.cache", "a file");
    expect(cacheFolder(folder, { HOME: folder })).toBe(path.join(folder, ".cache", "lorikeet"));
    expect(canWrite(path.join(folder, "not", "yet"))).toBe(true);
  });
});
