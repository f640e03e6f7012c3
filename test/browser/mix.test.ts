/** Mixing adapters in the Check card, in Chromium: by keyboard, refused, taken away, and back to the adapter alone. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { calls, lookProblems, tabTo } from "./card-states.ts";
import { browserMissing, type OpenPage, type Site, startSite } from "./harness.ts";

const missing = await browserMissing();
const WAIT = { timeout: 60_000 };

describe.skipIf(missing)(`mixing adapters in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  /** The card with its fold open. */
  const open = async (state: string): Promise<OpenPage> => {
    const opened = await site.openPage(`/test/browser/page/closing-cards.html?state=${state}`);
    await opened.page.getByText("Mix adapters").press("Enter");
    await opened.page.getByText("Adds up what adapters").waitFor();
    return opened;
  };
  const said = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();
  const mixes = async (page: Page) => (await calls(page)).filter((call) => call.startsWith("mixAdapters("));
  const button = (page: Page) => page.getByRole("button", { name: "Mix them" });
  const box = (page: Page, name: RegExp) => page.locator(".c-check-mix").getByRole("checkbox", { name });
  const weight = (page: Page, name: RegExp) => page.getByRole("spinbutton", { name });

  it.each(["mixable", "mixed"])("is accessible and fits its window: %s", async (state) => {
    const opened = await open(state);
    expect(await lookProblems(opened.page, `mix-${state}`)).toEqual([]);
    await opened.close();
  });

  it("offers the ended runs of this base that have an adapter, this run first", async () => {
    const opened = await open("mixable");
    const { page } = opened;
    const rows = await page.locator(".c-check-mix li").allTextContents();
    expect(rows).toHaveLength(3);
    expect(rows[0]).toContain("This run");
    expect(rows[1]).toContain("20 updates");
    expect(rows[2]).toContain("A magnitude too many");
    expect(await box(page, /This run/).isChecked()).toBe(true);
    expect(await weight(page, /yesterday/).isDisabled()).toBe(true);
    await button(page).press("Enter");
    expect(await mixes(page)).toEqual([]);
    await said(page, "Take in another adapter, or change the weight of this one.");
    // A weight that is still being typed counts.
    await weight(page, /today/).fill("0.3");
    await button(page).click();
    await expect.poll(() => mixes(page), WAIT).toEqual(['mixAdapters([{"id":"run-1","weight":0.3}])']);
    await opened.close();
  });

  it("mixes by keyboard alone, says of what, and goes back in one press", async () => {
    const opened = await open("mixable");
    const { page } = opened;
    await tabTo(page, "yesterday");
    await page.keyboard.press("Space");
    await tabTo(page, "Weight of Built-in demo on Sample dataset, yesterday");
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("-0.6");
    await page.keyboard.press("ArrowUp");
    await tabTo(page, "Mix them");
    expect(await page.getByText("Tuned answers come from a mix").count()).toBe(0);
    await page.keyboard.press("Enter");
    await expect
      .poll(() => mixes(page), WAIT)
      .toEqual(['mixAdapters([{"id":"run-1","weight":1},{"id":"run-2","weight":-0.5}])']);
    await said(page, "Tuned answers come from a mix");
    await said(page, /^−0\.5 × Built-in demo on Sample dataset, yesterday/);
    await said(page, "On the model: ask it above.");
    await page.getByRole("button", { name: "Back to the adapter alone" }).press("Enter");
    await page.getByText("Tuned answers come from a mix").waitFor({ state: "detached" });
    expect((await mixes(page)).at(-1)).toBe('mixAdapters([{"id":"run-1","weight":1}])');
    expect(await box(page, /yesterday/).isChecked()).toBe(false);
    await opened.close();
  });

  it("says whose answers they are, and shows none that came from another adapter", async () => {
    const opened = await open("mixed");
    const { page } = opened;
    await said(page, "with the mix");
    await said(page, "The parrot is called Pip.");
    await said(page, "What the mix changed");
    await box(page, /yesterday/).press("Space");
    await weight(page, /today/).fill("0.5");
    await button(page).click();
    await page.getByText("The parrot is called Pip.").waitFor({ state: "detached" });
    // What was asked stands ready to be asked again.
    expect(await page.getByLabel("Your question").inputValue()).toBe("What is the parrot called?");
    await opened.close();
    const alone = await site.openPage("/test/browser/page/closing-cards.html?state=answered");
    await said(alone.page, "with your adapter");
    await alone.close();
  });

  it("says why some cannot be mixed, and what is not taken", async () => {
    const opened = await open("mixed");
    const { page } = opened;
    await box(page, /A magnitude too many/).press("Space");
    await button(page).press("Enter");
    await said(page, /DoRA's magnitudes are lengths of rows/);
    await said(page, "Fuse it into its base");
    expect(await page.locator(".k-notice", { hasText: "Tuned answers come from a mix" }).count()).toBe(1);
    expect(await lookProblems(page, "mix-refused")).toEqual([]);
    await weight(page, /A magnitude too many/).fill("3");
    await weight(page, /A magnitude too many/).press("Enter");
    await said(page, "The largest is 2.");
    for (const one of await page.locator(".c-check-mix").getByRole("checkbox").all()) await one.uncheck();
    await said(page, "Take in at least one.");
    expect(await button(page).isDisabled()).toBe(true);
    await opened.close();
  });

  it("hands the mix out whole, or under a rank with what that leaves out", async () => {
    const opened = await open("mixed");
    const { page } = opened;
    await said(page, "Rank 16: the exact sum. About 1.0 MB.");
    const save = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name }).press("Enter"),
      ]);
      return download.suggestedFilename();
    };
    expect(await save("Download the mix for mlx-lm (zip)")).toBe("mix-mlx.zip");
    await page.getByRole("switch", { name: "Limit its rank" }).press("Space");
    await said(page, "Rank 8 leaves out 12 % of the mix's change, most in block 2, v_proj: 31 %. About 502 kB.");
    await page.getByRole("spinbutton", { name: "Rank" }).fill("5");
    await page.getByRole("spinbutton", { name: "Rank" }).press("Enter");
    await said(page, /^Rank 5 leaves out/);
    expect(await save("Download the mix for PEFT (zip)")).toBe("mix-peft.zip");
    const files = (await calls(page)).filter((call) => call.startsWith("mixFile("));
    expect(files).toEqual(['mixFile("mlx.zip", null)', 'mixFile("peft.zip", 5)']);
    expect(await lookProblems(page, "mix-limited")).toEqual([]);
    await opened.close();
  });

  it("keeps the weights while the card is closed, and waits for an answer under way", async () => {
    const opened = await open("mixable");
    const { page } = opened;
    await box(page, /yesterday/).press("Space");
    const card = page.getByRole("button", { name: "Check", exact: true });
    await card.press("Enter");
    await card.press("Enter");
    await page.getByText("Mix adapters").press("Enter");
    expect(await box(page, /yesterday/).isChecked()).toBe(true);
    expect(await button(page).isDisabled()).toBe(false);
    await page.getByRole("button", { name: "Compare" }).press("Enter");
    await said(page, "An answer is being written.");
    expect(await button(page).isDisabled()).toBe(true);
    await page.keyboard.press("Escape");
    await opened.close();
  });
});
