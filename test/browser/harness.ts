/**
 * Opens the built page in headless Chromium, served from localhost. A page that logs an error, throws, misses a file
 * or asks another host for anything fails its test when it is closed.
 *
 *   const missing = await browserMissing();
 *   describe.skipIf(missing)("…", () => { beforeAll(startSite) … site.openPage("/") … opened.close() … site.close() });
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { build, preview } from "vite";
import { browserArgs, browserEnv, findChromium } from "../../src/cli/launch/chromium.mjs";
import { root } from "../../src/cli/launch/places.mjs";

export interface OpenPage {
  readonly page: Page;
  /** What went wrong so far. */
  readonly problems: readonly string[];
  /** Closes the page. Rejects when there were problems. */
  close(): Promise<void>;
}

export interface Site {
  /** Opens a path of the site, e.g. "/" or "/test/browser/page/worker-kernel.html", in a fresh profile. */
  openPage(path: string): Promise<OpenPage>;
  close(): Promise<void>;
}

/** Why there is no browser on this machine, or null. Throws when the one that LORIKEET_CHROMIUM names does not work. */
export async function browserMissing(): Promise<string | null> {
  const found = await findChromium();
  if (!("reason" in found)) return null;
  if (process.env.LORIKEET_CHROMIUM) throw new Error(`LORIKEET_CHROMIUM: ${found.reason}`);
  return found.reason;
}

/** Builds the page with the pages of test/browser/page, serves them and starts the browser. */
export async function startSite(): Promise<Site> {
  const found = await findChromium();
  if ("reason" in found) throw new Error(found.reason);
  const folder = mkdtempSync(path.join(os.tmpdir(), "lorikeet-site-"));
  const server = await serve(folder);
  const { executablePath } = found;
  const browser = await chromium.launch({ executablePath, headless: true, args: browserArgs, env: browserEnv(found) });
  const origin = (server.resolvedUrls?.local[0] ?? "").replace(/\/$/, "");
  return {
    openPage: (at) => openPage(browser, origin, at),
    async close() {
      await browser.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A production build, as users get it: a development server reloads pages when it meets a new dependency. */
async function serve(outDir: string) {
  const pages = path.join(root, "test", "browser", "page");
  const tests = readdirSync(pages).filter((name) => name.endsWith(".html"));
  const input = [path.join(root, "index.html"), ...tests.map((name) => path.join(pages, name))];
  // "mpa": a missing file is a 404 and not the index page.
  const options = { root, logLevel: "warn", appType: "mpa" } as const;
  await build({ ...options, build: { outDir, emptyOutDir: true, rolldownOptions: { input } } });
  return preview({ ...options, build: { outDir }, preview: { host: "localhost", port: 0 } });
}

async function openPage(browser: Browser, origin: string, at: string): Promise<OpenPage> {
  const context = await browser.newContext();
  const problems: string[] = [];
  await watch(context, origin, problems);
  const page = await context.newPage();
  await page.goto(`${origin}${at}`);
  return {
    page,
    problems,
    async close() {
      await context.close();
      if (problems.length > 0)
        throw new Error(`${at} had problems:\n${problems.map((line) => `  ${line}`).join("\n")}`);
    },
  };
}

async function watch(context: BrowserContext, origin: string, problems: string[]): Promise<void> {
  context.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => problems.push(`exception: ${error.error().message}`));
  context.on("response", (response) => {
    if (response.status() >= 400) problems.push(`status ${response.status()}: ${response.url()}`);
  });
  await context.route(
    (url) => !url.href.startsWith(`${origin}/`) && !["blob:", "data:"].includes(url.protocol),
    async (route) => {
      problems.push(`another host: ${route.request().url()}`);
      await route.abort();
    },
  );
}
