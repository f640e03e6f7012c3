/**
 * The whole journey on the built page in Chromium, through the real worker: a dropped dataset, training that is paused,
 * cut off by a reload and resumed, answers compared, files downloaded and read by the command line. Every request is
 * recorded: another host, a console error or a policy violation fails the test when its page is closed (harness.ts).
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { unzipSync } from "fflate";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { root } from "../../src/cli/launch/places.mjs";
import { memorySource } from "../../src/core/bytes.ts";
import { toFloat32 } from "../../src/core/dtype.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import { openSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { CHUNK_BYTES } from "../../src/hub/huggingface.ts";
import { wantedTensors } from "../../src/models/load.ts";
import { buildModel } from "../../src/models/registry.ts";
import { succeed, temporaryFolder } from "../cli/support.ts";
import { startHub } from "../hub/server.ts";
import { relativeL2 } from "../support/compare.ts";
import { frontOf, HUB_PATH } from "./front.ts";
import { installedBrowserMissing, type Site, startSite } from "./harness.ts";
import {
  type Console,
  card,
  expectFalling,
  lossesOf,
  openCard,
  stateOf,
  untilReady,
  untilState,
  watchMainThread,
} from "./journey-page.ts";

const missing = await installedBrowserMissing();
const DEMO = path.join(root, "public", "demo");

/** A real model of the shared data where it lies beside the project, else the demo's own folder. */
const STORIES = path.join(root, "..", "shared", "data", "stories260K");
const FOLDER = existsSync(STORIES) ? STORIES : DEMO;

/** 40 of the sample's records as somebody's own file; `change` makes other records of them. */
function ownDataset(change = (line: string) => line): string {
  const file = path.join(temporaryFolder(), "my-data.jsonl");
  const lines = readFileSync(path.join(DEMO, "train.jsonl"), "utf8").split("\n").slice(0, 40);
  writeFileSync(file, `${lines.map(change).join("\n")}\n`);
  return file;
}

/** For a model without a chat template. */
const asText = (line: string) => JSON.stringify({ text: JSON.parse(line).messages[1].content });

async function drop(page: Page, file: string): Promise<void> {
  await openCard(page, "data");
  await card(page, "data").locator("input[type=file]").first().setInputFiles(file);
  await untilState(page, ({ data }) => data.title === "my-data.jsonl" && data.phase === "ready");
  expect(await stateOf(page, ({ data }) => data.error)).toBeNull();
}

const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });

describe.skipIf(missing)(`the page${missing ? ` (no browser: ${missing})` : ""}`, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  it("learns a dropped dataset, survives a reload in mid-run, and hands over what the command line reads", async () => {
    const opened = await site.openPage("/", { tuned: true });
    const { page } = opened;
    await untilReady(page);
    await drop(page, ownDataset());
    const seconds = await startAndTime(page);
    console.log(`first loss ${seconds.toFixed(1)} s after Start`);

    const mainThread = await watchMainThread(page);
    await untilState(page, ({ step }) => step >= 4);
    await button(page, /^Pause/).click();
    await untilState(page, ({ run }) => run.phase === "paused");
    const paused = await stateOf(page, ({ step }) => step);
    await page.waitForTimeout(1500);
    expect(await stateOf(page, ({ step }) => step)).toBe(paused);
    const { longest, changesPerSecond } = await mainThread();
    console.log(`main thread: longest task ${longest.toFixed(0)} ms, ${changesPerSecond.toFixed(1)} changes a second`);
    expect(changesPerSecond).toBeLessThanOrEqual(4.5);
    await button(page, /^Resume/).click();
    await untilState(page, ({ step }) => step >= 12);

    await page.reload();
    await untilReady(page);
    await button(page, /^Go on/)
      .first()
      .click();
    await untilState(page, ({ run }) => run.phase === "training" && (run.start?.doneSteps ?? 0) >= 10);
    await untilState(page, ({ run }) => run.phase === "done" || run.phase === "failed");
    const { run } = await stateOf(page, (state) => ({ run: state.run }));
    expect(run).toMatchObject({ phase: "done", error: null, outcome: { usable: true, done: { steps: 20 } } });
    const losses = await lossesOf(page);
    expect(losses).toHaveLength(20);
    expectFalling(losses);
    expect(await page.title()).toContain("Lorikeet");

    await openCard(page, "check");
    await card(page, "check").getByRole("button", { name: "Compare" }).click();
    await untilState(
      page,
      ({ answering, comparison }) => answering === null && comparison?.sides.tuned?.ended !== null,
    );
    const sides = await stateOf(page, ({ comparison }) => comparison!.sides);
    expect(sides.base?.text.length).toBeGreaterThan(3);
    expect(sides.tuned?.text.length).toBeGreaterThan(3);

    await openCard(page, "download");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      card(page, "download").getByRole("button", { name: /zip/i }).first().click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^lorikeet-built-in-demo-.*-mlx\.zip$/);
    await expectSameLogits(page, readFileSync(await download.path()));
    await expectSameJob(page, readFileSync(await download.path()));
    const { requests } = await stateOf(page, (state) => ({ requests: state.requests }));
    expect(requests.length).toBeGreaterThan(3);
    for (const { url } of requests) expect(url.startsWith(site.origin)).toBe(true);
    await opened.close();
  });

  it(`trains a dropped folder (${path.basename(FOLDER)}), which a reload finds again`, async () => {
    const opened = await site.openPage("/");
    const { page } = opened;
    await untilReady(page);
    await openCard(page, "model");
    await card(page, "model")
      .getByRole("radio", { name: /Folder/ })
      .check({ force: true });
    await card(page, "model").locator("input[webkitdirectory]").setInputFiles(FOLDER);
    await untilState(page, ({ model }) => model.choice?.kind === "folder" && model.phase === "known");
    await card(page, "model")
      .getByRole("button", { name: /^(Load|Download)/ })
      .click();
    await untilState(page, ({ model }) => model.phase === "ready");
    await drop(page, ownDataset(asText));
    await page.evaluate(() => {
      const { store } = (globalThis as unknown as Console).lorikeet;
      store.set({
        config: { ...store.get().config!, steps: 6, saveEvery: 2, stepsPerSample: 0, stepsPerEval: 0, batchSize: 2 },
      });
    });
    await openCard(page, "train");
    await button(page, /^Start/).click();
    await untilState(page, ({ step }) => step >= 3);
    await page.reload();
    await untilState(page, ({ model }) => model.choice?.kind === "folder" && model.phase === "known");
    await button(page, /^Go on/)
      .first()
      .click();
    await untilState(page, ({ run }) => run.phase === "done" || run.phase === "failed");
    expect(await stateOf(page, ({ run }) => run)).toMatchObject({ phase: "done", outcome: { usable: true } });
    await opened.close();
  });

  it("brings a model from the Hub over a line that is cut, pauses, goes on after a reload, and then needs no network", async () => {
    const files = await modelOfThreeChunks();
    const hub = await startHub(files);
    onTestFinished(() => hub.close());
    const served = await startSite({ front: (behind) => frontOf(behind, hub.endpoint) });
    onTestFinished(() => served.close());
    const opened = await served.openPage(`/?hub=${HUB_PATH}`);
    const { page } = opened;
    await untilReady(page);

    // Two cuts in the first chunk, and from the third on nothing comes.
    let cuts = 2;
    hub.intercept = ({ url, headers }) => {
      if (!url?.endsWith("model.safetensors")) return false;
      if (headers.range?.startsWith(`bytes=${2 * CHUNK_BYTES}-`)) hub.faults.push({ after: 1000, how: "stall" });
      else if (cuts-- > 0) hub.faults.push({ after: 1_500_000, how: "cut" });
      return false;
    };
    await openCard(page, "model");
    await card(page, "model").getByRole("radio", { name: /Hub/ }).check({ force: true });
    const field = card(page, "model").getByRole("textbox").first();
    await field.fill("org/model");
    await field.press("Enter");
    await untilState(page, ({ model }) => model.choice?.kind === "hub" && model.phase === "known");
    expect(cuts).toBeLessThanOrEqual(0);
    const load = card(page, "model").getByRole("button", { name: /^(Load|Download)/ });
    await load.click();
    await untilState(page, ({ model }) => model.phase === "loading" && (model.transfer?.done ?? 0) > 8_000_000);
    await card(page, "model")
      .getByRole("button", { name: /^Pause/ })
      .click();
    await untilState(page, ({ model }) => model.phase === "paused");

    // What has arrived is not fetched again.
    hub.intercept = () => false;
    const known = hub.log.length;
    await page.reload();
    await untilState(page, ({ model }) => model.choice?.kind === "hub" && model.phase === "known");
    await openCard(page, "model");
    await load.click();
    await untilState(page, ({ model }) => model.phase === "ready");
    const weights = hub.log.slice(known).filter(({ url }) => url.endsWith("model.safetensors"));
    expect(weights.map(({ range }) => range?.split("-")[0])).toEqual([`bytes=${2 * CHUNK_BYTES}`]);

    const before = hub.sent;
    hub.intercept = (_, response) => {
      response.destroy();
      return true;
    };
    await page.reload();
    await untilState(page, ({ model }) => model.choice?.kind === "hub" && model.phase === "known");
    await page.evaluate(() => (globalThis as unknown as Console).lorikeet.engine.loadModel());
    expect(await stateOf(page, ({ model }) => model)).toMatchObject({ phase: "ready", kept: true, error: null });
    expect(hub.sent).toBe(before);
    // The browser logs each refused connection; nothing else may have gone wrong.
    expect(opened.problems.filter((line) => !/ERR_|net::/.test(line))).toEqual([]);
    await page.context().close();
  });
});

/** The demo with wider layers and weights of zeros: 24 MB in three chunks. */
async function modelOfThreeChunks(): Promise<Record<string, Uint8Array>> {
  const file = (name: string) => new Uint8Array(readFileSync(path.join(DEMO, name)));
  const config = { ...JSON.parse(new TextDecoder().decode(file("config.json"))), intermediate_size: 4096 };
  const model = buildModel(parseModelConfig(config, "test"), "test");
  const tensors = wantedTensors(model).map(({ name, shape }) => ({
    ...{ name, shape: [...shape], dtype: "BF16" as const },
    bytes: new Uint8Array(2 * shape.reduce((product, size) => product * size, 1)),
  }));
  return {
    "config.json": new TextEncoder().encode(JSON.stringify(config)),
    "model.safetensors": writeSafetensors(tensors, { format: "pt" }),
    "tokenizer.json": file("tokenizer.json"),
    "tokenizer_config.json": file("tokenizer_config.json"),
  };
}

/** Seconds from pressing Start to the first loss. */
async function startAndTime(page: Page): Promise<number> {
  await openCard(page, "train");
  const begin = performance.now();
  await button(page, /^Start/).click();
  await untilState(page, ({ step }) => step >= 1);
  return (performance.now() - begin) / 1000;
}

const IDS = [1, 5, 9, 200, 31, 7];

/** The job for a bigger machine is made of the adapter that was downloaded, and holds both tools' halves. */
async function expectSameJob(page: Page, zip: Uint8Array): Promise<void> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    card(page, "download").getByRole("button", { name: "Continue on a bigger machine…" }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^lorikeet-built-in-demo-.*-handoff\.zip$/);
  const files = unzipSync(readFileSync(await download.path()));
  const names = ["README.md", "mlx/config.yaml", "mlx/data/train.jsonl", "trl/train.py", "trl/data/train.jsonl"];
  expect(Object.keys(files)).toEqual(expect.arrayContaining(names));
  expect(files["mlx/start/adapters.safetensors"]).toEqual(unzipSync(zip)["adapters.safetensors"]);
}

/** `lorikeet logits` with the downloaded adapter gives what the page's model gives. */
async function expectSameLogits(page: Page, zip: Uint8Array): Promise<void> {
  const folder = temporaryFolder();
  for (const [name, bytes] of Object.entries(unzipSync(zip))) writeFileSync(path.join(folder, name), bytes);
  const data = path.join(folder, "ids.jsonl");
  writeFileSync(data, `${JSON.stringify({ input_ids: IDS, labels: IDS })}\n`);
  const out = path.join(folder, "logits.safetensors");
  await succeed("logits", "--model", DEMO, "--adapter-path", folder, "--data", data, "--out", out);
  const theirs = await page.evaluate(
    async (ids) => [...(await (globalThis as unknown as Console).lorikeet.engine.logits(ids))],
    IDS,
  );
  const read = await openSafetensors(memorySource("logits", new Uint8Array(readFileSync(out))));
  const tensor = read.tensors.get("logits.0")!;
  const ours = toFloat32(await read.read(tensor), tensor.dtype);
  expect(relativeL2(theirs, ours)).toBeLessThan(1e-5);
  // Negative control: without the adapter the numbers are others.
  await succeed("logits", "--model", DEMO, "--data", data, "--out", out);
  const base = await openSafetensors(memorySource("logits", new Uint8Array(readFileSync(out))));
  expect(relativeL2(theirs, toFloat32(await base.read(base.tensors.get("logits.0")!), "F32"))).toBeGreaterThan(0.01);
}
