/**
 * Finds a browser for the tests of the page: one that starts, and gives WebGPU. On a Mac the installed one, on Linux
 * an installed one or the headless Chromium packaged with npm, which brings the system libraries it needs.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { cacheFolder } from "./places.mjs";
import { say } from "./report.mjs";
import { archives, unpackOnce, unpackProgram, unpackTar } from "./unpack.mjs";

/**
 * How to start a browser: `env` is added to the environment.
 * @typedef {{ name: string, executablePath: string, env: Record<string, string> }} Browser
 * @typedef {Browser & { version: string, adapter: string }} FoundBrowser
 */

const START_TIMEOUT = 60_000;

/** Nothing leaves the machine while tests run; the page's origin is localhost. */
const QUIET = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
  "--no-first-run",
  "--no-default-browser-check",
];

/** On Linux always the software adapter that every Chromium carries: a GPU needs flags that differ by driver. */
const SOFTWARE = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

export const browserArgs = [...QUIET, ...(process.platform === "linux" ? SOFTWARE : ["--enable-unsafe-webgpu"])];

/** In a C locale the headless shell calls its language "en-US@posix", which Intl refuses, and no chart is drawn. */
const LOCALE = { LC_ALL: "en_US.UTF-8" };

/**
 * The environment of a browser: this process's, without the choice of driver made for Dawn in Node.
 * @param {Browser} browser
 * @returns {Record<string, string>}
 */
export function browserEnv({ env }) {
  const own = Object.entries(process.env).filter(([name]) => !/^(VK_|LORIKEET_)/.test(name));
  return { .../** @type {Record<string, string>} */ (Object.fromEntries(own)), ...LOCALE, ...env };
}

/**
 * The first browser that works, or the reasons why none does.
 * @param {{ verbose?: boolean }} [options]
 * @returns {Promise<FoundBrowser | { reason: string }>}
 */
export async function findChromium({ verbose = false } = {}) {
  const cache = cacheFolder();
  const memory = cache && path.join(cache, "chromium.json");
  const installed = installedBrowsers(process.platform, process.env);
  const key = fingerprint(installed);
  const remembered = memory && !verbose ? recall(memory, key) : null;
  if (remembered) return remembered;

  const reasons = [];
  for (const candidate of [...installed, ...(await packagedBrowser(cache))]) {
    const result = await tryOut(candidate);
    if (verbose && "reason" in result) say(`passed over ${candidate.name}: ${result.reason}`);
    if ("version" in result) {
      if (memory) writeFileSync(memory, JSON.stringify({ key, found: result }));
      return result;
    }
    reasons.push(`${candidate.name}: ${result.reason}`);
  }
  return { reason: reasons.join("; ") || "no browser is installed, and none is packaged for this platform" };
}

/** @param {FoundBrowser | { reason: string }} found */
export function describeBrowser(found) {
  if ("reason" in found) return `browser: none, tests of the page are skipped (${found.reason})`;
  return `browser: Chromium ${found.version} (${found.name}; WebGPU on ${found.adapter})`;
}

/**
 * Browsers in their usual places; `LORIKEET_CHROMIUM` leaves only the one it names.
 * @param {string} platform
 * @param {NodeJS.ProcessEnv} env
 * @returns {Browser[]}
 */
export function installedBrowsers(platform, env) {
  const wish = env.LORIKEET_CHROMIUM;
  const paths = wish ? [wish] : usualPaths(platform, env).filter((file) => existsSync(file));
  return paths.map((executablePath) => ({ name: executablePath, executablePath, env: {} }));
}

/**
 * @param {string} platform
 * @param {NodeJS.ProcessEnv} env
 */
function usualPaths(platform, env) {
  if (platform === "darwin") {
    const apps = ["Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser"];
    const folders = ["/Applications", path.join(os.homedir(), "Applications")];
    return apps.flatMap((app) => folders.map((folder) => `${folder}/${app}.app/Contents/MacOS/${app}`));
  }
  if (platform === "win32") {
    const programs = [env.PROGRAMFILES, env["PROGRAMFILES(X86)"], env.LOCALAPPDATA].filter((base) => base);
    const names = ["Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe"];
    return names.flatMap((name) => programs.map((base) => path.join(`${base}`, name)));
  }
  const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "microsoft-edge"];
  return names.map((name) => `/usr/bin/${name}`);
}

/**
 * The packaged headless Chromium, unpacked: 200 MB in two seconds, once. First with the system's libraries, then with
 * those it brings.
 * @param {string | null} cache
 * @returns {Promise<Browser[]>}
 */
async function packagedBrowser(cache) {
  const found = archives();
  if (!found || !cache || process.env.LORIKEET_CHROMIUM) return [];
  const folder = await unpackOnce(cache, `chromium-${found.version}`, async (draft) => {
    const from = (/** @type {string} */ name) => path.join(found.folder, name);
    await unpackTar(from("swiftshader.tar.br"), draft);
    await unpackTar(from("al2023.tar.br"), draft);
    await unpackTar(from("fonts.tar.br"), draft, (name) => name.startsWith("fonts/"));
    await unpackProgram(from("chromium.br"), path.join(draft, "chromium"));
    writeFileSync(path.join(draft, "fonts.conf"), fontConfig(path.join(cache, `chromium-${found.version}`)));
  });
  const executablePath = path.join(folder, "chromium");
  const fonts = { FONTCONFIG_FILE: path.join(folder, "fonts.conf") };
  const libraries = [path.join(folder, "lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
  return [
    { name: "packaged with npm", executablePath, env: fonts },
    { name: "packaged with npm, with its libraries", executablePath, env: { ...fonts, LD_LIBRARY_PATH: libraries } },
  ];
}

/** A machine without fonts still draws text. @param {string} folder */
const fontConfig = (folder) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>${folder}/fonts</dir>
  <cachedir>${folder}/font-cache</cachedir>
</fontconfig>
`;

/**
 * Starts the browser and asks a page for its WebGPU adapter.
 * @param {Browser} candidate
 * @returns {Promise<FoundBrowser | { reason: string }>}
 */
async function tryOut(candidate) {
  const { chromium } = await import("playwright-core");
  const { executablePath } = candidate;
  try {
    const options = { executablePath, headless: true, args: browserArgs, timeout: START_TIMEOUT };
    const browser = await chromium.launch({ ...options, env: browserEnv(candidate) });
    try {
      const page = await browser.newPage();
      // WebGPU needs a secure context, which localhost is; the route answers without a server.
      await page.route("**/*", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
      await page.goto("http://localhost/");
      const adapter = await page.evaluate(async () => {
        const info = (await navigator.gpu?.requestAdapter())?.info;
        return info ? [info.vendor, info.architecture].filter((part) => part !== "").join(" ") || "an adapter" : null;
      });
      if (!adapter) return { reason: `Chromium ${browser.version()} gives no WebGPU adapter` };
      return { ...candidate, version: browser.version(), adapter };
    } finally {
      await browser.close();
    }
  } catch (error) {
    return { reason: briefly(error) };
  }
}

/** Playwright's messages go on with the whole command line. @param {unknown} error */
function briefly(error) {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n");
  const cause = lines.find((line) => /error while loading|cannot open|No such file|EACCES|ENOENT/.test(line));
  return (cause ?? lines[0] ?? "").replace(/^.*\[err\]\s*/, "").trim();
}

/** @param {Browser[]} installed */
function fingerprint(installed) {
  const stamps = installed.map(({ executablePath }) =>
    existsSync(executablePath) ? `${executablePath} ${statSync(executablePath).mtimeMs}` : executablePath,
  );
  const parts = [stamps, archives(), browserArgs];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/**
 * @param {string} memory
 * @param {string} key
 * @returns {FoundBrowser | null}
 */
function recall(memory, key) {
  try {
    const { key: before, found } = JSON.parse(readFileSync(memory, "utf8"));
    return before === key && existsSync(found.executablePath) ? found : null;
  } catch {
    return null;
  }
}
