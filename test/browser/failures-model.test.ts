/**
 * Models that cannot be had, kept or used, on the built page in Chromium with a stand-in for the Hub: each has its own
 * words, and its way on leads to a model that is loaded, or to another choice.
 */

import { rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it, onTestFinished } from "vitest";
import { CHUNK_BYTES } from "../../src/hub/huggingface.ts";
import { COMMIT, type FakeHub, startHub } from "../hub/server.ts";
import {
  button,
  chooseSource,
  dropFolder,
  lookUp,
  NOT_LOADED,
  notice,
  setQuota,
  sparseModel,
  zeroModel,
  zeroWeights,
} from "./failing-page.ts";
import { frontOf, HUB_PATH } from "./front.ts";
import { installedBrowserMissing, type SiteOptions, startSite } from "./harness.ts";
import { card, openCard, stateOf, untilReady, untilState } from "./journey-page.ts";

const missing = await installedBrowserMissing();
const MIB = 2 ** 20;
/** 24 MB in three chunks. */
const THREE_CHUNKS = { intermediate_size: 4096 };

async function open(how: SiteOptions = {}, at = "/") {
  const site = await startSite(how);
  onTestFinished(() => site.close());
  const opened = await site.openPage(at);
  await untilReady(opened.page);
  return { ...opened, site };
}

/** The page before a stand-in for the Hub that has these files as org/model. */
async function openWithHub(files: Record<string, Uint8Array>, how: SiteOptions = {}) {
  const hub = await startHub(files);
  onTestFinished(() => hub.close());
  const opened = await open({ ...how, front: (behind) => frontOf(behind, hub.endpoint) }, `/?hub=${HUB_PATH}`);
  return { ...opened, hub };
}

const isKnown = (page: Page) =>
  untilState(page, ({ model }) => model.choice?.kind !== "demo" && model.phase === "known");
const hasFailed = (page: Page) => untilState(page, ({ model }) => model.phase === "failed");
const isReady = (page: Page) => untilState(page, ({ model }) => model.phase === "ready");
const load = (page: Page) => card(page, "model").getByRole("button", { name: /^(Load|Download)/ });

/** The demo is one press away, and works. */
async function expectDemoWorks(page: Page): Promise<void> {
  await chooseSource(page, /demo/);
  await untilState(page, ({ model }) => model.choice?.kind === "demo" && model.phase === "known");
  await load(page).click();
  await isReady(page);
}

describe.skipIf(missing)(`failures of a model${missing ? ` (no browser: ${missing})` : ""}`, () => {
  it("too large for this computer: said before anything is downloaded, with one that fits", async () => {
    const { page, hub, close } = await openWithHub({ "config.json": new Uint8Array(1) });
    hub.intercept = hugeModel();
    await lookUp(page, "org/model");
    await isKnown(page);
    const said = await notice(card(page, "model"), "This model is too large for this computer");
    expect(await said.innerText()).toMatch(/weights alone take 141 GB/);
    await said.getByRole("button", { name: /^Use .*, which fits/ }).waitFor();
    expect(await card(page, "model").innerText()).toContain("With 8 or 4 bits");
    await openCard(page, "train");
    await untilState(page, ({ plan }) => plan?.verdict === "too-large");
    expect(await card(page, "train").getByRole("button", { name: "Start", exact: true }).isDisabled()).toBe(true);
    await (await notice(card(page, "train"), "does not fit"))
      .getByRole("link", { name: "Choose a smaller model" })
      .waitFor();
    expect(hub.sent).toBeLessThan(16 * MIB);
    await expectDemoWorks(page);
    await close();
  });

  it("more than the GPU's memory: said while it loads, and another one loads", async () => {
    const { page, site, close } = await open({ onDisk: true });
    if (!(await stateOf(page, ({ opening }) => opening!.support.adapter!.software))) {
      console.log("not done: this GPU gives more memory than the test may take");
      return close();
    }
    await setQuota(page, site.origin, 8 * MIB);
    // An embedding of exactly 1 GB.
    const wide = { hidden_size: 4096, vocab_size: 131072, num_hidden_layers: 1, intermediate_size: 64 };
    await dropFolder(page, sparseModel("wide-embedding", wide));
    await isKnown(page);
    await load(page).click();
    await hasFailed(page);
    const said = await notice(card(page, "model"), "The GPU ran out of memory");
    expect(await said.innerText()).toContain("Close other tabs");
    await said.getByRole("button", { name: "Try again" }).click();
    await untilState(page, ({ model }) => model.phase === "loading");
    await hasFailed(page);
    await setQuota(page, site.origin);
    await expectDemoWorks(page);
    await close();
  });

  it("no room to keep it: the download goes on, the model works, and the page says that it is not kept", async () => {
    const { page, site, hub, close } = await openWithHub(zeroModel(THREE_CHUNKS), { onDisk: true });
    await lookUp(page, "org/model");
    await isKnown(page);
    await setQuota(page, site.origin, 12 * MIB);
    await load(page).click();
    await isReady(page);
    const said = await notice(card(page, "model"), "There is no room to keep this model");
    expect(await stateOf(page, ({ model }) => model)).toMatchObject({ kept: false, warning: { code: "storage-full" } });
    await said.getByRole("button", { name: "Free space" }).click();
    await button(page, /^Delete org\/model/).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await untilState(page, ({ kept }) => kept.length === 0);
    expect(hub.log.filter(({ url }) => url.endsWith("model.safetensors")).length).toBeLessThan(6);
    await close();
  });

  it("full from the beginning: that is said too, and nothing is called kept", async () => {
    const { page, site, close } = await openWithHub(zeroModel({}), { onDisk: true });
    await setQuota(page, site.origin, 1024);
    await lookUp(page, "org/model");
    await isKnown(page);
    await notice(card(page, "model"), "There is no room to keep this model");
    await load(page).click();
    await isReady(page);
    expect(await stateOf(page, ({ model }) => model)).toMatchObject({ kept: false, warning: { code: "storage-full" } });
    await close();
  });

  it("a line that breaks for good: what has arrived is kept, and Try again goes on when it is back", async () => {
    const { page, hub, close } = await openWithHub(zeroModel(THREE_CHUNKS));
    await lookUp(page, "org/model");
    await isKnown(page);
    let broken = true;
    hub.intercept = ({ headers }, response) => {
      if (!broken || headers.range?.startsWith(`bytes=${CHUNK_BYTES}-`)) return false;
      response.destroy();
      return true;
    };
    await load(page).click();
    await hasFailed(page);
    const said = await notice(card(page, "model"), "The download broke off");
    expect(await said.innerText()).toContain("What has arrived is kept");
    broken = false;
    const before = hub.log.length;
    await said.getByRole("button", { name: "Try again" }).click();
    await isReady(page);
    const again = hub.log.slice(before).map(({ range }) => range?.split("-")[0]);
    expect(again).toContain(`bytes=${2 * CHUNK_BYTES}`);
    expect(again).not.toContain(`bytes=${CHUNK_BYTES}`);
    await close(NOT_LOADED);
  });

  it("no line at all: said as such, and Try again finds the model when there is one", async () => {
    const { page, hub, close } = await openWithHub(zeroModel({}));
    hub.intercept = cut;
    await lookUp(page, "org/model");
    await hasFailed(page);
    const said = await notice(card(page, "model"), "The model could not be reached");
    hub.intercept = () => false;
    await said.getByRole("button", { name: "Try again" }).click();
    await isKnown(page);
    await close(NOT_LOADED);
  });

  it("gated: asks for a token, says when its owner has not accepted the terms, and loads with one that has", async () => {
    const { page, hub, close } = await openWithHub(zeroModel({}));
    hub.intercept = (request, response) => gate(request, response);
    await lookUp(page, "org/model");
    await hasFailed(page);
    const wants = await notice(card(page, "model"), "The Hub wants a token for this model");
    await wants.getByRole("link", { name: "the model's page" }).waitFor();
    await wants.getByLabel("Access token").fill("hf_stranger");
    await button(page, "Try again with this token").click();
    const refuses = await notice(card(page, "model"), "has not been given access");
    expect(await refuses.innerText()).toContain("accept its terms");
    await refuses.getByLabel("Access token").fill("hf_friend");
    await button(page, "Try again").click();
    await isKnown(page);
    await load(page).click();
    await isReady(page);
    expect(await page.evaluate("JSON.stringify({ ...localStorage })")).not.toContain("hf_");
    await close(NOT_LOADED);
  });

  it("not found: the name can be changed, and the right one loads", async () => {
    const { page, close } = await openWithHub(zeroModel({}));
    await lookUp(page, "org/modle");
    await hasFailed(page);
    const said = await notice(card(page, "model"), "There is no such model on the Hub");
    await said.getByRole("button", { name: "Change the name" }).click();
    const field = card(page, "model").getByLabel("Name or address");
    await page.locator("#c-model-hub-id input:focus").waitFor();
    await field.fill("org/model");
    await field.press("Enter");
    await isKnown(page);
    await close(NOT_LOADED);
  });

  it("folders without weights, of another family, and quantised are told apart; the next folder is taken", async () => {
    const { page, close } = await open();
    const bare = sparseModel("bare", {});
    rmSync(path.join(bare, "model.safetensors"));
    const foreign = sparseModel("foreign", {});
    writeFileSync(path.join(foreign, "config.json"), JSON.stringify({ model_type: "mamba", hidden_size: 64 }));
    const quantised = sparseModel("quantised", {});
    const weights = path.join(quantised, "model.safetensors");
    writeFileSync(weights, quantisedHeader());
    for (const [folder, words] of [
      [bare, /expected model\.safetensors/],
      [foreign, /mamba/],
      [quantised, /or one that mlx-lm has quantised/],
    ] as const) {
      await dropFolder(page, folder);
      await untilState(page, ({ model }) => model.phase === "failed" || model.phase === "reading");
      const said = await notice(card(page, "model"), words);
      expect(await said.innerText()).toContain("This model cannot be used");
      await said.getByRole("button", { name: "Choose the folder again" }).waitFor();
    }
    await dropFolder(page, sparseModel("whole", {}));
    await isKnown(page);
    await close();
  });
});

const cut: FakeHub["intercept"] = (_, response) => {
  response.destroy();
  return true;
};

/** The owner let one of two accounts in. */
function gate({ headers: { authorization } }: IncomingMessage, response: ServerResponse): boolean {
  if (authorization === "Bearer hf_friend") return false;
  response.writeHead(authorization ? 403 : 401).end();
  return true;
}

/** A repository with a model of 70 billion parameters, of which only the header of its weights can be had. */
function hugeModel(): FakeHub["intercept"] {
  const files = zeroModel({});
  const config = {
    ...JSON.parse(Buffer.from(files["config.json"]!).toString()),
    ...{ hidden_size: 8192, intermediate_size: 28672, num_hidden_layers: 80, vocab_size: 128256 },
    ...{ num_attention_heads: 64, num_key_value_heads: 8, head_dim: 128, tie_word_embeddings: false },
  };
  const { header, bytes } = zeroWeights(config);
  const small = { ...files, "config.json": new TextEncoder().encode(JSON.stringify(config)) };
  const siblings = Object.entries(small).map(([rfilename, { length }]) => ({
    rfilename,
    size: rfilename === "model.safetensors" ? bytes : length,
  }));
  return ({ url = "", headers }, response) => {
    if (url.includes("/api/models/")) {
      response.end(JSON.stringify({ id: "org/model", sha: COMMIT, siblings }));
      return true;
    }
    const name = path.basename(url);
    const [, begin = 0, end = 0] = (/^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? []).map(Number);
    const part = Buffer.alloc(end + 1 - begin);
    if (name === "model.safetensors") part.set(header.subarray(begin, end + 1));
    else part.set(small[name as keyof typeof small]!.subarray(begin, end + 1));
    response.writeHead(206, { "Content-Length": part.length }).end(part);
    return true;
  };
}

/** Weights of eight bits. */
function quantisedHeader(): Uint8Array {
  const json = JSON.stringify({ "model.embed_tokens.weight": { dtype: "U8", shape: [8], data_offsets: [0, 8] } });
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(8)]);
}
