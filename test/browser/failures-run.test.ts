/**
 * What ends a run before its time, on the built page in Chromium: the GPU that is lost, its memory that is full, the
 * storage that is full. Each says what happened and what is kept, and the way on ends in an adapter.
 */
import type { Page } from "playwright-core";
import { describe, expect, it, onTestFinished } from "vitest";
import { button, dropFolder, notice, setKnobs, setQuota, small, sparseModel, tokenDataset } from "./failing-page.ts";
import { installedBrowserMissing, type SiteOptions, startSite } from "./harness.ts";
import { card, openCard, stateOf, untilReady, untilState } from "./journey-page.ts";

const missing = await installedBrowserMissing();
const MIB = 2 ** 20;

async function open(how: SiteOptions = {}) {
  const site = await startSite(how);
  onTestFinished(() => site.close());
  const opened = await site.openPage("/");
  await untilReady(opened.page);
  return { ...opened, site };
}

async function start(page: Page, steps: number): Promise<void> {
  await setKnobs(page, small(steps));
  await openCard(page, "train");
  await button(page, /^Start/).click();
}

/**
 * Resolves when the process is gone: the browser may answer before, or not at all. Once a page: Chromium withholds the GPU
 * for two minutes from one that lost it twice.
 */
async function loseGpu(page: Page): Promise<void> {
  const session = await page.context().browser()!.newBrowserCDPSession();
  const gpu = async () => {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    return processInfo.find(({ type }) => type === "GPU")?.id;
  };
  const before = await gpu();
  void session.send("Browser.crashGpuProcess").catch(() => {});
  while ((await gpu()) === before) await page.waitForTimeout(20);
  await session.detach();
}

const untilEnded = (page: Page) => untilState(page, ({ run }) => run.phase === "failed" || run.phase === "done");

/** A run that failed is on again. */
const untilOn = (page: Page) => untilState(page, ({ run }) => run.phase !== "failed");

async function expectDone(page: Page, steps: number): Promise<void> {
  await untilEnded(page);
  expect(await stateOf(page, ({ run }) => run)).toMatchObject({
    ...{ phase: "done", error: null, outcome: { usable: true, done: { steps } } },
  });
}

describe.skipIf(missing)(`failures of a run${missing ? ` (no browser: ${missing})` : ""}`, () => {
  it("the GPU is lost in mid-run: it goes on from the last saved update on a GPU opened anew", async () => {
    const { page, close } = await open();
    await start(page, 6);
    await untilState(page, ({ step }) => step >= 3);
    await loseGpu(page);
    await untilEnded(page);
    const failure = await notice(card(page, "train"), "The GPU went away");
    expect(await failure.innerText()).toContain("up to the last saved update is kept");
    const saved = await stateOf(page, ({ step }) => step);
    await failure.getByRole("button", { name: "Go on from the last saved update" }).click();
    await untilState(page, ({ run }) => run.phase === "training" && (run.start?.doneSteps ?? 0) > 0);
    expect(await stateOf(page, ({ run }) => run.start!.doneSteps)).toBeGreaterThanOrEqual(saved - 1);
    await expectDone(page, 6);
    await close();
  });

  it("the GPU is lost while nothing is on: a question says so, and with the adapter loaded again it is answered", async () => {
    const { page, close } = await open();
    await start(page, 2);
    await expectDone(page, 2);
    await loseGpu(page);
    await openCard(page, "check");
    await card(page, "check").getByRole("button", { name: "Compare" }).click();
    const failure = await notice(card(page, "check"), "The GPU went away");
    await failure.getByRole("button", { name: "Load the adapter again" }).click();
    await failure.waitFor({ state: "detached" });
    await untilState(page, ({ model, run }) => model.phase === "ready" && run.phase === "done");
    await card(page, "check").getByRole("button", { name: "Compare" }).click();
    await untilState(page, ({ answering, comparison }) => answering === null && comparison?.sides.tuned?.ended != null);
    await close();
  });

  it("the GPU is lost while nothing is on: a run finds it again by itself", async () => {
    const { page, close } = await open();
    await start(page, 2);
    await expectDone(page, 2);
    await loseGpu(page);
    await button(page, "Train again with other settings").click();
    await start(page, 2);
    await expectDone(page, 2);
    await close();
  });

  it("an update that needs more memory than there is: a smaller batch does it", async () => {
    const { page, close } = await open();
    if (!(await stateOf(page, ({ opening }) => opening!.support.adapter!.software))) {
      console.log("not done: this GPU gives more memory than the test may take");
      return close();
    }
    await dropFolder(
      page,
      sparseModel("wide-layers", {
        hidden_size: 64,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        num_hidden_layers: 1,
        intermediate_size: 63744,
      }),
    );
    await untilState(page, ({ model }) => model.choice?.kind === "folder" && model.phase === "known");
    await openCard(page, "data");
    await card(page, "data").locator("input[type=file]").first().setInputFiles(tokenDataset(80, 64));
    await untilState(page, ({ data }) => data.title === "tokens.jsonl" && data.phase === "ready");
    // 64 records of 64 tokens are an activation of 1 GB.
    await setKnobs(page, { ...small(2), batchSize: 64 });
    await openCard(page, "train");
    await button(page, /^Start/).click();
    await untilEnded(page);
    const failure = await notice(card(page, "train"), "The GPU's memory is full");
    expect(await failure.innerText()).toContain("GPU is out of memory");
    await failure.getByRole("button", { name: "Batches of 32 instead of 64" }).click();
    await untilState(page, ({ config }) => config?.batchSize === 32 && config.gradAccumulationSteps === 2);
    await setKnobs(page, { ...small(2), batchSize: 1, gradAccumulationSteps: 1 });
    await button(page, /^Start/).click();
    await untilOn(page);
    await untilEnded(page);
    // No adapter of a model of zeros can move, so none is offered.
    const { phase, error, outcome } = await stateOf(page, ({ run }) => run);
    expect([phase, error, outcome?.done.steps, outcome?.usable]).toEqual(["done", null, 2, false]);
    await close();
  });

  it("no room for a run, and then for a checkpoint: nothing hangs, and with room it goes on", async () => {
    const { page, site, close } = await open({ onDisk: true });
    await setQuota(page, site.origin, 1024);
    await start(page, 6);
    const refusal = await notice(card(page, "train"), "There is no room left to save to");
    for (const name of ["Delete earlier runs", "Delete kept models"])
      await refusal.getByRole("link", { name }).waitFor();
    await setQuota(page, site.origin);
    await refusal.getByRole("button", { name: "Try again" }).click();
    await untilState(page, ({ step }) => step >= 2);
    await setQuota(page, site.origin, 2 * MIB);
    await untilEnded(page);
    const failure = await notice(card(page, "train"), "There is no room left to save to");
    expect(await failure.innerText()).toContain("storage for this page is full");
    await setQuota(page, site.origin);
    await failure.getByRole("button", { name: "Go on from the last saved update" }).click();
    await untilOn(page);
    await expectDone(page, 6);
    await close();
  });
});
