/** The Runs card in Chromium: every state in every look, and the way through it by keyboard alone. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { calls, lookProblems, tabTo } from "./card-states.ts";
import { browserMissing, type OpenPage, type Site, startSite } from "./harness.ts";
import { RUNS_STATE_NAMES } from "./page/fake/run-states.ts";

const missing = await browserMissing();
const WAIT = { timeout: 60_000 };

describe.skipIf(missing)(`the Runs card in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  const open = async (state: (typeof RUNS_STATE_NAMES)[number]): Promise<OpenPage> => {
    const opened = await site.openPage(`/test/browser/page/runs-card.html?state=${state}`);
    await opened.page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
    return opened;
  };
  const expectCall = ({ page }: OpenPage, call: string) => expect.poll(() => calls(page), WAIT).toContain(call);

  it.each(RUNS_STATE_NAMES)("is accessible and fits its window: %s", async (state) => {
    const opened = await open(state);
    expect(await lookProblems(opened.page, `runs-${state}`)).toEqual([]);
    await opened.close();
  });

  it("offers what was interrupted first, at the top of the page too, and takes a no", async () => {
    const opened = await open("list");
    const { page } = opened;
    await page.getByText("A run stood at update 37 of 64 when its tab closed").waitFor();
    const first = page.getByRole("list").last().getByRole("listitem").first();
    expect(await first.textContent()).toContain("Interrupted");
    await tabTo(page, "Not now");
    await page.keyboard.press("Enter");
    await page.getByText("A run stood at").waitFor({ state: "hidden" });
    await tabTo(page, "Go on");
    await page.keyboard.press("Enter");
    await expectCall(opened, 'continueRun("run-8")');
    await opened.close();
  });

  it("shows, downloads and, asked twice, deletes", async () => {
    const opened = await open("finished");
    const { page } = opened;
    await page.getByRole("button", { name: "Show" }).first().press("Enter");
    await expectCall(opened, 'openRun("run-7")');
    await page.getByRole("button", { name: "Download adapter" }).first().press("Enter");
    await expectCall(opened, 'runFile("run-7", "mlx.zip")');
    await page.getByRole("button", { name: /^Delete Demo, trial/ }).click();
    await page.getByRole("dialog", { name: "Delete “Demo, trial”?" }).waitFor();
    // Off the cross, whose tooltip is placed anew only some time after a window has become narrower.
    await page.getByRole("button", { name: "Keep it" }).focus();
    await page.getByRole("tooltip").waitFor({ state: "hidden" });
    expect(await lookProblems(page, "runs-delete")).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect((await calls(page)).join()).not.toContain("forgetRun");
    await page.getByRole("button", { name: /^Delete Demo, trial/ }).press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).press("Enter");
    await expectCall(opened, 'forgetRun("run-6")');
    await opened.close();
  });

  it("opens an adapter that was made elsewhere", async () => {
    const opened = await open("finished");
    const { page } = opened;
    await page.getByText("Open an adapter you have").click();
    await page.getByText("Choose the model it was trained on first").waitFor();
    await page.evaluate('stand.set({ model: { ...stand.get().model, phase: "ready", title: "Built-in demo" } })');
    await page.getByText("Drop an adapter for Built-in demo here").waitFor();
    expect(await lookProblems(page, "runs-open-adapter")).toEqual([]);
    const file = { name: "mine.gguf", mimeType: "application/octet-stream", buffer: Buffer.from("GGUF") };
    await page.getByLabel("Choose files").first().setInputFiles(file);
    await expect.poll(async () => (await calls(page)).join(), WAIT).toContain("openAdapter(");
    await opened.close();
  });

  it("compares ticked runs in one chart, with the settings that differ", async () => {
    const opened = await open("list");
    const { page } = opened;
    await page.getByRole("checkbox", { name: /^Compare Demo, trial/ }).press("Space");
    await page.getByRole("checkbox", { name: /^Compare Letters/ }).press("Space");
    const chart = page.getByRole("img", { name: /^Training loss, smoothed/ });
    await chart.waitFor();
    expect(await chart.getAttribute("aria-label")).toMatch(
      /Ends: Letters in my voice at 1\.\d+; Demo, trial at 3\.\d+|Ends: Demo, trial/,
    );
    const table = page.getByRole("table", { name: "Settings in which they differ" });
    expect(await table.getByRole("row").count()).toBe(5);
    expect(await lookProblems(page, "runs-compare")).toEqual([]);
    await opened.close();
  });

  it("says so when a run cannot be read", async () => {
    const opened = await open("list");
    const { page } = opened;
    await page.getByRole("checkbox", { name: /^Compare Demo, thorough/ }).check();
    await page.getByRole("checkbox", { name: /^Compare Demo, trial/ }).check();
    await page.getByText("metrics.jsonl of run-9 cannot be read").waitFor();
    await opened.close();
  });

  it("lets nothing else begin while a run is under way", async () => {
    const opened = await open("busy");
    const { page } = opened;
    for (const button of await page.getByRole("button", { name: /^(Go on|Show)$/ }).all())
      expect(await button.isDisabled()).toBe(true);
    await page.getByText("A run is under way: until its end").waitFor();
    await opened.close();
  });
});
