/**
 * The whole journey on the built page by keyboard alone: every stop of the Tab key shows its focus, lies in sight and
 * follows the page, and no action loses the focus.
 */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedBrowserMissing, type OpenPage, type Site, startSite } from "./harness.ts";
import { card, stateOf, untilReady, untilState } from "./journey-page.ts";
import { expectFocus, focused, focusProblems, typeOver, walkTo } from "./keyboard-page.ts";

const missing = await installedBrowserMissing();

describe.skipIf(missing)(`the page by keyboard alone${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  let opened: OpenPage;
  let page: Page;
  beforeAll(async () => {
    site = await startSite();
    // Smooth scrolling would be under way at each look.
    opened = await site.openPage("/", { reducedMotion: "reduce" });
    page = opened.page;
    await untilReady(page);
    await untilState(page, ({ plan }) => plan !== null);
  });
  afterAll(() => site?.close());

  /** A press of this key on what has the focus. */
  const press = (key: string) => page.keyboard.press(key);
  const expanded = (id: string) =>
    card(page, id as "train")
      .locator("h2 button")
      .getAttribute("aria-expanded");

  it("is checked by something that bites", async () => {
    expect(focusProblems(await focused(page))).toEqual(["nothing has the focus"]);
    await press("Tab");
    await press("Tab");
    expect(focusProblems(await focused(page))).toEqual([]);
    await press("Shift+Tab");
    expect((await focusProblems(await focused(page))).join()).toContain("does not follow");
    await press("Tab");
    await page.evaluate("document.styleSheets[0].insertRule(':focus-visible { outline: none !important }')");
    expect(focusProblems(await focused(page)).join()).toContain("does not show it");
    await page.evaluate("document.styleSheets[0].deleteRule(0)");
    await page.evaluate("scrollTo({ top: 400, behavior: 'instant' })");
    expect(focusProblems(await focused(page)).join()).toContain("out of sight");
    await page.evaluate("scrollTo({ top: 0, behavior: 'instant' }); document.activeElement.blur()");
  });

  /** Begins with a way past the rail, and closes a dialog with Escape. */
  const trust = async () => {
    await page.reload();
    await untilReady(page);
    await walkTo(page, /^Skip to the cards/);
    await walkTo(page, /^Everything stays in this tab/);
    await press("Enter");
    await page.getByRole("dialog").waitFor();
    await press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await expectFocus(page, null, /^Everything stays/);
  };

  /** Opens and closes each card, and comes by all that is in it. */
  const cards = async () => {
    const inside: Readonly<Record<string, number>> = { model: 8, data: 10, check: 1, download: 1, runs: 0 };
    for (const [id, stops] of Object.entries(inside)) {
      await walkTo(page, new RegExp(`^${id}$`, "i"), id);
      await press("Enter");
      expect(await expanded(id)).toBe("true");
      await card(page, id as "model")
        .getByText("Opening…")
        .waitFor({ state: "detached" });
      // The rail leads to each card; only here does it lead out of one.
      let count = 0;
      for (;;) {
        await press("Tab");
        const now = await focused(page);
        if (now.card !== id) break;
        expect(focusProblems(now)).toEqual([]);
        count += 1;
      }
      expect(count, id).toBeGreaterThanOrEqual(stops);
      await card(page, id as "model")
        .locator("h2 button")
        .focus();
      await press("Space");
      expect(await expanded(id)).toBe("false");
      await expectFocus(page, id);
    }
  };

  /** Changes the settings and starts. */
  const start = async () => {
    await walkTo(page, /\| trial$/, "train", "Shift+Tab");
    await press("ArrowRight");
    await untilState(page, ({ preset }) => preset === "standard");
    await press("ArrowLeft");
    await untilState(page, ({ preset }) => preset === "trial");
    await walkTo(page, /^All settings/);
    await press("Enter");
    await walkTo(page, /^Steps/);
    await typeOver(page, "8");
    await walkTo(page, /^Batch size/);
    await typeOver(page, "2");
    await untilState(page, ({ config }) => config?.steps === 8 && config.batchSize === 2);
    await walkTo(page, /^Start/);
    await press("Enter");
    await expectFocus(page, "train", /^Pause/);
  };

  /** Pauses with Space, asks before it stops, goes on, and ends. */
  const train = async () => {
    await untilState(page, ({ step }) => step > 0);
    await press("Space");
    await untilState(page, ({ run }) => run.phase === "paused");
    await expectFocus(page, "train", /^Resume/);
    await walkTo(page, /^Stop/);
    await press("Enter");
    await page.getByRole("dialog").waitFor();
    await press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await expectFocus(page, "train", /^Stop/);
    await press("Shift+Tab");
    await press("Enter");
    await untilState(page, ({ run }) => run.phase !== "paused");
    await untilState(page, ({ run }) => run.phase === "done" || run.phase === "failed");
    expect(await stateOf(page, ({ run }) => run.outcome?.usable)).toBe(true);
    await expectFocus(page, "train", /^Compare answers/);
  };

  /** Asks base and tuned, and goes on to the download. */
  const takeAway = async () => {
    await press("Enter");
    await expectFocus(page, "check", /^Check/);
    expect(await expanded("train")).toBe("false");
    await walkTo(page, /^Your question|\| Your question/, "check");
    await typeOver(page, "I am hungry.");
    await untilState(
      page,
      ({ answering, comparison }) => answering === null && comparison?.sides.tuned?.ended !== null,
    );
    expect(await stateOf(page, ({ comparison }) => comparison?.question)).toBe("I am hungry.");
    await expectFocus(page, "check", /Your question/);
    await walkTo(page, /^Compare$/);
    await press("Enter");
    await expectFocus(page, "check", /^(Stop|Compare)/);
    await untilState(page, ({ answering }) => answering === null);
    await expectFocus(page, "check", /^Compare$/);
    await walkTo(page, /^Go to the download/);
    await press("Enter");
    await expectFocus(page, "download", /^Download/);
    await walkTo(page, /^Download for mlx-lm/);
    const [download] = await Promise.all([page.waitForEvent("download"), press("Enter")]);
    expect(download.suggestedFilename()).toMatch(/\.zip$/);
    await expectFocus(page, "download", /^Download for mlx-lm/);
    await walkTo(page, /^mlx-lm/);
    await press("ArrowRight");
    await expectFocus(page, "download", /^PEFT/);
  };

  it("goes from the first look to the file on the disk", async () => {
    await trust();
    await cards();
    await start();
    await train();
    await takeAway();
    await opened.close();
  });
});
