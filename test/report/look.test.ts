/**
 * Reports in a real browser: accessible, whole at both widths and on both grounds, asking for nothing. LORIKEET_SHOTS names
 * a folder for pictures.
 */
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserArgs, browserEnv, findChromium } from "../../src/cli/launch/chromium.mjs";
import { runReport } from "../../src/report/report.ts";
import { lookProblems } from "../browser/card-states.ts";
import { browserMissing } from "../browser/harness.ts";
import { collapsedRun, emptyRun, healthyRun, probesOf, stepsOf } from "./support.ts";

const missing = await browserMissing();
const WIDE = "W".repeat(3000);

describe.skipIf(missing)(`reports in a browser${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    const found = await findChromium();
    if ("reason" in found) throw new Error(found.reason);
    const { executablePath } = found;
    browser = await chromium.launch({ executablePath, args: [...browserArgs], env: browserEnv(found) });
  });
  afterAll(() => browser?.close());

  /** Opens a report as a host serves it; what is wrong with its looks, what it asked for, what the console said. */
  async function look(name: string, report: string): Promise<string[]> {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("console", (message) => problems.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
    const address = "http://localhost/report.html";
    await page.route("**/*", (route) => {
      const url = route.request().url();
      if (url === address) return route.fulfill({ contentType: "text/html; charset=utf-8", body: report });
      problems.push(`asked for ${url}`);
      return route.abort();
    });
    await page.goto(address);
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
    problems.push(...(await lookProblems(page, `report-${name}`)));
    await page.close();
    return problems;
  }

  it.each([
    ["healthy", healthyRun()],
    ["collapsed", collapsedRun()],
    ["empty", emptyRun({ error: "The GPU was lost. Start again from the last checkpoint." })],
    ["one-update", healthyRun({ steps: stepsOf(1, 1), validations: [], probes: probesOf([0]), voice: null })],
    ["wide-words", healthyRun({ title: WIDE, questions: [WIDE], probes: probesOf([0, 1], () => ({ text: WIDE })) })],
  ])("%s", async (name, run) => {
    expect(await look(name, runReport(run))).toEqual([]);
  });

  it("finds what is pale, too wide, or asks for something; the policy stops a script", async () => {
    const report = runReport(emptyRun());
    const pale = report.replace("</main>", '<p style="color:#999;width:2000px">pale</p></main>');
    const problems = (await look("pale", pale)).join("\n");
    expect(problems).toMatch(/color-contrast/);
    expect(problems).toMatch(/390: \d+ pixels wider/);
    const image = report.replace("</main>", '<img alt="" src="x.png"><script>throw 1</script></main>');
    const refused = (await look("image", image)).join("\n");
    expect(refused).toMatch(/console: .*x\.png.*Content Security Policy/);
    expect(refused).not.toMatch(/asked for|exception/);
    const open = image.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, "");
    expect((await look("open", open)).join("\n")).toMatch(/asked for .*x\.png/);
  });
});
