/** `npm start`: its flags, its server, and which program opens the browser. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { browserCommand } from "../../../src/cli/launch/open-browser.mjs";
import { PORT, pageOptions } from "../../../src/cli/launch/page.mjs";
import { root } from "../../../src/cli/launch/places.mjs";
import { readHeaders, serve } from "../../../src/cli/launch/serve.mjs";
import { securityHeaders } from "../../../vite/headers.ts";
import { hubAddress } from "../../../vite/hub.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lorikeet-page-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);

describe("the flags", () => {
  it("are a port and whether to open the browser", () => {
    expect(pageOptions([])).toEqual({ port: undefined, open: true, help: false });
    expect(pageOptions(["--port", "8080", "--no-open"])).toEqual({ port: 8080, open: false, help: false });
    expect(pageOptions(["--port=0"])).toMatchObject({ port: 0 });
  });

  it.each([["--port", "x"], ["--port", "70000"], ["--port", "-1"], ["--port=1.5"], ["--prot"], ["8080"]])(
    "refuse %s %s",
    (...args) => {
      expect(() => pageOptions(args.filter((arg) => arg !== undefined))).toThrow();
    },
  );
});

describe("the browser is opened by", () => {
  it.each([
    ["darwin", {}, ["open", "http://x/"]],
    ["win32", {}, ["cmd", "/c", "start", '""', "http://x/"]],
    ["linux", { DISPLAY: ":0" }, ["xdg-open", "http://x/"]],
    ["linux", { WAYLAND_DISPLAY: "wayland-0" }, ["xdg-open", "http://x/"]],
    ["linux", {}, null],
  ])("%s %o: %j", (platform, env, command) => {
    expect(browserCommand("http://x/", platform, env)).toEqual(command);
  });
});

describe("the headers of a site", () => {
  it("are read from its _headers", () => {
    write("_headers", "/*\n  A-Name: a value: with, signs\n  Other: 1\n");
    expect(readHeaders(folder)).toEqual({ "A-Name": "a value: with, signs", Other: "1" });
  });

  it("are none without the file, and refused when they are for some files only", () => {
    expect(readHeaders(folder)).toEqual({});
    write("_headers", "/assets/*\n  A: 1\n");
    expect(() => readHeaders(folder)).toThrow(/expected/);
    write("_headers", "/*\nA: 1\n");
    expect(() => readHeaders(folder)).toThrow(/expected/);
  });
});

describe("the server", () => {
  it("sends the headers with every file, in a folder of the host, and 404 for the rest", async () => {
    write("index.html", "<!doctype html>page");
    write("a.js", "1");
    write("_headers", "/*\n  Referrer-Policy: no-referrer\n");
    const { address, close } = await serve(folder, { basePath: "/a/b/" });
    expect(address).toMatch(/^http:\/\/localhost:\d+\/a\/b\/$/);
    for (const name of ["", "index.html", "a.js"]) {
      const response = await fetch(address + name);
      expect([response.status, response.headers.get("referrer-policy")]).toEqual([200, "no-referrer"]);
    }
    expect((await fetch(`${address}none`)).status).toBe(404);
    expect((await fetch(new URL("/a.js", address))).status).toBe(404);
    await close();
  });

  it("takes the next port unless that one was asked for", async () => {
    write("index.html", "<!doctype html>");
    const first = await serve(folder);
    const next = await serve(folder, { port: first.port });
    expect(next.port).toBeGreaterThan(first.port);
    await expect(serve(folder, { port: first.port, strictPort: true })).rejects.toThrow(/in use/);
    await Promise.all([first.close(), next.close()]);
  });
});

describe("npm start", () => {
  it("builds the page, serves it with its headers and ends with Ctrl-C", async () => {
    const launcher = fileURLToPath(new URL("../../../src/cli/launch/start.mjs", import.meta.url));
    const args = [launcher, "page", "--port", "0", "--no-open"];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise((resolve) => child.once("close", resolve));
    const said = await new Promise<string>((resolve) => child.stdout.once("data", (text) => resolve(String(text))));
    const address = /http:\/\/localhost:\d+\//.exec(said)?.[0] ?? "";
    expect(said).toBe(`Lorikeet is at ${address} (Ctrl-C stops it)\n`);

    const page = await fetch(address);
    expect(await page.text()).toContain("<title>Lorikeet</title>");
    for (const [name, value] of Object.entries(securityHeaders(hubAddress())))
      expect(page.headers.get(name)).toBe(value);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
  });

  it("has a port of its own, not a tool's", () => {
    expect([3000, 4173, 5173, 8000, 8080]).not.toContain(PORT);
  });
});
