/**
 * Every step of the real journey on the built page, looked at in both schemes and at both widths: accessible, and nothing
 * wider than the screen. LORIKEET_SHOTS names a folder for pictures. One trained page serves all steps.
 */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CardId } from "../../src/ui/state/app-state.ts";
import { lookProblems } from "./card-states.ts";
import { installedBrowserMissing, type OpenPage, type Site, startSite } from "./harness.ts";
import { type Console, card, openCard, untilReady, untilState } from "./journey-page.ts";

const missing = await installedBrowserMissing();

describe.skipIf(missing)(`each step of the journey${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  let opened: OpenPage;
  let page: Page;
  beforeAll(async () => {
    site = await startSite();
    opened = await site.openPage("/", { reducedMotion: "reduce" });
    page = opened.page;
    await untilReady(page);
    await untilState(page, ({ plan }) => plan !== null);
  });
  afterAll(() => site?.close());

  /** Looks at the page as it stands, and leaves it as wide as it was. */
  const look = async (name: string) => {
    expect(await lookProblems(page, `step-${name}`), name).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 900 });
    // Off the controls, whose tooltips come and go.
    await page.mouse.move(2, 2);
  };
  const button = (name: string | RegExp) => page.getByRole("button", { name });
  const unfold = (text: string | RegExp) => page.locator("summary:visible", { hasText: text }).first().click();
  const only = async (id: CardId) => {
    const open = page.locator("[data-card] h2 button[aria-expanded=true]");
    while ((await open.count()) > 0) await open.first().click();
    await openCard(page, id);
    await card(page, id).getByText("Opening…").waitFor({ state: "detached" });
  };

  it("before there is anything", async () => {
    await look("ready");
    await unfold("All settings");
    await unfold("Questions asked");
    await page.getByLabel("Batch size").waitFor();
    await look("settings");
    await unfold("This browser is ready");
    await page.getByRole("table", { name: /Self-test/ }).waitFor();
    await look("gate");
    await unfold("This browser is ready");
    await button("Everything stays in this tab").click();
    await page.getByRole("dialog").waitFor();
    await unfold("own files");
    await look("trust");
    await page.keyboard.press("Escape");
  });

  it("the model", async () => {
    await only("model");
    await card(page, "model").locator(".k-facts").waitFor();
    await look("model");
    const source = (name: string) => card(page, "model").getByRole("radio", { name });
    await source("Catalogue").check({ force: true });
    await source("Llama 3.2 1B").check({ force: true });
    await look("model-catalogue");
    await source("Hub id").check({ force: true });
    await unfold("Access token");
    await look("model-hub");
    await source("Folder").check({ force: true });
    await look("model-folder");
    await source("Built-in demo").check({ force: true });
  });

  it("the data", async () => {
    await only("data");
    await page.getByText("Line 1: record 1 of").waitFor();
    await look("data");
    await unfold("Use other data");
    await unfold("Columns, used as detected");
    await look("data-unfolded");
  });

  it("what waits for a run", async () => {
    for (const id of ["check", "download", "runs"] as const) {
      await only(id);
      await look(`${id}-empty`);
    }
  });

  it("training, paused, stopped by hand", async () => {
    await only("train");
    await button(/^Start/).click();
    await untilState(page, ({ step }) => step >= 2);
    await look("training");
    await button(/^Pause/).click();
    await untilState(page, ({ run }) => run.phase === "paused");
    await look("paused");
    await button(/^Stop/).click();
    await page.getByRole("dialog").waitFor();
    await page.getByRole("button", { name: "Go on training" }).focus();
    await look("stop");
    await button(/^Stop and keep/).click();
    await untilState(page, ({ run }) => run.phase === "done");
    await look("done");
    await unfold("Evidence for: Every adapted layer");
    await unfold("Log");
    await button("Train again with other settings").click();
    await look("done-unfolded");
  });

  it("the answers", async () => {
    await only("check");
    await button("Compare").click();
    await untilState(
      page,
      ({ answering, comparison }) => answering === null && comparison?.sides.tuned?.ended !== null,
    );
    await look("compared");
    await page.getByLabel("Your first words").fill("Many thanks!");
    await button("Send").click();
    await untilState(page, ({ answering, chat }) => answering === null && chat[0]?.ended !== null);
    await unfold("How to answer");
    await unfold("What the adapter changed");
    await page.getByText("Size of each layer's change").first().waitFor();
    await look("check-unfolded");
    await unfold("Mix adapters");
    await page.getByRole("spinbutton", { name: /^Weight of/ }).fill("0.5");
    await button("Mix them").click();
    await untilState(page, ({ mix }) => mix !== null);
    await page.getByText(/^Rank \d+: the exact sum/).waitFor();
    await look("check-mixed");
    await button("Back to the adapter alone").click();
    await untilState(page, ({ mix }) => mix === null);
  });

  it("the download, for each tool", async () => {
    await only("download");
    await look("download");
    await card(page, "download").locator("summary", { hasText: "checks passed" }).click();
    await unfold("Push with your own token");
    for (const tab of await page.getByRole("tab").all()) {
      await tab.click();
      await look(`download-${(await tab.textContent())?.replace(/\W+/g, "-").toLowerCase()}`);
    }
  });

  it("the runs, beside each other", async () => {
    await only("runs");
    await look("runs");
    await page.evaluate(async () => {
      const { store, engine } = (globalThis as unknown as Console).lorikeet;
      const config = { ...store.get().config!, steps: 2, epochs: "auto" as const, batchSize: 2, stepsPerSample: 0 };
      await engine.startRun(config, []);
      store.set({ runs: await engine.runs() });
    });
    await only("runs");
    for (const box of await page.getByRole("checkbox", { name: /^Compare/ }).all()) await box.check();
    await page.getByRole("table", { name: "Settings in which they differ" }).waitFor();
    await look("runs-compared");
  });

  it("draws 5,000 points", async () => {
    await only("train");
    await page.locator(".k-plot").first().waitFor();
    const { frames, points } = await page.evaluate(measureRedraw, 5000);
    const total = frames.reduce((sum, one) => sum + one, 0);
    console.log(`5,000 points: ${frames.length} charts drawn anew in ${total.toFixed(1)} ms of the main thread`);
    expect(points).toBe(5000);
    expect(frames.length).toBeGreaterThanOrEqual(4);
  });

  it("keeps the page when one card breaks", async () => {
    await page.evaluate(() => (globalThis as unknown as Console).lorikeet.store.set({ log: null as never }));
    await page.getByText("The Train card cannot be shown").waitFor();
    await only("download");
    await page.getByText("Use it elsewhere").waitFor();
    expect(await lookProblems(page, "step-broken")).toEqual([]);
    // React tells the console, which is the one thing that went wrong all the way.
    await expect(opened.close()).rejects.toThrow(/had problems:\n {2}console: [^\n]*Cannot read properties of null/);
  });
});

/** Adds updates to the curves at once; resolves with the milliseconds that each chart's drawing took. */
async function measureRedraw(count: number): Promise<{ frames: number[]; points: number }> {
  const { curves } = (globalThis as unknown as Console).lorikeet;
  const frames: number[] = [];
  const original = globalThis.requestAnimationFrame;
  globalThis.requestAnimationFrame = (draw) =>
    original((time) => {
      const began = performance.now();
      draw(time);
      // uPlot draws in a microtask of its own.
      queueMicrotask(() => queueMicrotask(() => frames.push(performance.now() - began)));
    });
  curves.clear();
  curves.add(
    Array.from({ length: count }, (_, i) => ({
      ...{ type: "step", step: i + 1, epoch: 0, loss: 2 + Math.sin(i / 40), gradNorm: 1, finite: true },
      ...{ learningRate: 1e-3, tokens: 100, supervisedTokens: 50, seconds: 0.5 },
    })),
  );
  await new Promise((resolve) => setTimeout(resolve, 1500));
  globalThis.requestAnimationFrame = original;
  return { frames, points: curves.points("loss").count };
}
