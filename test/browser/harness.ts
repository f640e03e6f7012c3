/**
 * Opens the built page in headless Chromium, served from localhost. A page that logs an error, throws, misses a file
 * or asks another host for anything fails its test when it is closed. What the content security policy blocks is logged
 * as an error too.
 *
 *   const missing = await browserMissing();
 *   describe.skipIf(missing)("…", () => { beforeAll(startSite) … site.openPage("/") … opened.close() … site.close() });
 */
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { browserArgs, browserEnv, findChromium } from "../../src/cli/launch/chromium.mjs";
import type { ServeOptions } from "../../src/cli/launch/serve.mjs";
import { type ServedSite, startServer } from "./site.ts";

export interface OpenPage {
  readonly page: Page;
  /** What went wrong so far. */
  readonly problems: readonly string[];
  /** Closes the page. Rejects when there were problems. */
  close(): Promise<void>;
}

export interface Site extends ServedSite {
  /**
   * Opens a path of the site, e.g. "/" or "/test/browser/page/worker-kernel.html", in a fresh profile. Without
   * `serviceWorkers: "allow"` there is no service worker, so that what is tested is what the server has.
   */
  openPage(path: string, options?: BrowserContextOptions): Promise<OpenPage>;
}

export interface SiteOptions extends ServeOptions {
  readonly folder?: string;
  /** Puts a server of the test's own before the site; it closes the site with itself. */
  readonly front?: (behind: ServedSite) => Promise<ServedSite>;
}

/** Why there is no browser on this machine, or null. Throws when the one that LORIKEET_CHROMIUM names does not work. */
export async function browserMissing(): Promise<string | null> {
  const found = await findChromium();
  if (!("reason" in found)) return null;
  if (process.env.LORIKEET_CHROMIUM) throw new Error(`LORIKEET_CHROMIUM: ${found.reason}`);
  return found.reason;
}

/**
 * Serves the page with the pages of test/browser/page and starts the browser.
 * @param options where on the host the site lies, and with which headers; as `npm start` does unless told otherwise
 */
export async function startSite({ front, ...options }: SiteOptions = {}): Promise<Site> {
  const found = await findChromium();
  if ("reason" in found) throw new Error(found.reason);
  const behind = await startServer(options);
  const server = front ? await front(behind) : behind;
  const { executablePath } = found;
  const browser = await chromium.launch({ executablePath, headless: true, args: browserArgs, env: browserEnv(found) });
  return {
    ...server,
    openPage: (at, context) => openPage(browser, server, at, context),
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

async function openPage(
  browser: Browser,
  { origin, url }: ServedSite,
  at: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ serviceWorkers: "block", ...options });
  const problems: string[] = [];
  await watch(context, origin, problems);
  const page = await context.newPage();
  await page.goto(url(at));
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
