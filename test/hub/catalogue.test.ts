/** The catalogue's figures agree with each other and with what the engine makes of the configs; names say what they can. */
import { readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import { type CatalogueEntry, contextTokens, downloadBytes } from "../../src/hub/catalogue/entry.ts";
import { accessSteps, CATALOGUE, findEntry, modelPage } from "../../src/hub/catalogue.ts";
import { parseHubId } from "../../src/hub/hub-id.ts";
import { buildModel, supportedFamilies } from "../../src/models/registry.ts";
import { modelFacts } from "../../src/train/facts.ts";
import { hasSharedData, sharedData } from "../tokenizer/fixtures.ts";

const KNOWN_FAMILIES = ["llama", "qwen2", "qwen3", "gemma3_text"];
const names = CATALOGUE.map((entry) => [entry.id, entry] as const);
const familyOf = ({ config }: CatalogueEntry) => String(config.model_type);
const isSupported = (entry: CatalogueEntry) => supportedFamilies().includes(familyOf(entry));

/** Parameters that a config stands for, counted without the engine. */
function countParameters({ config }: CatalogueEntry): number {
  const family = String(config.model_type);
  const [V, C, F, L, H, KV, D] = [
    ...["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers"],
    ...["num_attention_heads", "num_key_value_heads", "head_dim"],
  ].map((key) => Number(config[key])) as [number, number, number, number, number, number, number];
  const attention = C * (H + 2 * KV) * D + H * D * C + (family === "qwen2" ? (H + 2 * KV) * D : 0);
  const headNorms = family === "qwen3" || family === "gemma3_text" ? 2 * D : 0;
  const norms = (family === "gemma3_text" ? 4 : 2) * C + headNorms;
  // Gemma's published config leaves the key out; its embeddings are tied.
  const tied = family === "gemma3_text" || config.tie_word_embeddings === true;
  return (tied ? 1 : 2) * V * C + L * (attention + 3 * C * F + norms) + C;
}

/** What does not agree in an entry; empty when all does. */
function figureProblems(entry: CatalogueEntry): string[] {
  const { parameters, bytes, config } = entry;
  const problems: string[] = [];
  const counted = countParameters(entry);
  if (counted !== parameters) problems.push(`config gives ${counted} parameters, stated are ${parameters}`);
  const stored = 2 * parameters + bytes.unread;
  const header = bytes.weights - stored;
  // A safetensors header: about 100 bytes a tensor.
  if (header < 1000 || header > 60_000) problems.push(`weights are ${header} bytes more than their parameters`);
  if (Math.abs(bytes.weights - stored) > 0.02 * stored) problems.push("weights differ by more than 2 %");
  if (bytes.unread !== 0 && bytes.unread !== 2 * Number(config.vocab_size) * Number(config.hidden_size)) {
    problems.push("unread is not the tied head");
  }
  if (bytes.tokenizer < 1e6 || bytes.tokenizer > 4e7) problems.push("tokenizer.json of an odd size");
  return problems;
}

describe("the catalogue", () => {
  it.each(names)("%s: parameters, bytes and config agree", (_, entry) => {
    expect(figureProblems(entry)).toEqual([]);
    expect(downloadBytes(entry)).toBeGreaterThan(2 * entry.parameters);
    expect(downloadBytes(entry)).toBeLessThan(2.15 * entry.parameters + entry.bytes.tokenizer);
    expect(contextTokens(entry)).toBeGreaterThanOrEqual(2048);
  });

  it.each<[string, (entry: CatalogueEntry) => CatalogueEntry]>([
    ["a block more", (entry) => ({ ...entry, config: { ...entry.config, num_hidden_layers: 31 } })],
    ["untied embeddings", (entry) => ({ ...entry, config: { ...entry.config, tie_word_embeddings: false } })],
    ["other parameters", (entry) => ({ ...entry, parameters: entry.parameters + 1_000_000 })],
    ["3 % more bytes", (entry) => ({ ...entry, bytes: { ...entry.bytes, weights: 1.03 * entry.bytes.weights } })],
    ["bytes without a header", (entry) => ({ ...entry, bytes: { ...entry.bytes, weights: 2 * entry.parameters } })],
    ["an unread part", (entry) => ({ ...entry, bytes: { ...entry.bytes, unread: 1000 } })],
    ["a tokenizer in kilobytes", (entry) => ({ ...entry, bytes: { ...entry.bytes, tokenizer: 2104 } })],
  ])("would notice %s", (_, spoil) => {
    const entry = findEntry("HuggingFaceTB/SmolLM2-135M-Instruct")!;
    expect(figureProblems(entry)).toEqual([]);
    expect(figureProblems(spoil(entry))).not.toEqual([]);
  });

  it.each(names)("%s: id, texts and licence are in order", (_, entry) => {
    expect(parseHubId(entry.id)).toEqual({ id: entry.id });
    expect(KNOWN_FAMILIES).toContain(familyOf(entry));
    expect(entry.purpose).toMatch(/^[A-Z][^!]+\.$/);
    expect(entry.title).not.toBe("");
    expect(entry.licence.id).toMatch(/^(Apache-2\.0|LicenseRef-[\w.-]+)$/);
    expect(entry.licence.url).toMatch(/^https:\/\/\S+$/);
    expect(entry.licence.restriction === null).toBe(entry.licence.id === "Apache-2.0");
  });

  it("lists each model once, smallest first", () => {
    const ids = CATALOGUE.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(13);
    const sizes = CATALOGUE.map(({ parameters }) => parameters);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  });

  it("says which models are gated and which may not be used for everything", () => {
    const owners = CATALOGUE.filter(({ gated }) => gated).map(({ id }) => id.split("/")[0]);
    expect(new Set(owners)).toEqual(new Set(["meta-llama", "google"]));
    const research = CATALOGUE.filter(({ licence }) => licence.id === "LicenseRef-Qwen-Research");
    expect(research.map(({ id }) => id)).toEqual(["Qwen/Qwen2.5-3B-Instruct"]);
  });
});

describe("models of families that are supported", () => {
  const supported = CATALOGUE.filter(isSupported).map((entry) => [entry.id, entry] as const);

  it.each(supported)("%s is built from its config, with as many parameters as stated", (_, entry) => {
    const config = parseModelConfig(entry.config, entry.id);
    const facts = modelFacts(buildModel(config, entry.id));
    expect(facts).toMatchObject({ parameters: entry.parameters, family: familyOf(entry) });
    expect(config.eos_token_id.length).toBeGreaterThan(0);
    expect(contextTokens(entry)).toBe(config.max_position_embeddings);
  });

  it("are llama and qwen2 at least", () => {
    expect(new Set(supported.map(([, entry]) => familyOf(entry)))).toContain("llama");
    expect(new Set(supported.map(([, entry]) => familyOf(entry)))).toContain("qwen2");
  });

  it("stretch their positions where they were trained so", () => {
    const llama = parseModelConfig(findEntry("meta-llama/Llama-3.2-1B-Instruct")!.config, "llama");
    expect(llama.rope).toMatchObject({ rope_type: "llama3", rope_theta: 500000, factor: 32 });
    expect(llama.eos_token_id).toContain(128009);
    const smol = parseModelConfig(findEntry("HuggingFaceTB/SmolLM2-1.7B-Instruct")!.config, "smol");
    expect(smol.rope).toEqual({ rope_type: "default", rope_theta: 130000 });
  });
});

describe.skipIf(!hasSharedData)("files of the Hub, where they are at hand", () => {
  it.each([
    // A printout of the base model; the instruct version ends its turns otherwise.
    ["llama-3.2-1b", "meta-llama/Llama-3.2-1B-Instruct", ["eos_token_id"]],
    [
      "smollm2-135m",
      "HuggingFaceTB/SmolLM2-135M-Instruct",
      ["bos_token_id", "eos_token_id", "max_position_embeddings"],
    ],
  ])("%s: config.json says the same", (file, id, different) => {
    const published = JSON.parse(readFileSync(new URL(`configs/${file}.config.json`, sharedData), "utf8"));
    const { config } = findEntry(id)!;
    const fields = Object.keys(config).filter((key) => !different.includes(key));
    for (const key of fields) expect({ [key]: config[key] }).toEqual({ [key]: published[key] });
    expect(fields.length).toBeGreaterThan(12);
    for (const key of different) expect(config[key]).not.toEqual(published[key]);
  });

  it.each([
    ["qwen2.5", "Qwen/Qwen2.5-3B-Instruct"],
    ["llama3.2", "meta-llama/Llama-3.2-3B-Instruct"],
    ["smollm2", "HuggingFaceTB/SmolLM2-360M-Instruct"],
  ])("%s: tokenizer.json is as long as stated", (folder, id) => {
    expect(statSync(new URL(`tokenizers/${folder}/tokenizer.json`, sharedData)).size).toBe(
      findEntry(id)!.bytes.tokenizer,
    );
  });
});

it("finds an entry in any case, and says how to get a gated one", () => {
  expect(findEntry("qwen/qwen2.5-0.5b-instruct")?.title).toBe("Qwen2.5 0.5B");
  expect(findEntry("Qwen/Qwen2.5-0.5B")).toBeUndefined();
  const id = "meta-llama/Llama-3.2-1B-Instruct";
  expect(accessSteps(id)).toContain(modelPage(id));
  expect(accessSteps(id)).toMatch(/^Accept the terms on the model's page .*, then paste a read token/);
});
