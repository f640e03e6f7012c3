/**
 * Opens the built page in headless Chromium, served from localhost. A page that logs an error, throws, misses a file
 * or asks another host for anything fails its test when it is closed. What the content security policy blocks is logged
 * as an error too.
 *
 *   const missing = await browserMissing();
 *   describe.skipIf(missing)("…", () => { beforeAll(startSite) … site.openPage("/") … opened.close() … site.close() });
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { browserArgs, browserEnv, findChromium } from "../../src/cli/launch/chromium.mjs";
import type { ServeOptions } from "../../src/cli/launch/serve.mjs";
import { type ServedSite, startServer } from "./site.ts";

export interface OpenPage {
  readonly page: Page;
  /** What went wrong so far. */
  readonly problems: readonly string[];
  /** Closes the page. Rejects when there were problems; those that match `expected` belong to what is tested. */
  close(expected?: RegExp): Promise<void>;
}

export interface PageOptions extends BrowserContextOptions {
  /**
   * The forms of its kernels are measured before a model is loaded, as users have it: eleven seconds on a software GPU.
   * Otherwise they are plain.
   */
  readonly tuned?: boolean;
  /** Before the page is asked for: routes, scripts. */
  readonly prepare?: (context: BrowserContext) => Promise<unknown>;
}

export interface Site extends ServedSite {
  /**
   * Opens a path of the site, e.g. "/" or "/test/browser/page/worker-kernel.html", in a fresh profile. Without
   * `serviceWorkers: "allow"` there is no service worker, so that what is tested is what the server has.
   */
  openPage(path: string, options?: PageOptions): Promise<OpenPage>;
}

/**
 * The same for long journeys, which want a whole browser: the packaged headless shell computes them many times slower, and
 * has hung in them beside other work.
 */
export async function installedBrowserMissing(): Promise<string | null> {
  const found = await findChromium();
  if ("reason" in found) return browserMissing();
  return found.name.startsWith("packaged") ? "only the browser packaged with npm, no installed Chromium" : null;
}

export interface SiteOptions extends ServeOptions {
  readonly folder?: string;
  /** Puts a server of the test's own before the site; it closes the site with itself. */
  readonly front?: (behind: ServedSite) => Promise<ServedSite>;
  /** How the browser is started; `browserArgs` unless told otherwise. */
  readonly args?: readonly string[];
  /**
   * Profiles lie on disk, as users' do: in a private window, which a page has else, Chromium keeps files in memory and
   * knows no quota.
   */
  readonly onDisk?: boolean;
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
 * @param options where on the host the site lies, with which headers, in which browser; as users have it unless told otherwise
 */
export async function startSite({ front, args, onDisk = false, ...options }: SiteOptions = {}): Promise<Site> {
  const found = await findChromium();
  if ("reason" in found) throw new Error(found.reason);
  const behind = await startServer(options);
  const server = front ? await front(behind) : behind;
  const { executablePath } = found;
  const launch = { executablePath, headless: true, args: [...(args ?? browserArgs)], env: browserEnv(found) };
  const profiles = onDisk ? profilesOnDisk(launch) : await privateProfiles(launch);
  return {
    ...server,
    openPage: (at, how) => openPage(profiles, server, at, how),
    async close() {
      await profiles.end();
      await server.close();
    },
  };
}

/** Where fresh profiles come from. */
interface Profiles {
  open(options: BrowserContextOptions): Promise<BrowserContext>;
  end(): Promise<void>;
}

type Launch = Parameters<typeof chromium.launch>[0];

async function privateProfiles(launch: Launch): Promise<Profiles> {
  const browser = await chromium.launch(launch);
  return { open: (options) => browser.newContext(options), end: () => browser.close() };
}

/** Each has a browser of its own. */
function profilesOnDisk(launch: Launch): Profiles {
  const folder = mkdtempSync(path.join(os.tmpdir(), "lorikeet-profiles-"));
  const contexts: BrowserContext[] = [];
  return {
    async open(options) {
      const profile = path.join(folder, String(contexts.length));
      const context = await chromium.launchPersistentContext(profile, { ...launch, ...options });
      contexts.push(context);
      return context;
    },
    async end() {
      await Promise.all(contexts.map((context) => context.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Milliseconds: on a software GPU and a busy machine a page may be slow without being wrong. */
const PATIENCE = 600_000;

async function openPage(
  profiles: Profiles,
  { origin, url }: ServedSite,
  at: string,
  { prepare, tuned = false, ...options }: PageOptions = {},
): Promise<OpenPage> {
  const context = await profiles.open({ serviceWorkers: "block", ...options });
  const problems: string[] = [];
  await watch(context, origin, problems);
  await prepare?.(context);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const address = new URL(url(at));
  if (!tuned && /^\/($|\?)/.test(at)) address.searchParams.set("forms", "plain");
  await page.goto(address.href);
  return {
    page,
    problems,
    async close(expected) {
      await context.close();
      const others = problems.filter((problem) => !expected?.test(problem));
      if (others.length > 0) throw new Error(`${at} had problems:\n${others.map((line) => `  ${line}`).join("\n")}`);
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
