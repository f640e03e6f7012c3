/**
 * The page where there is no WebGPU: Firefox and WebKitGTK, Safari's kin, as Linux has them. It loads without a fault,
 * says what is missing, and looks as it does in Chromium.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Driver } from "./driver.ts";
import { firefoxMissing, startFirefox } from "./firefox.ts";
import { browserMissing, startSite } from "./harness.ts";
import type { Box, Layout } from "./page/frame-protocol.ts";
import { addRecorder, PROBLEMS } from "./recorder.ts";
import { builtSite, type ServedSite, startServer } from "./site.ts";
import { startWebKit, webKitMissing } from "./webdriver.ts";

const FRAME = "/test/browser/page/frame.html";
const FAULTY = "/test/browser/page/faulty.html";
const WIDTHS = [1280, 390];
const HEIGHT = 900;
/** Across, layout is arithmetic, but a scroll bar may take its width; down, it is the fonts' doing. */
const ACROSS_PX = 4;
const DOWN = 0.15;
const DOWN_PX = 24;
/** The title is as wide as its text. */
const TEXT = 0.2;

const BROWSERS = [
  { name: "Firefox", missing: firefoxMissing(), start: startFirefox },
  { name: "WebKitGTK", missing: webKitMissing(), start: startWebKit },
];
const chromiumMissing = await browserMissing();

let folder = "";
/** As `npm start` serves it, and without headers, which forbid to frame it. */
let site: ServedSite;
let open: ServedSite;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lorikeet-others-"));
  cpSync(await builtSite(), folder, { recursive: true });
  addRecorder(folder, ["index.html", FAULTY.slice(1)]);
  site = await startServer({ folder });
  open = await startServer({ folder, headers: {} });
});
afterAll(async () => {
  await Promise.all([site?.close(), open?.close()]);
  rmSync(folder, { recursive: true, force: true });
});

const askLayout = (width: number) => `layoutOf(${JSON.stringify(open.url("/"))}, ${width}, ${HEIGHT})`;

/** In Chromium, made to have no WebGPU either. */
async function chromiumLayouts(): Promise<Layout[]> {
  const chromium = await startSite({ folder, headers: {} });
  try {
    const { page, close } = await chromium.openPage(FRAME);
    await page.addInitScript("Object.defineProperty(navigator, 'gpu', { value: undefined });");
    await page.reload();
    const layouts = [];
    for (const width of WIDTHS) {
      const ask = `layoutOf(${JSON.stringify(chromium.url("/"))}, ${width}, ${HEIGHT})`;
      layouts.push(await page.evaluate<Layout>(ask));
    }
    await close();
    return layouts;
  } finally {
    await chromium.close();
  }
}

/** What differs between two layouts by more than fonts explain. */
function differences(expected: Layout, found: Layout): string[] {
  const names = ({ boxes }: Layout) => boxes.map(({ name }) => name).join(", ");
  if (names(expected) !== names(found)) return [`expected ${names(expected)}, found ${names(found)}`];
  return expected.boxes.flatMap((box, i) => boxDifferences(box, found.boxes[i] ?? box));
}

function boxDifferences(expected: Box, found: Box): string[] {
  const down = (of: number) => Math.max(DOWN_PX, DOWN * Math.abs(of));
  const across = expected.name === "h1" ? Math.max(ACROSS_PX, TEXT * expected.width) : ACROSS_PX;
  const sides = [
    ["x", ACROSS_PX],
    ["width", across],
    ["y", down(expected.y)],
    ["height", down(expected.height)],
  ] as const;
  return sides
    .filter(([side, tolerance]) => !(Math.abs(expected[side] - found[side]) <= tolerance))
    .map(([side]) => `${expected.name}: ${side} ${found[side].toFixed(1)}, expected ${expected[side].toFixed(1)}`);
}

describe("the comparison of layouts", () => {
  const box = { name: "main", x: 100, y: 200, width: 800, height: 1000 };
  const layout = (...boxes: Box[]): Layout => ({ width: 1280, overflow: 0, boxes, text: "" });

  it("accepts other fonts and a scroll bar", () => {
    const title = layout({ ...box, name: "h1" });
    expect(differences(title, layout({ ...box, name: "h1", width: 900 }))).toEqual([]);
    expect(differences(title, layout({ ...box, name: "h1", width: 1000 }))).toHaveLength(1);
    expect(differences(layout(box), layout({ ...box, x: 98, width: 797, y: 215, height: 1100 }))).toEqual([]);
  });

  it.each([
    ["another place", layout({ ...box, x: 110 })],
    ["another width", layout({ ...box, width: 700 })],
    ["another order", layout({ ...box, name: "h1" })],
    ["a missing part", layout()],
    ["a height out of all proportion", layout({ ...box, height: 1400 })],
    ["no number", layout({ ...box, width: Number.NaN })],
  ])("notices %s", (_, found) => {
    expect(differences(layout(box), found)).toHaveLength(1);
  });
});

describe.each(BROWSERS)("$name", ({ name, missing, start }) => {
  describe.skipIf(missing)(missing ? `skipped, ${missing}` : "is installed, and", () => {
    let browser: Driver;
    beforeAll(async () => {
      browser = await start();
      console.log(`${name}: ${browser.version}`);
    });
    afterAll(() => browser?.close());

    const problems = () => browser.evaluate<string[]>(PROBLEMS);
    const mainText = () => browser.evaluate<string | null>("document.querySelector('main')?.innerText ?? null");

    it("loads the page without a fault and is told what is missing", async () => {
      await browser.goto(site.url("/"));
      expect(await browser.evaluate("'gpu' in navigator && navigator.gpu !== undefined")).toBe(false);
      await expect.poll(mainText, { timeout: 60_000 }).toMatch(/has no WebGPU/);
      expect(await browser.evaluate("document.title")).toBe("Lorikeet");
      expect(await browser.evaluate("document.querySelectorAll('h1').length")).toBe(1);
      expect(await problems()).toEqual([]);
    });

    it("would have told of faults", async () => {
      await browser.goto(site.url(FAULTY));
      const kinds = ["console: deliberate", "exception: deliberate", "policy: https://example.com"];
      const seen = async () => kinds.filter((kind) => found.some((problem) => problem.startsWith(kind)));
      let found: string[] = [];
      await expect
        .poll(
          async () => {
            found = await problems();
            return seen();
          },
          { timeout: 30_000 },
        )
        .toEqual(kinds);
    });

    it("is held to the policy that the page brings with it", async () => {
      await browser.goto(open.url("/"));
      const leak = "fetch('https://example.com/leak', { mode: 'no-cors' }).then(() => 'sent', () => 'blocked')";
      expect(await browser.evaluate(leak)).toBe("blocked");
      const told = async () => (await problems()).some((problem) => problem.startsWith("policy: https://example.com"));
      await expect.poll(told, { timeout: 30_000 }).toBe(true);
    });

    it.skipIf(chromiumMissing)("lays the page out as Chromium does", async () => {
      const expected = await chromiumLayouts();
      await browser.goto(open.url(FRAME));
      for (const [i, width] of WIDTHS.entries()) {
        const found = await browser.evaluate<Layout>(askLayout(width));
        expect(found.boxes.map((box) => box.name)).toEqual(expect.arrayContaining(["h1", "main"]));
        expect(found.width).toBeGreaterThan(width - 20);
        expect(found.overflow).toBeLessThanOrEqual(0);
        expect(differences(expected[i]!, found), `at ${width} px`).toEqual([]);
      }
    });
  });
});
