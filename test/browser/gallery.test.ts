/**
 * Every part of the kit in Chromium: accessible in both schemes and at both widths, nothing wider than the screen, charts
 * that draw and read by keyboard. LORIKEET_SHOTS names a folder for pictures of the gallery, for people to look at.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserMissing, type OpenPage, type Site, startSite } from "./harness.ts";
import type { GalleryTools } from "./page/gallery-protocol.ts";

const missing = await browserMissing();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const GALLERY = "/test/browser/page/gallery.html";
const LOOKS = (["light", "dark"] as const).flatMap((scheme) => [1280, 390].map((width) => ({ scheme, width })));

interface AxePage {
  readonly axe: { run(): Promise<{ violations: { id: string; nodes: { target: unknown[] }[] }[]; passes: unknown[] }> };
}

/** What axe finds, one line each. It throws when axe looked at nothing. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { found, passes } = await page.evaluate(async () => {
    const result = await (globalThis as unknown as AxePage).axe.run();
    const found = result.violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join("; ")}`,
    );
    return { found, passes: result.passes.length };
  });
  if (passes === 0) throw new Error("axe checked nothing");
  return found;
}

/** How far the page is wider than its window. */
const overhang = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

/** Asks one of the gallery's tools. */
const ask = <K extends keyof GalleryTools>(page: Page, tool: K, ...args: Parameters<GalleryTools[K]>) =>
  page.evaluate<ReturnType<GalleryTools[K]>>(`${tool}(...${JSON.stringify(args)})`);

/** Software rendering on a busy machine is slow without being wrong. */
const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 120_000 });

describe.skipIf(missing)(`the kit in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  const open = async (): Promise<OpenPage> => {
    const opened = await site.openPage(GALLERY);
    await opened.page.getByRole("heading", { name: "Charts" }).waitFor();
    return opened;
  };
  const chart = (page: Page, name: string) => page.locator(`[role=img][aria-label^="${name}"]`).first();

  it.each(LOOKS)("is accessible and fits its window: $scheme, $width pixels wide", async ({ scheme, width }) => {
    const opened = await open();
    const { page } = opened;
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 900 });
    await eventually(() => ask(page, "drawnPixels", "A long run")).toBeGreaterThan(1000);
    expect(await overhang(page)).toBe(0);
    expect(await violations(page)).toEqual([]);
    await takePictures(page, `${scheme}-${width}`);
    await opened.close();
  });

  it("has checks that bite: an unnamed button, pale text and a part too wide are found", async () => {
    const opened = await site.openPage("/test/browser/page/gallery-faulty.html");
    const { page } = opened;
    await page.setViewportSize({ width: 390, height: 900 });
    const found = (await violations(page)).map((line) => line.split(":")[0]);
    expect(found).toEqual(expect.arrayContaining(["button-name", "color-contrast"]));
    expect(await overhang(page)).toBeGreaterThan(1000);
    await opened.close();
  });

  it("draws long runs, nothing for no points, and reads points by keyboard in all charts of a key", async () => {
    const opened = await open();
    const { page } = opened;
    const long = chart(page, "A long run");
    // 30,000 points, thinned for drawing.
    expect(Number(await long.getAttribute("data-points"))).toBeGreaterThan(3000);
    expect(await chart(page, "Before the first step").getAttribute("data-points")).toBe("0");

    const stage = page.locator("#stage .k-chart").first();
    const readout = stage.locator(".k-chart-legend dd");
    expect(await readout.first().textContent()).toBe("600");
    await chart(page, "Loss").focus();
    await page.keyboard.press("Home");
    await eventually(() => readout.first().textContent()).toBe("1");
    await page.keyboard.press("ArrowRight");
    await eventually(() => stage.getByRole("status").textContent()).toMatch(
      /^step 2: raw 2\.\d+, smoothed 2\.\d+, validation –$/,
    );
    // The strip below follows.
    const norm = page.locator("#stage .k-chart").nth(2).locator(".k-chart-legend dd");
    await eventually(() => norm.first().textContent()).toBe("2");
    await page.keyboard.press("Escape");
    await eventually(() => readout.first().textContent()).toBe("600");
    await opened.close();
  });

  it("draws what comes, and draws again when the ground changes", async () => {
    const opened = await open();
    const { page } = opened;
    const title = page.locator("#stage .k-chart-legend dd").first();
    const raw = page.locator("#stage .k-chart-legend dd").nth(1);
    const last = await raw.textContent();
    await ask(page, "showPoints", 300);
    await eventually(() => raw.textContent()).not.toBe(last);
    expect(await title.textContent()).toBe("600");

    const pixel = () => ask(page, "picture", "Speed");
    const light = await pixel();
    await page.getByRole("button", { name: "Dark ground" }).click();
    await eventually(pixel).not.toBe(light);
    await opened.close();
  });

  it("shows a chart as a table", async () => {
    const opened = await open();
    const { page } = opened;
    await page.locator("#charts").getByText("Show as table: A long run").click();
    const table = page.getByRole("region", { name: "A long run: the last 50 of 30000 points" });
    await table.locator("tbody tr").first().waitFor();
    expect(await table.locator("tbody tr").count()).toBe(50);
    expect(await table.locator("tbody td").first().textContent()).toBe("30000");
    expect(await violations(page)).toEqual([]);
    await opened.close();
  });

  it("takes numbers as people write them, and says what is wrong with others", async () => {
    const opened = await open();
    const { page } = opened;
    const rate = page.getByRole("spinbutton", { name: "Learning rate" });
    await rate.fill("0,0005");
    await rate.press("Enter");
    expect(await rate.inputValue()).toBe("5e-4");
    await rate.press("ArrowUp");
    expect(await rate.inputValue()).toBe("0.001");
    await rate.fill("fast");
    await rate.press("Tab");
    await page.getByText("“fast” is not a number.").waitFor();
    expect(await rate.getAttribute("aria-invalid")).toBe("true");
    await opened.close();
  });

  it("takes a chosen file and dropped ones", async () => {
    const opened = await open();
    const { page } = opened;
    const taken = page.locator("#taken");
    const file = { name: "train.jsonl", mimeType: "application/json", buffer: Buffer.from("{}") };
    await page.locator("input[type=file]").first().setInputFiles(file);
    await eventually(() => taken.textContent()).toBe("train.jsonl");
    await ask(page, "drop", ["dropped.jsonl", ".hidden"]);
    await eventually(() => taken.textContent()).toBe("dropped.jsonl");
    await opened.close();
  });

  it("explains by popover, asks by dialog, and gives the focus back", async () => {
    const opened = await open();
    const { page } = opened;
    const explain = page.getByRole("button", { name: "What is rank?" });
    await explain.press("Enter");
    const text = page.getByText("The number of directions in which each layer can change.");
    await text.waitFor();
    await page.keyboard.press("Escape");
    await text.waitFor({ state: "hidden" });

    const start = page.getByRole("button", { name: "Start" });
    await start.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Delete this run?" });
    await dialog.waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expect(await page.evaluate("document.activeElement?.textContent")).toBe("Start");
    await opened.close();
  });

  it("walks 2,000 tokens by keyboard without a render for each", async () => {
    const opened = await open();
    const { page } = opened;
    const tokens = page.getByRole("group", { name: "Tokens of record 1" });
    expect(await tokens.locator(".k-token").count()).toBe(2000);
    await tokens.focus();
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    await page.getByText(/^Token 1999: .*, id \d+, (carries loss|context only)$/).waitFor();
    expect(await tokens.locator("[data-at]").count()).toBe(1);
    await opened.close();
  });

  it("closes a card to its line of summary", async () => {
    const opened = await open();
    const { page } = opened;
    const button = page.getByRole("button", { name: "Charts", exact: true });
    expect(await button.getAttribute("aria-expanded")).toBe("true");
    await button.press("Enter");
    expect(await button.getAttribute("aria-expanded")).toBe("false");
    expect(await page.locator("[data-card=charts] .k-chart").count()).toBe(0);
    await page.getByText("Pictures of counts, layers and values").waitFor();
    await opened.close();
  });
});

/** One picture of the window and one of each card. */
async function takePictures(page: Page, name: string): Promise<void> {
  const folder = process.env.LORIKEET_SHOTS;
  if (!folder) return;
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
  for (const card of await page.locator("[data-card]").all())
    await card.screenshot({ path: path.join(folder, `${name}-${await card.getAttribute("data-card")}.png`) });
}
