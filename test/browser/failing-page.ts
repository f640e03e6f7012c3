/** What the tests of failures share: notices by their words, changed scripts, a dropped model, few and small updates. */
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { BrowserContext, Locator, Page, Route } from "playwright-core";
import { root } from "../../src/cli/launch/places.mjs";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import { wantedTensors } from "../../src/models/load.ts";
import { buildModel } from "../../src/models/registry.ts";
import type { TrainConfig } from "../../src/train/config.ts";
import { temporaryFolder } from "../cli/support.ts";
import { type Console, card, openCard } from "./journey-page.ts";

export const DEMO = path.join(root, "public", "demo");

/** The browser's own words about an answer that it did not get; a page cannot keep it from logging them. */
export const NOT_LOADED = /Failed to load resource|^status \d+|ERR_/;

/** A message of the page, or of a card, that holds these words; resolves when it is there. */
export async function notice(within: Page | Locator, words: string | RegExp) {
  const found = within.locator(".k-notice", { hasText: words }).first();
  await found.waitFor();
  return found;
}

export const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).first();

/** The engine's script as another one. Throws in the test when `change` changes nothing. */
export const changeEngine = (change: (script: string) => string) => (context: BrowserContext) =>
  context.route(/\/assets\/entry-[^/]*\.js$/, async (route: Route) => {
    const response = await route.fetch();
    const before = await response.text();
    const after = change(before);
    if (after === before) throw new Error("the engine's script does not hold what is to be changed");
    await route.fulfill({ response, body: after });
  });

/** Knobs that no button sets, as a script would. */
export async function setKnobs(page: Page, knobs: Partial<TrainConfig>): Promise<void> {
  await page.evaluate((given) => {
    const { store } = (globalThis as unknown as Console).lorikeet;
    store.set({ config: { ...store.get().config!, ...given } });
  }, knobs);
}

/** The smallest run there is of so many updates. */
export const small = (steps: number): Partial<TrainConfig> => ({
  ...{ steps, batchSize: 2, saveEvery: 1, stepsPerEval: 0, stepsPerSample: 0 },
});

export async function chooseSource(page: Page, name: RegExp): Promise<void> {
  await openCard(page, "model");
  await card(page, "model").getByRole("radio", { name }).check({ force: true });
}

export async function dropFolder(page: Page, folder: string): Promise<void> {
  await chooseSource(page, /Folder/);
  await card(page, "model").locator("input[webkitdirectory]").setInputFiles(folder);
}

export async function lookUp(page: Page, id: string): Promise<void> {
  await chooseSource(page, /Hub/);
  const field = card(page, "model").getByRole("textbox").first();
  await field.fill(id);
  await field.press("Enter");
}

/** A folder with the demo's tokenizer and a model of zeros, which takes no room on disk however large it says it is. */
export function sparseModel(name: string, config: Readonly<Record<string, unknown>>): string {
  const folder = path.join(temporaryFolder(), name);
  mkdirSync(folder);
  const file = (at: string) => readFileSync(path.join(DEMO, at));
  for (const at of ["tokenizer.json", "tokenizer_config.json"]) writeFileSync(path.join(folder, at), file(at));
  const whole = { ...JSON.parse(file("config.json").toString()), ...config };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(whole));
  const { header, bytes } = zeroWeights(whole);
  writeFileSync(path.join(folder, "model.safetensors"), header);
  truncateSync(path.join(folder, "model.safetensors"), bytes);
  return folder;
}

/** The beginning of a weight file for this config, and how long the whole is, zeros to its end. */
export function zeroWeights(config: Readonly<Record<string, unknown>>): { header: Uint8Array; bytes: number } {
  const model = buildModel(parseModelConfig(config, "test"), "test");
  let at = 0;
  const entries = wantedTensors(model).map(({ name, shape }) => {
    const begin = at;
    at += 2 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype: "BF16", shape, data_offsets: [begin, at] }] as const;
  });
  const json = JSON.stringify(Object.fromEntries(entries));
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return { header: Buffer.concat([length, text]), bytes: 8 + text.length + at };
}

/** So many records of so many token ids, all with loss: their size is the same for every model. */
export function tokenDataset(records: number, tokens: number): string {
  const file = path.join(temporaryFolder(), "tokens.jsonl");
  const line = (i: number) => {
    const input_ids = Array.from({ length: tokens }, (_, t) => 3 + ((7 * i + t) % 900));
    return JSON.stringify({ input_ids, labels: input_ids });
  };
  writeFileSync(file, `${Array.from({ length: records }, (_, i) => line(i)).join("\n")}\n`);
  return file;
}

/** The files of a model of zeros, for a stand-in of the Hub; with an intermediate size of 4096 it has three chunks. */
export function zeroModel(config: Readonly<Record<string, unknown>>): Record<string, Uint8Array> {
  const file = (at: string) => new Uint8Array(readFileSync(path.join(DEMO, at)));
  const whole = { ...JSON.parse(Buffer.from(file("config.json")).toString()), ...config };
  const { header, bytes } = zeroWeights(whole);
  const weights = new Uint8Array(bytes);
  weights.set(header);
  return {
    "config.json": new TextEncoder().encode(JSON.stringify(whole)),
    "model.safetensors": weights,
    "tokenizer.json": file("tokenizer.json"),
    "tokenizer_config.json": file("tokenizer_config.json"),
  };
}

/** How much the browser gives this site from now on; nothing: as much as it would by itself. Needs a profile on disk. */
export async function setQuota(page: Page, origin: string, quotaSize?: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin, ...(quotaSize ? { quotaSize } : {}) });
}
