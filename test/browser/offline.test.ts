/** The service worker in Chromium: the page without a network, and the change from one version to the next. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { integrityOf, versionOf } from "../../vite/service-worker.ts";
import { browserMissing, type Site, startSite } from "./harness.ts";
import { builtSite } from "./site.ts";

const missing = await browserMissing();

const installed = (page: Page) => page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state);
const cacheNames = (page: Page) => page.evaluate(() => caches.keys());
const waiting = (page: Page) =>
  page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting?.state ?? null);

/** Which version is shown: null is the one that was built, others say their name. */
const version = (page: Page) => page.evaluate<string | null>("document.documentElement.dataset.version ?? null");

/** Status and size, or what went wrong. */
const ask = (page: Page, address: string, headers: Record<string, string> = {}) =>
  page.evaluate(
    async ([url, init]) => {
      const response = await fetch(url, { headers: init }).catch(() => null);
      return response ? [response.status, (await response.arrayBuffer()).byteLength] : null;
    },
    [address, headers] as const,
  );

describe.skipIf(missing)(`the page without a network, in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let folder = "";
  let site: Site;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lorikeet-offline-"));
    cpSync(await builtSite(), folder, { recursive: true });
    site = await startSite({ folder, basePath: "/lorikeet/" });
  });
  afterEach(async () => {
    await site?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const fileText = (name: string) => readFileSync(path.join(folder, name), "utf8");

  /** Another version of the site: a page that says so, and the service worker that belongs to it. */
  const publish = (name: string, { damaged = false } = {}) => {
    const before = fileText("index.html");
    const after = before.replace("<html ", `<html data-version="${name}" `);
    const worker = fileText("service-worker.js")
      .replace(integrityOf(before), integrityOf(damaged ? `${after} ` : after))
      .replace(/"[0-9a-f]{16}"/, `"${versionOf([], name)}"`);
    writeFileSync(path.join(folder, "index.html"), after);
    writeFileSync(path.join(folder, "service-worker.js"), worker);
  };

  it("loads again with everything of its own, and with nothing of other hosts", async () => {
    const opened = await site.openPage("/", { serviceWorkers: "allow" });
    const { page } = opened;
    expect(await installed(page)).toMatch(/activat/);
    await page.context().setOffline(true);
    for (const at of ["/", "/?from=home", "/index.html"]) {
      await page.goto(site.url(at));
      await page.getByRole("heading", { level: 1 }).waitFor();
    }
    const model = readFileSync(path.join(folder, "demo/model.safetensors")).length;
    expect(await ask(page, "demo/model.safetensors")).toEqual([200, model]);
    expect(await ask(page, "demo/model.safetensors", { Range: "bytes=8-107" })).toEqual([206, 100]);
    expect(await ask(page, "demo/model.safetensors", { Range: `bytes=${model - 5}-` })).toEqual([206, 5]);
    expect(await ask(page, "demo/model.safetensors", { Range: `bytes=${model}-` })).toEqual([416, 0]);
    // What is not of the site fails, as it should without a network.
    expect(await ask(page, "demo/is-not-there.json")).toBeNull();
    await page.context().setOffline(false);
  });

  it("leaves requests to the Hub alone", async () => {
    const opened = await site.openPage("/", { serviceWorkers: "allow" });
    const { page } = opened;
    await installed(page);
    await page.reload();
    const hub = "https://huggingface.co/api/models/org/name";
    await page.route("https://huggingface.co/**", (route) =>
      route.fulfill({ body: "{}", headers: { "Access-Control-Allow-Origin": "*" } }),
    );
    const responded = page.waitForResponse(hub);
    expect(await ask(page, hub)).toEqual([200, 2]);
    expect((await responded).fromServiceWorker()).toBe(false);
    const own = page.waitForResponse(site.url("/demo/config.json"));
    await ask(page, "demo/config.json");
    expect((await own).fromServiceWorker()).toBe(true);

    const kept = await page.evaluate(async () => {
      const names = await caches.keys();
      const caught = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return caught.flat().map(({ url }) => url);
    });
    expect(kept.length).toBeGreaterThan(5);
    expect(kept.filter((url) => !url.startsWith(site.url("/")))).toEqual([]);
    await opened.close();
  });

  it("shows a new version at the next load, and offline a whole one", async () => {
    const opened = await site.openPage("/", { serviceWorkers: "allow" });
    const { page } = opened;
    await installed(page);
    await page.evaluate(() => caches.open("of another site of this origin"));
    const before = await cacheNames(page);
    publish("two");
    await page.reload();
    expect(await version(page)).toBe("two");
    await expect.poll(() => waiting(page), { timeout: 30_000 }).toBe("installed");
    expect(await cacheNames(page)).toHaveLength(before.length + 1);
    // The page that is open, and may be training, keeps its version's worker and files.
    await page.context().setOffline(true);
    await page.reload();
    expect(await version(page)).toBeNull();

    // Once none is open the new version takes over, and the old one is removed.
    await page.context().setOffline(false);
    const other = await page.context().newPage();
    // Of the same origin, but not of the site.
    await other.goto(`${site.origin}/elsewhere`);
    await page.close();
    const old = async () => (await cacheNames(other)).filter((name) => before.includes(name));
    await expect.poll(old, { timeout: 60_000 }).toEqual(["of another site of this origin"]);
    await other.context().setOffline(true);
    await other.goto(site.url("/"));
    expect(await version(other)).toBe("two");
  });

  it("needs no network for what cannot have changed", async () => {
    const opened = await site.openPage("/", { serviceWorkers: "allow" });
    const { page } = opened;
    await installed(page);
    await page.reload();
    rmSync(path.join(folder, "assets"), { recursive: true });
    await page.reload();
    await page.getByRole("heading", { level: 1 }).waitFor();
    await opened.close();
  });

  it("refuses a version whose files are not the ones that were built", async () => {
    const opened = await site.openPage("/", { serviceWorkers: "allow" });
    const { page } = opened;
    await installed(page);
    const before = await cacheNames(page);
    publish("half", { damaged: true });
    const failed = page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const found = new Promise((resolve) => {
        registration.addEventListener("updatefound", () => {
          const { installing } = registration;
          installing?.addEventListener("statechange", () => resolve(installing.state));
        });
      });
      await registration.update().catch(() => {});
      return found;
    });
    expect(await failed).toBe("redundant");
    expect(await cacheNames(page)).toEqual(before);
    await page.context().setOffline(true);
    await page.reload();
    expect(await version(page)).toBeNull();
  });
});
