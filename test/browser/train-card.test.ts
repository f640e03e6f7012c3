/** The Train card in Chromium: every state in every look, and the way through it by keyboard alone. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KNOBS } from "../../src/train/config.ts";
import { calls, lookProblems, tabTo } from "./card-states.ts";
import { browserMissing, type OpenPage, type Site, startSite } from "./harness.ts";
import { TRAIN_STATE_NAMES } from "./page/fake/run-states.ts";

const missing = await browserMissing();
const WAIT = { timeout: 60_000 };

/** An expression over the page's `stand`. */
const ask = <T>(page: Page, expression: string): Promise<T> => page.evaluate<T>(`stand.${expression}`);

describe.skipIf(missing)(`the Train card in Chromium${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  const open = async (state: (typeof TRAIN_STATE_NAMES)[number]): Promise<OpenPage> => {
    const opened = await site.openPage(`/test/browser/page/train-card.html?state=${state}`);
    await opened.page.getByRole("heading", { name: "Train", exact: true }).waitFor();
    await opened.page.getByText("is being loaded").waitFor({ state: "detached" });
    return opened;
  };
  const expectCall = ({ page }: OpenPage, call: string) => expect.poll(() => calls(page), WAIT).toContain(call);

  it.each(TRAIN_STATE_NAMES)("is accessible and fits its window: %s", async (state) => {
    const opened = await open(state);
    expect(await lookProblems(opened.page, `train-${state}`)).toEqual([]);
    await opened.close();
  });

  it("is looked at by checks that bite", async () => {
    const opened = await site.openPage("/test/browser/page/gallery-faulty.html");
    const problems = (await lookProblems(opened.page, "faulty")).join("\n");
    for (const fault of ["390: color-contrast", "390: button-name", "pixels wider than the screen"])
      expect(problems).toContain(fault);
    await opened.close();
  });

  it("is accessible with every setting open", async () => {
    const ready = await open("custom");
    await ready.page.getByText("All settings").click();
    await ready.page.getByText("Questions asked").click();
    await ready.page.getByLabel("Batch size").waitFor();
    expect(await ready.page.locator("[data-knob]").count()).toBe(KNOBS.length);
    expect(await lookProblems(ready.page, "train-settings")).toEqual([]);
    await ready.close();
  });

  it("says where a sweep is before there is a curve of it, and that Start waits for it", async () => {
    const opened = await open("sweep-begun");
    const { page } = opened;
    await page.getByText("A learning rate is being looked for: stop that").waitFor();
    await page.getByText("All settings").click();
    await page.getByText("The first update.").waitFor();
    await opened.close();
  });

  it.each(["swept", "sweeping"] as const)("shows the learning rates that were tried: %s", async (state) => {
    const opened = await open(state);
    const { page } = opened;
    await page.getByText("All settings").click();
    await page.getByRole("img", { name: /^Loss by learning rate/ }).waitFor();
    expect(await lookProblems(page, `train-${state}-open`)).toEqual([]);
    if (state === "swept") {
      await page.getByRole("button", { name: "Use this rate: 0.0024" }).press("Enter");
      await expect.poll(() => ask(page, "get().config.learningRate"), WAIT).toBe(2.4e-3);
      await page.getByRole("button", { name: "Find a learning rate" }).press("Enter");
      await expect.poll(async () => (await calls(page)).join(), WAIT).toContain("findRate(");
    } else {
      await page.getByRole("button", { name: "Stop" }).press("Enter");
      await expectCall(opened, "stopTrial()");
    }
    await opened.close();
  });

  it("tells what the guard did, marks it on the curve, and puts its verdict before the curves'", async () => {
    const back = await open("rolled-back");
    await back.page.getByText("Put back to update 24, learning rate halved. Loss", { exact: false }).first().waitFor();
    const marks = back.page.getByRole("list", { name: "Marks on the chart" });
    expect(await marks.textContent()).toContain("put back: update 30");
    await back.page.getByRole("img", { name: /^Loss/ }).press("Home");
    await back.close();
    const plain = await open("training");
    expect(await plain.page.getByRole("list", { name: "Marks on the chart" }).count()).toBe(0);
    await plain.close();
    const steep = await open("rate-too-high");
    await steep.page.getByText("Steps far too large").waitFor();
    await steep.page.getByRole("button", { name: "Set the learning rate to 0.003" }).press("Enter");
    await steep.page.getByText("Steps far too large").waitFor({ state: "detached" });
    expect(await ask(steep.page, "get().config.learningRate")).toBe(3e-3);
    await steep.close();
    const odd = await open("suspicious");
    await odd.page.getByText("Suspicious. Usable, but its answers look odd").waitFor();
    await odd.page.getByText("Why", { exact: true }).first().click();
    await odd.page.getByText("62 % of its 4-grams came before in it").first().waitFor();
    await odd.page.getByText("closer to the dataset's manner: 21 % before, 68 % with the adapter").waitFor();
    await odd.close();
  });

  it("is accessible with the question before stopping", async () => {
    const training = await open("training");
    await training.page.getByRole("button", { name: "Stop" }).click();
    await training.page.getByRole("dialog", { name: "Stop training?" }).waitFor();
    // Off the cross, whose tooltip is placed anew only some time after a window has become narrower.
    await training.page.getByRole("button", { name: "Go on training" }).focus();
    await training.page.getByRole("tooltip").waitFor({ state: "hidden" });
    expect(await lookProblems(training.page, "train-stop")).toEqual([]);
    await training.close();
  });

  it("starts by keyboard with another preset, and with questions of one's own", async () => {
    const opened = await open("ready");
    const { page } = opened;
    await tabTo(page, "standard");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => ask(page, "get().preset"), WAIT).toBe("trial");
    await tabTo(page, "Questions asked");
    await page.keyboard.press("Enter");
    await page.getByLabel("Questions", { exact: true }).last().fill("Who are you?");
    await page.keyboard.press("Enter");
    await expect.poll(() => ask(page, "get().probes.length"), WAIT).toBe(5);
    await page.getByRole("button", { name: "Use the first questions" }).press("Enter");
    expect(await ask(page, "get().probes")).toBeNull();
    await tabTo(page, "Start");
    await page.keyboard.press("Enter");
    await expect
      .poll(async () => (await calls(page)).join("\n"), WAIT)
      .toMatch(/^startRun\(.*"steps":20.*"I am hungry\."/m);
    await opened.close();
  });

  it("takes settings, says what is wrong with them, and goes back to the defaults", async () => {
    const opened = await open("ready");
    const { page } = opened;
    await tabTo(page, "All settings");
    await page.keyboard.press("Enter");
    const rate = page.getByRole("spinbutton", { name: "Learning rate" });
    await rate.fill("1");
    await rate.press("Enter");
    await page.getByText("Expected number > 0 and < 1, got 1.").waitFor();
    expect(await page.getByRole("button", { name: "Start" }).isDisabled()).toBe(true);
    await page.getByText("A setting is out of range: see All settings.").waitFor();
    await page.getByRole("button", { name: "Back to 0.0002 for Learning rate" }).press("Enter");
    await expect.poll(() => rate.inputValue(), WAIT).toBe("2e-4");
    expect(await page.getByRole("button", { name: "Start" }).isDisabled()).toBe(false);
    // Steps and epochs: exactly one is a number.
    await page.locator("[data-knob=steps]").getByRole("switch").press("Space");
    await expect.poll(() => ask(page, "get().config.steps"), WAIT).toBe(64);
    expect(await ask(page, "get().config.epochs")).toBe("auto");
    await page.locator("[data-knob=epochs]").getByRole("switch").press("Space");
    await expect.poll(() => ask(page, "get().config.epochs"), WAIT).toBe(2);
    await opened.close();
  });

  it("makes a run smaller at the press of a button", async () => {
    const opened = await open("too-large");
    const { page } = opened;
    expect(await page.getByRole("button", { name: "Start", exact: true }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Batches of 4 instead of 8" }).press("Enter");
    await expect.poll(() => ask(page, "get().config.gradAccumulationSteps"), WAIT).toBe(2);
    expect(await ask(page, "get().config.batchSize")).toBe(4);
    await opened.close();
    const dared = await open("too-large");
    await dared.page.getByRole("button", { name: "Start anyway" }).press("Enter");
    await expect.poll(async () => (await calls(dared.page)).join(), WAIT).toContain("startRun(");
    await dared.close();
  });

  it("pauses with Space, except where Space does something else", async () => {
    const opened = await open("training");
    const { page } = opened;
    await page.getByText("Log").focus();
    await page.locator("summary", { hasText: "Log" }).press("Space");
    await page.getByRole("log").waitFor();
    expect(await calls(page)).not.toContain("pauseRun()");
    await page.evaluate("document.activeElement.blur()");
    await page.keyboard.press("Space");
    await expectCall(opened, "pauseRun()");
    await opened.close();
    const paused = await open("paused");
    await paused.page.keyboard.press("Space");
    await expectCall(paused, "resumeRun()");
    await paused.close();
  });

  it("stops only when asked twice", async () => {
    const opened = await open("training");
    const { page } = opened;
    await tabTo(page, "Stop");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect(await calls(page)).not.toContain("stopRun()");
    await page.getByRole("button", { name: "Stop" }).press("Enter");
    await page.getByRole("button", { name: "Stop and keep what was learnt" }).press("Enter");
    await expectCall(opened, "stopRun()");
    await opened.close();
  });

  it("draws what comes without a new plot, and judges it", async () => {
    const opened = await open("first");
    const { page } = opened;
    const plot = page.getByRole("img", { name: /^Loss/ });
    await plot.waitFor();
    await page.evaluate("document.querySelector('.k-plot canvas').dataset.mine = 'yes'");
    expect(await plot.getAttribute("data-points")).toBe("1");
    await ask(page, "advance(40)");
    await expect.poll(() => plot.getAttribute("data-points"), WAIT).toBe("41");
    expect(await plot.locator("canvas").getAttribute("data-mine")).toBe("yes");
    await page.getByText(/^Loss 3\.\d+ → 1\.\d+, falling; gradients steady/).waitFor();
    await page.getByText("Update 40 of 64", { exact: true }).waitFor();
    await opened.close();
  });

  it("steps back through the answers, and follows the newest again", async () => {
    const opened = await open("training");
    const { page } = opened;
    const answers = page.locator(".c-train-answers > li").first();
    await page.getByText("After update 32", { exact: true }).waitFor();
    expect(await answers.locator("ins").allTextContents()).toContain("Chirrup!");
    await page.getByRole("button", { name: "Earlier answers" }).press("Enter");
    await page.getByText("After update 16", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Earlier answers" }).press("Enter");
    await page.getByText("Before training", { exact: true }).first().waitFor();
    expect(await answers.locator("ins").count()).toBe(0);
    for (let i = 0; i < 2; i++) await page.getByRole("button", { name: "Later answers" }).press("Enter");
    await ask(page, "advance(48)");
    await page.getByText("After update 48", { exact: true }).waitFor();
    await opened.close();
  });

  it("ends with a certificate and the way on", async () => {
    const opened = await open("done");
    const { page } = opened;
    await page.getByText("26,368").waitFor(); // tokens, out of the run's events
    expect(await page.getByRole("img", { name: "Passed" }).count()).toBe(6);
    await page.locator("summary", { hasText: "Evidence for: Every adapted layer" }).press("Enter");
    await page.getByText("35 of 35 layers", { exact: true }).waitFor();
    expect(await page.getByRole("link", { name: "Compare answers" }).getAttribute("href")).toBe("#check");
    await page.getByRole("button", { name: "Train again with other settings" }).press("Enter");
    await page.getByRole("button", { name: "Start" }).waitFor();
    await opened.close();
  });

  it("leads on from each failure", async () => {
    const lost = await open("device-lost");
    await lost.page.getByRole("img", { name: /^Loss/ }).waitFor();
    await lost.page.getByRole("button", { name: "Go on from the last saved update" }).press("Enter");
    await expectCall(lost, 'continueRun("run-8")');
    await lost.close();
    const full = await open("out-of-memory");
    await full.page.getByRole("button", { name: "Recompute activations" }).press("Enter");
    await expect.poll(() => ask(full.page, "get().config.checkpointing"), WAIT).toBe("on");
    await full.page.getByRole("button", { name: "Start" }).press("Enter");
    await expect.poll(async () => (await calls(full.page)).join(), WAIT).toContain('"checkpointing":"on"');
    await full.close();
    const wide = await open("too-wide");
    await wide.page.getByText("An update is too large for this GPU: see the memory plan.").waitFor();
    await wide.page.getByRole("button", { name: /^Batches of \d+ instead of \d+/ }).press("Enter");
    await expect.poll(() => ask(wide.page, "get().knobs.gradAccumulationSteps"), WAIT).toBe(2);
    await wide.close();
    const astray = await open("unusable");
    await astray.page.getByRole("button", { name: "Set the learning rate to 7.5e-4" }).press("Enter");
    await expect.poll(() => ask(astray.page, "get().config.learningRate"), WAIT).toBe(7.5e-4);
    await astray.page.getByRole("button", { name: "Start" }).waitFor();
    await astray.close();
  });
});
