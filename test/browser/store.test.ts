/**
 * The store where users are: a worker in Chromium on its private file system. The same contract as in Node, and what only
 * a browser has. Profiles lie on disk, as users' do: in a private window Chromium keeps files in memory and knows no quota.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { browserArgs, browserEnv, findChromium } from "../../src/cli/launch/chromium.mjs";
import { browserMissing } from "./harness.ts";
import { STORE_CHECKS } from "./page/store-contract.ts";
import type { StoreCalls, StorePage } from "./page/store-protocol.ts";
import { type ServedSite, startServer } from "./site.ts";

const missing = await browserMissing();
const MIB = 2 ** 20;

type Calls = {
  [K in keyof StoreCalls]: (...args: Parameters<StoreCalls[K]>) => Promise<Awaited<ReturnType<StoreCalls[K]>>>;
};

/** The calls of one worker of the page, started with its first call. */
function workerOf(page: Page, worker: string): Calls {
  const call = (name: keyof StoreCalls, args: readonly unknown[]) =>
    page.evaluate(
      (order) => {
        const { storePage } = globalThis as unknown as { storePage: StorePage };
        return storePage.call(order.worker, order.name, order.args);
      },
      { worker, name, args },
    );
  return new Proxy({} as Calls, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        call(name as keyof StoreCalls, args),
  });
}

const terminate = (page: Page, worker: string) =>
  page.evaluate((name) => (globalThis as unknown as { storePage: StorePage }).storePage.terminate(name), worker);

/** Starts a write that stops for ever after `slices`, and kills its worker there. */
async function crashInWrite(page: Page, path: string, length: number, seed: number, slices: number) {
  await page.evaluate(
    async (order) => {
      const { storePage } = globalThis as unknown as { storePage: StorePage };
      void storePage.call("doomed", "stickInWrite", [order.path, order.length, order.seed, order.slices]);
      await storePage.untilStuck("doomed");
      storePage.terminate("doomed");
    },
    { path, length, seed, slices },
  );
}

async function openProfile(folder: string): Promise<BrowserContext> {
  const found = await findChromium();
  if ("reason" in found) throw new Error(found.reason);
  const { executablePath } = found;
  const options = { executablePath, headless: true, args: browserArgs, env: browserEnv(found) };
  return chromium.launchPersistentContext(folder, { ...options, serviceWorkers: "block" });
}

describe.skipIf(missing)(`the store in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: ServedSite;
  let profile: string;
  let context: BrowserContext;
  let page: Page;
  let store: Calls;
  let faults: string[];
  beforeAll(async () => {
    site = await startServer();
  });
  afterAll(() => site?.close());
  beforeEach(async () => {
    profile = mkdtempSync(path.join(os.tmpdir(), "lorikeet-profile-"));
    context = await openProfile(profile);
    faults = [];
    context.on("weberror", (error) => faults.push(error.error().message));
    page = await context.newPage();
    await page.goto(site.url("/test/browser/page/store.html"));
    store = workerOf(page, "main");
  });
  afterEach(async () => {
    await context?.close();
    rmSync(profile, { recursive: true, force: true });
    expect(faults).toEqual([]);
  });

  it("is on the private file system and keeps the contract", async () => {
    expect(await store.opened()).toEqual({ lasting: true, reason: null });
    const results = await store.contract();
    expect(results).toHaveLength(STORE_CHECKS.length);
    expect(results.filter(({ error }) => error !== null)).toEqual([]);
    const facts = await store.facts();
    expect(facts.quotaBytes).toBeGreaterThan(0);
  });

  it("survives a reload, and the browser's end", async () => {
    await store.write("models/a b/large", 20 * MIB, 1);
    await page.reload();
    expect(await store.examine("models/a b/large", 1)).toEqual({ length: 20 * MIB, differs: -1 });
    await context.close();
    context = await openProfile(profile);
    page = await context.newPage();
    await page.goto(site.url("/test/browser/page/store.html"));
    store = workerOf(page, "main");
    expect(await store.examine("models/a b/large", 1)).toEqual({ length: 20 * MIB, differs: -1 });
    expect(await store.list("models")).toEqual([{ name: "a b", kind: "folder", size: 20 * MIB }]);
    expect(await store.examine("models/a b/large", 2)).not.toMatchObject({ differs: -1 }); // the check bites
  });

  it("a worker that dies in the middle of a write leaves the old file, or none, and does not block the next", async () => {
    await store.write("old", 5 * MIB, 1);
    for (const path of ["old", "new"]) await crashInWrite(page, path, 40 * MIB, 2, 3);
    expect(await store.examine("old", 1)).toEqual({ length: 5 * MIB, differs: -1 });
    expect(await store.examine("new", 2)).toBeNull();
    expect(await store.list("")).toEqual([{ name: "old", kind: "file", size: 5 * MIB }]);
    // It did die in the middle: the slices that it wrote are there, out of sight, until the next write.
    expect(await store.usage()).toBe((5 + 24 + 24) * MIB);
    for (const path of ["old", "new"]) expect(await store.write(path, 9 * MIB, 3)).toBeNull();
    for (const path of ["old", "new"]) {
      expect(await store.examine(path, 3)).toEqual({ length: 9 * MIB, differs: -1 });
    }
    expect(await store.usage()).toBe(18 * MIB);
  });

  it("a cached chunk is there whole or not at all", async () => {
    await crashInWrite(page, "models/hub/org/m@c/f/0.chunk", 20 * MIB, 0, 1);
    expect(await store.cacheLength("org/m@c/f", 0)).toBeNull();
    await store.cachePut("org/m@c/f", 0, 20 * MIB);
    expect(await store.cacheLength("org/m@c/f", 0)).toBe(20 * MIB);
  });

  it("says that storage is full when it is, and goes on when there is room again", async () => {
    await store.write("old", 5 * MIB, 1);
    const browser = await context.newCDPSession(page);
    const setQuota = (quotaSize?: number) =>
      browser.send("Storage.overrideQuotaForOrigin", { origin: site.origin, ...(quotaSize ? { quotaSize } : {}) });
    await setQuota(20 * MIB);
    for (const path of ["old", "new"]) {
      const error = await store.write(path, 40 * MIB, 2);
      expect(error).toMatchObject({ code: "storage-full", hint: expect.stringContaining("Delete kept models") });
    }
    expect(await store.examine("old", 1)).toEqual({ length: 5 * MIB, differs: -1 });
    expect([await store.examine("new", 2), await store.usage()]).toEqual([null, 5 * MIB]);
    await setQuota();
    expect(await store.write("old", 40 * MIB, 2)).toBeNull();
  });

  it("waits for a file that another tab holds, and names it when it stays held", async () => {
    await store.write("f", 1000, 1);
    const other = workerOf(page, "other");
    await other.hold("f", 300);
    expect(await store.write("f", 2000, 2)).toBeNull();
    await other.hold("f", 1e9);
    expect(await store.write("f", 1000, 3)).toMatchObject({ message: expect.stringContaining("another tab holds it") });
    await terminate(page, "other");
    expect(await store.examine("f", 2)).toEqual({ length: 2000, differs: -1 });
  });
});
