/** The built page as hosts serve it: in any folder, with a policy that holds for the page and its workers. */
import type { Page, Route } from "playwright-core";
import { describe, expect, it } from "vitest";
import { browserMissing, type OpenPage, type Site, startSite } from "./harness.ts";
import { type Console, untilReady } from "./journey-page.ts";

const missing = await browserMissing();
const POLICY = "/test/browser/page/policy.html";
const VIOLATION = /violates the following Content Security Policy/;

async function using<T>(options: Parameters<typeof startSite>[0], body: (site: Site) => Promise<T>): Promise<T> {
  const site = await startSite(options);
  try {
    return await body(site);
  } finally {
    await site.close();
  }
}

/** Answers for every other host, so that only the policy decides. */
const answerElsewhere = (page: Page) =>
  page.route(/^https:/, (route: Route) =>
    route.fulfill({ body: "{}", headers: { "Access-Control-Allow-Origin": "*" } }),
  );

async function allowances({ page }: OpenPage): Promise<unknown> {
  await answerElsewhere(page);
  await page.reload();
  const result = page.locator("#result").filter({ hasText: /./ });
  await result.waitFor();
  return JSON.parse((await result.textContent()) ?? "");
}

const violations = ({ problems }: OpenPage) => problems.filter((problem) => VIOLATION.test(problem));

/** Tries a request from the page itself. */
const reaches = ({ page }: OpenPage, address: string) =>
  page.evaluate(
    (url) =>
      fetch(url, { mode: "no-cors" }).then(
        () => true,
        () => false,
      ),
    address,
  );

describe.skipIf(missing)(`the page on a host, in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  it("works in a folder of the host, demo and manifest included", async () => {
    await using({ basePath: "/some/folder/" }, async (site) => {
      expect(new URL(site.url("/")).pathname).toBe("/some/folder/");
      const opened = await site.openPage("/");
      await opened.page.getByRole("heading", { level: 1 }).waitFor();
      const status = (at: string) => opened.page.evaluate(async (url) => (await fetch(url)).status, at);
      expect(await status("demo/config.json")).toBe(200);
      const manifest = await opened.page.locator("link[rel=manifest]").getAttribute("href");
      expect(await status(manifest ?? "")).toBe(200);
      await opened.close();

      // The harness would have noticed an address from the root of the host, which is what this one is.
      const wrong = await site.openPage("/");
      expect(await wrong.page.evaluate(async () => (await fetch("/demo/config.json")).status)).toBe(404);
      await expect(wrong.close()).rejects.toThrow(/status 404/);
    });
  });

  it("runs kernels in a worker in a folder of the host", async () => {
    await using({ basePath: "/a/b/" }, async (site) => {
      const opened = await site.openPage("/test/browser/page/worker-kernel.html");
      const result = opened.page.locator("#result").filter({ hasText: /./ });
      expect(await result.textContent()).toBe("sum 85344");
      await opened.close();
    });
  });

  it("limits the page by itself where the host sends no headers", async () => {
    await using({ headers: {} }, async (site) => {
      const opened = await site.openPage("/");
      await answerElsewhere(opened.page);
      expect(await reaches(opened, "https://huggingface.co/api/models/org/name")).toBe(true);
      expect(await reaches(opened, "https://cas-bridge.xethub.hf.co/file")).toBe(true);
      expect(violations(opened)).toEqual([]);
      expect(await reaches(opened, "https://example.com/leak")).toBe(false);
      expect(violations(opened).length).toBeGreaterThan(0);
      await expect(opened.close()).rejects.toThrow(VIOLATION);
    });
  });

  it("limits workers where the host sends the headers", async () => {
    await using({}, async (site) => {
      const opened = await site.openPage(POLICY);
      expect(await allowances(opened)).toEqual({ wasm: true, code: false, own: true, hub: true, elsewhere: false });
      await opened.close();
    });
    // Without them a worker is free, which is why they are there.
    await using({ headers: {} }, async (site) => {
      const opened = await site.openPage(POLICY);
      expect(await allowances(opened)).toMatchObject({ code: true, elsewhere: true });
    });
  });

  it("limits the engine's worker by the page's own policy where the host sends no headers", async () => {
    await using({ headers: {} }, async (site) => {
      const asked = async (hub: string) => {
        const opened = await site.openPage(`/?hub=${encodeURIComponent(hub)}`);
        await answerElsewhere(opened.page);
        await untilReady(opened.page);
        const reached: string[] = [];
        opened.page.context().on("request", (request) => reached.push(new URL(request.url()).origin));
        const message = await opened.page.evaluate(() =>
          (globalThis as unknown as Console).lorikeet.engine
            .chooseModel({ kind: "hub", id: "org/model" }, {})
            .then(String, String),
        );
        await opened.page.context().close();
        return { message, reached: reached.includes(hub) };
      };
      expect(await asked("https://example.com")).toMatchObject({ reached: false });
      // The control: the Hub answers, though not with a list of files.
      const { message, reached } = await asked("https://huggingface.co");
      expect({ reached, answered: /expected a file list/.test(message) }).toEqual({ reached: true, answered: true });
    });
  });

  it("allows the style that react-aria adds, and no other", async () => {
    await using({}, async (site) => {
      const opened = await site.openPage("/");
      await opened.page.goto(site.url(POLICY));
      await opened.page.getByRole("button", { name: "Press" }).waitFor();
      // A style that is blocked has no sheet.
      const applied = (id: string) => opened.page.evaluate<boolean>(`document.getElementById("${id}")?.sheet != null`);
      await expect.poll(() => applied("react-aria-pressable-style"), { timeout: 30_000 }).toBe(true);
      const ofStyles = () => violations(opened).filter((problem) => /applying inline style/i.test(problem));
      expect(ofStyles()).toEqual([]);

      const foreign = '{ id: "foreign", textContent: "a { color: red; }" }';
      await opened.page.evaluate(`document.head.append(Object.assign(document.createElement("style"), ${foreign}))`);
      expect(await applied("foreign")).toBe(false);
      expect(ofStyles()).toHaveLength(1);
    });
  });
});
