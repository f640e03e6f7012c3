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

const KNOWN_FAMILIES = ["llama", "qwen2", "qwen3", "gemma2", "gemma3_text", "mistral", "phi3", "smollm3"];
const names = CATALOGUE.map((entry) => [entry.id, entry] as const);
const familyOf = ({ config }: CatalogueEntry) => String(config.model_type);
const isSupported = (entry: CatalogueEntry) => supportedFamilies().includes(familyOf(entry));

/** Parameters that a config stands for, counted without the engine: those in matrices, and those in norms and biases. */
function countParameters({ config }: CatalogueEntry): { readonly matrices: number; readonly vectors: number } {
  const family = String(config.model_type);
  const [V, C, F, L, H, KV, D] = [
    ...["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers"],
    ...["num_attention_heads", "num_key_value_heads", "head_dim"],
  ].map((key) => Number(config[key])) as [number, number, number, number, number, number, number];
  const gemma = family === "gemma2" || family === "gemma3_text";
  const attention = C * (H + 2 * KV) * D + H * D * C;
  const biases = family === "qwen2" ? (H + 2 * KV) * D : 0;
  const headNorms = family === "qwen3" || family === "gemma3_text" ? 2 * D : 0;
  const norms = (gemma ? 4 : 2) * C + headNorms;
  // Gemma's published config leaves the key out; its embeddings are tied.
  const tied = gemma || config.tie_word_embeddings === true;
  return {
    matrices: (tied ? 1 : 2) * V * C + L * (attention + 3 * C * F),
    vectors: L * (norms + biases) + C,
  };
}

/** Bytes of the tensors: 16 bits a value, or a matrix as codes, with a scale and a bias of 16 bits for each group. */
function storedBytes(entry: CatalogueEntry): number {
  const { matrices, vectors } = countParameters(entry);
  const { coded } = entry;
  if (!coded) return 2 * (matrices + vectors);
  const words = (matrices * coded.bits) / 32;
  const groups = matrices / coded.group;
  return 4 * words + (2 + 2) * groups + 2 * vectors;
}

/** What does not agree in an entry; empty when all does. */
function figureProblems(entry: CatalogueEntry): string[] {
  const { parameters, bytes, config } = entry;
  const problems: string[] = [];
  const { matrices, vectors } = countParameters(entry);
  const counted = matrices + vectors;
  if (counted !== parameters) problems.push(`config gives ${counted} parameters, stated are ${parameters}`);
  const stored = storedBytes(entry) + bytes.unread;
  const header = bytes.weights - stored;
  // A safetensors header: about 100 bytes a tensor; coded matrices are three.
  if (header < 1000 || header > (entry.coded ? 180_000 : 60_000))
    problems.push(`weights are ${header} bytes more than their parameters`);
  if (Math.abs(bytes.weights - stored) > 0.02 * stored) problems.push("weights differ by more than 2 %");
  if (bytes.unread !== 0 && bytes.unread !== 2 * Number(config.vocab_size) * Number(config.hidden_size)) {
    problems.push("unread is not the tied head");
  }
  const codes = entry.coded && { group_size: entry.coded.group, bits: entry.coded.bits };
  if (JSON.stringify(config.quantization ?? null) !== JSON.stringify(codes)) problems.push("config has other codes");
  if (bytes.tokenizer < 1e6 || bytes.tokenizer > 4e7) problems.push("tokenizer.json of an odd size");
  return problems;
}

describe("the catalogue", () => {
  it.each(names)("%s: parameters, bytes and config agree", (_, entry) => {
    expect(figureProblems(entry)).toEqual([]);
    const each = entry.coded ? 4.5 / 8 : 2;
    expect(downloadBytes(entry)).toBeGreaterThan(each * entry.parameters);
    expect(downloadBytes(entry)).toBeLessThan(1.075 * each * entry.parameters + entry.bytes.tokenizer);
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

  it.each<[string, (entry: CatalogueEntry) => CatalogueEntry]>([
    ["codes of 8 bits", (entry) => ({ ...entry, coded: { ...entry.coded!, bits: 8 } })],
    ["groups of 32", (entry) => ({ ...entry, coded: { ...entry.coded!, group: 32 } })],
    ["no codes", (entry) => ({ ...entry, coded: null })],
    ["a config without them", (entry) => ({ ...entry, config: { ...entry.config, quantization: null } })],
    ["the bytes of the original", (entry) => ({ ...entry, bytes: { ...entry.bytes, weights: 2 * entry.parameters } })],
    ["a vocabulary that is not the original's", (entry) => ({ ...entry, config: { ...entry.config, vocab_size: 1 } })],
  ])("would notice %s in a coded one", (_, spoil) => {
    const entry = findEntry("mlx-community/Qwen2.5-7B-Instruct-4bit")!;
    expect(figureProblems(entry)).toEqual([]);
    expect(figureProblems(spoil(entry))).not.toEqual([]);
  });

  it("has codes that are what they say: the original's shape in little more than a quarter of its bytes", () => {
    const coded = CATALOGUE.filter((entry) => entry.coded);
    expect(coded).toHaveLength(8);
    for (const entry of coded) {
      expect(entry.id).toBe(`mlx-community/${entry.coded!.original.split("/")[1]}-4bit`);
      expect(entry.title).toMatch(/, 4 bits$/);
      const original = findEntry(entry.coded!.original);
      if (!original) continue;
      const { quantization: _, ...config } = entry.config;
      expect([config, entry.licence]).toEqual([original.config, original.licence]);
      const share = entry.bytes.weights / (original.bytes.weights - original.bytes.unread);
      expect(share).toBeGreaterThan(0.281);
      expect(share).toBeLessThan(0.2815);
    }
    expect(coded.filter((entry) => findEntry(entry.coded!.original))).toHaveLength(5);
  });

  it.each(names)("%s: id, texts and licence are in order", (_, entry) => {
    expect(parseHubId(entry.id)).toEqual({ id: entry.id });
    expect(KNOWN_FAMILIES).toContain(familyOf(entry));
    expect(entry.purpose).toMatch(/^[A-Z][^!]+\.$/);
    expect(entry.title).not.toBe("");
    expect(entry.licence.id).toMatch(/^(Apache-2\.0|MIT|LicenseRef-[\w.-]+)$/);
    expect(entry.licence.url).toMatch(/^https:\/\/\S+$/);
    expect(entry.licence.restriction === null).toBe(["Apache-2.0", "MIT"].includes(entry.licence.id));
  });

  it("lists each model once, the smallest download first", () => {
    const ids = CATALOGUE.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(25);
    const sizes = CATALOGUE.map(downloadBytes);
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
    expect(config.quantization?.bits ?? null).toBe(entry.coded?.bits ?? null);
  });

  it("are those of the registry", () => {
    expect([...new Set(supported.map(([, entry]) => familyOf(entry)))].sort()).toEqual(supportedFamilies());
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
