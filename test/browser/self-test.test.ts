/** The gate, the self-test and a device's two ends where users meet them: in a worker of a real browser. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserMissing, type OpenPage, type Site, startSite } from "./harness.ts";
import type { SelfTestCalls, SelfTestOrder, SelfTestPage } from "./page/self-test-protocol.ts";

const missing = await browserMissing();
const PAGE = "/test/browser/page/self-test.html";

interface Scope {
  readonly selfTestPage: SelfTestPage;
}

const call = <Name extends SelfTestOrder>({ page }: OpenPage, name: Name): ReturnType<SelfTestCalls[Name]> =>
  page.evaluate<unknown, string>(
    (order) => (globalThis as unknown as Scope).selfTestPage.call(order as SelfTestOrder),
    name,
  ) as ReturnType<SelfTestCalls[Name]>;

describe.skipIf(missing)(`the self-test in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  it("passes in a worker, cold and warm, behind an open gate", async () => {
    const opened = await site.openPage(PAGE);
    const { support, environment, cold, warm, live } = await call(opened, "examine");
    await opened.close();
    expect(support.verdict).toEqual({ state: "ready" });
    expect(environment.map(({ name, value }) => [name, value])).toEqual([
      ["Private file system", true],
      ["Direct file access", true],
      ["Locks between tabs", true],
    ]);
    for (const results of [cold, warm]) expect(results.filter(({ passed }) => !passed)).toEqual([]);
    expect(cold.length).toBeGreaterThan(10);
    expect(warm.map(({ name, error }) => [name, error])).toEqual(cold.map(({ name, error }) => [name, error]));
    expect(live).toBe(0);
  });

  it("hears of exhausted memory while it loads", async () => {
    const opened = await site.openPage(PAGE);
    const error = await call(opened, "exhaust");
    await opened.close();
    if (error === null) return;
    expect(error).toMatchObject({ kind: "device", code: "out-of-memory" });
    expect(error.message).toMatch(/^the GPU is out of memory, with [\d.]+ GB asked for: /);
    expect(error.hint).toContain("smaller model");
  });

  it("hears of a GPU process that crashed, in the middle of its work", async () => {
    const opened = await site.openPage(PAGE);
    const errors = call(opened, "workUntilLost");
    await opened.page.waitForFunction(() => (globalThis as unknown as Scope).selfTestPage.working);
    const developer = await opened.page.context().browser()?.newBrowserCDPSession();
    // The browser may go on to answer before the process is gone, or not at all.
    void developer?.send("Browser.crashGpuProcess").catch(() => {});
    for (const error of await errors) expect(error).toMatchObject({ kind: "device", code: "device-lost" });
    expect(await errors).toHaveLength(3);
    await opened.close();
  });
});
