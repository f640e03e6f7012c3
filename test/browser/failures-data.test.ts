/**
 * Datasets that cannot be used as they are, on the built page in Chromium: each says what is wrong, training waits, and
 * the way on leads to records that can be trained on.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../cli/support.ts";
import { button, notice, setKnobs, small } from "./failing-page.ts";
import { installedBrowserMissing, type OpenPage, type Site, startSite } from "./harness.ts";
import { card, openCard, stateOf, untilReady, untilState } from "./journey-page.ts";

const missing = await installedBrowserMissing();

function fileOf(name: string, content: string | Uint8Array): string {
  const file = path.join(temporaryFolder(), name);
  writeFileSync(file, content);
  return file;
}

/** Where other data is taken; it is folded away while there is some. */
async function showSource(page: Page): Promise<void> {
  await openCard(page, "data");
  if (!(await button(page, "Choose files").isVisible())) await card(page, "data").getByText("Use other data").click();
}

async function drop(page: Page, ...files: string[]): Promise<void> {
  await showSource(page);
  await card(page, "data").locator("input[type=file]").first().setInputFiles(files);
}

/** Start cannot be pressed, and the Train card says why. */
async function expectNoStart(page: Page, why: RegExp): Promise<void> {
  await openCard(page, "train");
  const train = card(page, "train");
  expect(await train.getByRole("button", { name: "Start", exact: true }).isDisabled()).toBe(true);
  expect(await train.innerText()).toMatch(why);
  await train.getByRole("link", { name: "Go to the data" }).waitFor();
}

async function expectSampleWorks(page: Page): Promise<void> {
  await showSource(page);
  await button(page, "Use the sample dataset").click();
  await untilState(page, ({ data }) => data.source === "sample" && data.phase === "ready");
  expect(await stateOf(page, ({ data }) => data.split!.train)).toBeGreaterThan(100);
  expect(await page.locator("[data-card=data] .k-notice[data-tone=bad]").count()).toBe(0);
}

describe.skipIf(missing)(`failures of a dataset${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  let opened: OpenPage;
  let page: Page;
  beforeAll(async () => {
    site = await startSite();
    opened = await site.openPage("/");
    page = opened.page;
    await untilReady(page);
  });
  afterAll(async () => {
    await opened?.close();
    await site?.close();
  });

  it("a file of broken lines: each line has its reason, and the sample is one press away", async () => {
    const lines = ['{"messages": [', "not JSON at all", '{"prompt": "a" "completion": "b"}'];
    await drop(page, fileOf("broken.jsonl", `${lines.join("\n")}\n`));
    await untilState(page, ({ data }) => data.title === "broken.jsonl" && data.error !== null);
    const said = await notice(card(page, "data"), "broken.jsonl: no row can be read");
    expect(await said.getAttribute("role")).toBe("alert");
    const words = await card(page, "data").innerText();
    for (const line of [1, 2, 3]) expect(words).toContain(`Line ${line}`);
    expect(await stateOf(page, ({ data }) => data.diagnosis?.train.kept.length)).toBe(0);
    await expectNoStart(page, /No record of the dataset can be trained on/);
    await expectSampleWorks(page);
  });

  it("a file that is no text is said to be none", async () => {
    const bytes = Uint8Array.from({ length: 4096 }, (_, i) => (i * 197 + (i >> 3)) % 256);
    await drop(page, fileOf("photo.jsonl", bytes));
    await untilState(page, ({ data }) => data.title === "photo.jsonl" && data.error !== null);
    const said = await notice(card(page, "data"), "photo.jsonl");
    expect(await said.innerText()).toContain("expected text in UTF-8");
    await expectNoStart(page, /dataset/);
    await expectSampleWorks(page);
  });

  it("an empty file, and files of which none is the one to train on, are refused with their names", async () => {
    await drop(page, fileOf("empty.jsonl", ""));
    await untilState(page, ({ data }) => data.title === "empty.jsonl" && data.error !== null);
    await notice(card(page, "data"), "empty.jsonl");
    await expectNoStart(page, /dataset/);
    await drop(page, fileOf("a.jsonl", "{}\n"), fileOf("b.jsonl", "{}\n"));
    await untilState(page, ({ data }) => data.phase === "failed");
    await notice(card(page, "data"), "expected one file to train on");
    await expectNoStart(page, /dataset could not be read/);
    await expectSampleWorks(page);
  });

  it("columns that say nothing: a guess is shown as one, and columns mapped by hand are trained on", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${i},"How many are ${i} and 1?","There are ${i + 1}."`);
    await drop(page, fileOf("export.csv", `nr,col_a,col_b\n${rows.join("\n")}\n`));
    await untilState(page, ({ data }) => data.title === "export.csv" && data.phase === "ready");
    expect(await stateOf(page, ({ data }) => data.needsMapping)).toBe(true);
    await notice(card(page, "data"), "The names of the columns do not say what they mean");
    for (const [column, role] of [
      ["nr", "ignore"],
      ["col_a", "prompt"],
      ["col_b", "completion"],
    ] as const) {
      await card(page, "data").getByLabel(column, { exact: true }).selectOption(role);
    }
    await button(page, "Use these columns").click();
    await untilState(page, ({ data }) => data.phase === "ready" && data.mapping?.col_a === "prompt");
    expect(await stateOf(page, ({ data }) => data.split)).toEqual({ train: 27, valid: 3, own: false });
    expect(await card(page, "data").innerText()).toContain("col_a as prompt, col_b as answer");
    await openCard(page, "train");
    await setKnobs(page, small(3));
    await button(page, /^Start/).click();
    await untilState(page, ({ run }) => run.phase === "done" || run.phase === "failed");
    expect(await stateOf(page, ({ run }) => run)).toMatchObject({ phase: "done", outcome: { usable: true } });
  });
});
