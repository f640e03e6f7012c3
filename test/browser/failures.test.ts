/**
 * What stands between a person and training in the browser itself, on the built page in Chromium: no WebGPU, a GPU that
 * computes wrongly, an engine that does not come up or breaks off. Each says what is missing and what to do.
 */
import type { Page } from "playwright-core";
import { describe, expect, it, onTestFinished } from "vitest";
import { browserArgs } from "../../src/cli/launch/chromium.mjs";
import { button, changeEngine, NOT_LOADED, notice, setKnobs, small } from "./failing-page.ts";
import { frontOf } from "./front.ts";
import { installedBrowserMissing, type PageOptions, type SiteOptions, startSite } from "./harness.ts";
import { openCard, stateOf, untilReady, untilState } from "./journey-page.ts";

const missing = await installedBrowserMissing();
const CARDS = "[data-card]";

/** The page of a site that goes with its test. */
async function open(how: { site?: SiteOptions; page?: PageOptions } = {}) {
  const site = await startSite(how.site);
  onTestFinished(() => site.close());
  return site.openPage("/", how.page);
}

/** Nothing to press that cannot work. */
async function expectNoCards(page: Page): Promise<void> {
  expect(await page.locator(CARDS).count()).toBe(0);
  expect(await page.getByRole("button", { name: /^(Start|Load|Compare)/ }).count()).toBe(0);
}

describe.skipIf(missing)(`failures of the browser${missing ? ` (no browser: ${missing})` : ""}`, () => {
  it("without a graphics adapter the gate says so, what to do, and what it looked at", async () => {
    const args = [...browserArgs.filter((arg) => !arg.includes("webgpu")), "--disable-gpu"];
    const { page, close } = await open({ site: { args } });
    const gate = await notice(page, "found no graphics adapter");
    expect(await gate.innerText()).toContain("Turn on hardware acceleration");
    await expectNoCards(page);
    await page.getByText("What was found here").click();
    await page.getByRole("row", { name: /Graphics adapter.*No/ }).waitFor();
    await button(page, "Look again").click();
    await notice(page, "found no graphics adapter");
    await close();
  });

  it("without WebGPU the gate names browsers that have it", async () => {
    const prepare = changeEngine((script) => `delete WorkerNavigator.prototype.gpu;\n${script}`);
    const { page, close } = await open({ page: { prepare } });
    expect(await (await notice(page, "This browser has no WebGPU")).innerText()).toContain("Use Safari 26");
    await expectNoCards(page);
    await close();
  });

  it("a page that did not come over a secure connection is told from a browser without WebGPU", async () => {
    const args = [...browserArgs, "--host-resolver-rules=MAP page.test localhost"];
    const asOther = async (...given: Parameters<typeof frontOf>) => {
      const { origin, url, close } = await frontOf(...given);
      const other = (at: string) => at.replace("//localhost:", "//page.test:");
      return { origin: other(origin), url: (at: string) => other(url(at)), close };
    };
    const { page, close } = await open({ site: { args, front: (behind) => asOther(behind, behind.origin) } });
    expect(await (await notice(page, "secure connection")).innerText()).toContain("Open the page over https");
    await expectNoCards(page);
    await close();
  });

  it("a kernel that computes wrongly is found out, and named", async () => {
    // In its backward pass alone, where a wrong sign shows in no answer.
    const wrong = (script: string) =>
      script.replace("weight[i] * dy[at] - x[at] * pull", "weight[i] * dy[at] + x[at] * pull");
    const { page, close } = await open({ page: { prepare: changeEngine(wrong) } });
    const gate = await notice(page, "computes wrongly, so nothing is trained on it");
    const words = await gate.innerText();
    expect(words).toContain("Update the browser and the system");
    await expectNoCards(page);
    const tests = await stateOf(page, ({ opening }) => opening!.selfTests);
    const failed = tests.filter(({ passed }) => !passed);
    expect(failed.map(({ name }) => name)).toContain("rmsnorm");
    expect(failed.length).toBeLessThan(tests.length / 2);
    for (const { name, evidence } of failed) {
      expect(words).toContain(name);
      expect(words).toContain(evidence);
    }
    await close();
  });

  it("an engine whose script is missing is reported, and a reload finds it when it is back", async () => {
    let gone = true;
    const prepare: PageOptions["prepare"] = (context) =>
      context.route(/\/assets\/entry-/, (route) =>
        gone ? route.fulfill({ status: 404, body: "" }) : route.fallback(),
      );
    const { page, close } = await open({ page: { prepare } });
    await notice(page, "could not start");
    await expectNoCards(page);
    gone = false;
    await button(page, "Reload the page").click();
    await untilReady(page);
    await close(NOT_LOADED);
  });

  it("an engine that breaks off in mid-run says so, and a reload goes on from the last saved update", async () => {
    let breaks = true;
    const prepare: PageOptions["prepare"] = (context) =>
      changeEngine((script) => `${breaks ? BREAKS_AFTER_SAVE : ""}\n${script}`)(context);
    const { page, close } = await open({ page: { prepare } });
    await untilReady(page);
    await setKnobs(page, small(4));
    await openCard(page, "train");
    await button(page, /^Start/).click();
    const words = await (await notice(page, "has stopped")).innerText();
    expect(words).toContain("deliberate");
    await expectNoCards(page);
    expect(await stateOf(page, ({ run }) => run.phase)).toBe("failed");
    breaks = false;
    await button(page, "Reload the page").click();
    await untilReady(page);
    await button(page, /^Go on/).click();
    await untilState(page, ({ run }) => run.phase === "done" || run.phase === "failed");
    const { phase, start, outcome } = await stateOf(page, ({ run }) => run);
    expect([phase, outcome?.usable, outcome?.done.steps]).toEqual(["done", true, 4]);
    expect(start!.doneSteps).toBeGreaterThanOrEqual(2);
    await close(/deliberate/);
  });
});

/**
 * An error that nothing in the engine waits for, as a bug would throw it, once the second update is saved. Then the worker
 * is stuck, so that however slow the page is to hear of it, nothing more is trained.
 */
const BREAKS_AFTER_SAVE = `const post = self.postMessage.bind(self);
self.postMessage = (message) => {
  post(message);
  const events = message.event?.type === "progress" ? message.event.events : [];
  if (!events.some(({ type, step }) => type === "save" && step === 2)) return;
  setTimeout(() => { throw new Error("deliberate"); });
  setTimeout(() => { for (;;); });
};`;
