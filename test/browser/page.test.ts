import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserMissing, type Site, startSite } from "./harness.ts";

const missing = await browserMissing();

describe.skipIf(missing)(`the page in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  it("says what it is and what this browser's WebGPU offers", async () => {
    const opened = await site.openPage("/");
    const { page } = opened;
    expect(await page.title()).toBe("Lorikeet");
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Lorikeet");
    const gate = page.getByText(/This browser is ready: .*checks passed/);
    await gate.waitFor();
    await gate.click();
    await page.getByText("Largest binding").waitFor();
    await opened.close();
  });

  it("runs a kernel in a worker", async () => {
    const opened = await site.openPage("/test/browser/page/worker-kernel.html");
    const result = opened.page.locator("#result");
    await result.filter({ hasText: /./ }).waitFor();
    expect(await result.textContent()).toBe("sum 85344");
    await opened.close();
  });

  it("has a harness that notices every kind of fault", async () => {
    const opened = await site.openPage("/test/browser/page/faulty.html");
    const kinds = [
      "console: deliberate",
      "exception: deliberate",
      "status 404",
      "another host: https://huggingface.co/leak",
      "console: Connecting to 'https://example.com/leak' violates the following Content Security Policy",
    ];
    const seen = () => kinds.filter((kind) => opened.problems.some((problem) => problem.startsWith(kind)));
    await expect.poll(seen, { timeout: 30_000 }).toEqual(kinds);
    await expect(opened.close()).rejects.toThrow(/faulty.html had problems/);
  });
});
