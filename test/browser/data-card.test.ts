/** The Data card in Chromium: every state in every look, and the way through it by keyboard alone. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../src/cli/launch/places.mjs";
import { calls, lookProblems, tabTo } from "./card-states.ts";
import { browserMissing, type OpenPage, type Site, startSite } from "./harness.ts";

const missing = await browserMissing();
const text = readFileSync(path.join(root, "test/browser/page/fake/data.ts"), "utf8");
const table = text.slice(text.indexOf("DATA_STATES: "));
/** Names of the states, out of the file of the page, which this environment cannot import. */
const STATES = [...table.slice(0, table.indexOf("\n};")).matchAll(/^ {2}"?([\w-]+)"?: state\(/gm)].map(
  (match) => match[1]!,
);

describe.skipIf(missing)(`the Data card in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  const open = async (state: string): Promise<OpenPage> => {
    const opened = await site.openPage(`/test/browser/page/data-card.html?state=${state}`);
    await opened.page.getByRole("heading", { name: "Data", exact: true }).waitFor();
    if (state !== "closed") await opened.page.locator(".k-drop, .k-details").first().waitFor();
    if (["partial", "success", "mapped"].includes(state)) await opened.page.locator(".k-tokens").waitFor();
    return opened;
  };
  const expectCall = ({ page }: OpenPage, call: string) =>
    expect.poll(() => calls(page), { timeout: 60_000 }).toContain(call);

  it("has all its states in the table", () => {
    expect(STATES.length).toBeGreaterThan(11);
    expect(STATES).toContain("nothing-left");
  });

  it.each(STATES)("is accessible and fits its window: %s", async (state) => {
    const opened = await open(state);
    expect(await lookProblems(opened.page, `data-${state}`)).toEqual([]);
    await opened.close();
  });

  it("is accessible with everything opened", async () => {
    const opened = await open("partial");
    await opened.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
    expect(await lookProblems(opened.page, "data-all-open")).toEqual([]);
    await opened.close();
  });

  it("opens a record from the table by keyboard and walks on, fetching only what is shown", async () => {
    const opened = await open("partial");
    const { page } = opened;
    await tabTo(page, "Open the record of line 3");
    await page.keyboard.press("Enter");
    await page.getByText("Line 3: record 3 of 264").waitFor();
    expect(await page.evaluate("document.activeElement.className")).toBe("c-data-view");
    await tabTo(page, "Next record");
    await page.keyboard.press("Enter");
    await page.getByText("Line 4: record 4 of 264").waitFor();
    await page.getByRole("button", { name: "Later records" }).press("Enter");
    await page.getByRole("button", { name: "Open the record of line 24" }).waitFor();
    const asked = await calls(page);
    expect(asked).toContain("dataRows(20, 20)");
    expect(asked.filter((call) => call.startsWith("dataRows") && !call.endsWith(", 20)"))).toEqual([]);
    expect(
      new Set(asked.filter((call) => call.startsWith("previewRecord")).map((call) => call.slice(0, 16))).size,
    ).toBe(3);
    await opened.close();
  });

  it("leads from a finding to its record, wherever it is", async () => {
    const opened = await open("partial");
    const { page } = opened;
    await page.getByText("Where: Longer than the limit").press("Enter");
    await page.getByRole("button", { name: /^Line 149/ }).press("Enter");
    await page.getByText("Line 149: record 144 of 264").waitFor();
    await page.getByRole("button", { name: "Open the record of line 149" }).waitFor();
    // What was left out has no record to open.
    await page.getByText("Where: Unreadable row").press("Enter");
    expect(await page.getByRole("button", { name: /^Line 8/ }).count()).toBe(0);
    await opened.close();
  });

  it("maps columns by hand, and back", async () => {
    const opened = await open("mapped");
    const { page } = opened;
    const use = page.getByRole("button", { name: "Use these columns" });
    expect(await use.isDisabled()).toBe(true);
    await page.getByLabel("kontext").selectOption("system");
    await use.press("Enter");
    await expectCall(opened, 'mapColumns({"id":"ignore","kunde":"prompt","kontext":"system","antwort":"completion"})');
    await page.getByRole("button", { name: "Back to the guess" }).press("Enter");
    await expectCall(opened, 'mapColumns({"id":"ignore","kunde":"prompt","kontext":"ignore","antwort":"completion"})');
    await opened.close();
  });

  it("takes files and the sample, and hands out the cleaned file", async () => {
    const empty = await open("empty");
    await empty.page.getByRole("button", { name: "Use the sample dataset" }).press("Enter");
    await expectCall(empty, "openSample()");
    const file = { name: "train.jsonl", mimeType: "application/json", buffer: Buffer.from("{}") };
    await empty.page
      .locator("input[type=file]")
      .first()
      .setInputFiles([file, { ...file, name: "valid.jsonl" }]);
    await expect
      .poll(async () => (await calls(empty.page)).join(), { timeout: 60_000 })
      .toContain('"path":"valid.jsonl"');
    await empty.close();
    const partial = await open("partial");
    const download = partial.page.waitForEvent("download");
    await partial.page.getByRole("button", { name: "Download the cleaned file" }).press("Enter");
    expect((await download).suggestedFilename()).toBe("chats.clean.jsonl");
    await partial.close();
  });

  it("renders nothing again on training progress", async () => {
    const opened = await open("partial");
    const { page } = opened;
    const changesBy = (change: string) =>
      page.evaluate<number>(`(async () => {
      let seen = 0;
      const observer = new MutationObserver((list) => { seen += list.length; });
      observer.observe(document.querySelector("[data-card]"), { subtree: true, childList: true, attributes: true, characterData: true });
      for (let step = 1; step <= 20; step++) {
        stand.set(${change});
        await new Promise((done) => requestAnimationFrame(done));
      }
      return seen;
    })()`);
    const asked = (await calls(page)).length;
    expect(await changesBy("{ step, secondsLeft: 100 - step, log: [] }")).toBe(0);
    expect((await calls(page)).length).toBe(asked);
    // The check bites: another title is a change.
    expect(
      await changesBy('{ problem: { card: "data", error: { kind: "data", message: "no " + step } } }'),
    ).toBeGreaterThan(0);
    await opened.close();
  });
});
