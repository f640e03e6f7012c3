/** Adapters with weights on the command line: stacked for an answer, fused, or made one adapter. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { folderSource } from "../../src/cli/node/folder.ts";
import { splitWeight } from "../../src/cli/node/weighted-adapters.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { exportPeft } from "../../src/lora/export.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { fixture } from "../lora/support.ts";
import { fixturePath } from "../support/golden.ts";
import { filesIn, goldenRecords, lorikeet, readJsonFile, succeed, temporaryFolder, writeRecords } from "./support.ts";

const MODEL = fixturePath("llama");
const RANDOM = fixturePath("llama/adapters/random");
const FINAL = fixturePath("llama/adapters/final");
const folder = temporaryFolder({ keep: true });
const at = (...parts: string[]) => path.join(folder, ...parts);
const data = at("main.jsonl");

beforeAll(async () => {
  writeRecords(data, await goldenRecords("llama", "main"));
});

async function lossOf(...adapters: string[]): Promise<number> {
  const flags = adapters.flatMap((adapter) => ["--adapter-path", adapter]);
  return JSON.parse((await succeed("eval", "--model", MODEL, "--data", data, "--json", ...flags)).out).loss;
}

function write(name: string, adapter: Adapter): string {
  mkdirSync(at(name), { recursive: true });
  for (const file of exportPeft(adapter)) writeFileSync(at(name, file.path), file.bytes);
  return at(name);
}

describe("--adapter-path more than once", () => {
  it("is the weighted sum: halves make a whole, an adapter and its negative the base", async () => {
    const [whole, base] = [await lossOf(RANDOM), await lossOf()];
    expect(Math.abs(whole - base)).toBeGreaterThan(0.01);
    expect(Math.abs((await lossOf(`${RANDOM}:0.5`, `${RANDOM}:0.5`)) - whole)).toBeLessThan(1e-5);
    expect(Math.abs((await lossOf(`${RANDOM}:0.25`, `${RANDOM}:.75`)) - whole)).toBeLessThan(1e-5);
    expect(Math.abs((await lossOf(RANDOM, `${RANDOM}:-1`)) - base)).toBeLessThan(1e-5);
    expect(Math.abs((await lossOf(`${RANDOM}:0`)) - base)).toBeLessThan(1e-5);
    // The control: a half is neither.
    const half = await lossOf(`${RANDOM}:0.5`);
    for (const other of [whole, base]) expect(Math.abs(half - other)).toBeGreaterThan(1e-3);
  });

  it("answers and fuses as the combined adapter does", async () => {
    const stacked = ["--adapter-path", RANDOM, "--adapter-path", `${FINAL}:0.5`];
    await succeed("combine", RANDOM, `${FINAL}:0.5`, "--to", "mlx", "--out", at("both"));
    const ask = ["generate", "--tokens", "5,17,200,31", "--ignore-eos", "--max-tokens", "10", "--model"];
    const answer = (await succeed(...ask, MODEL, ...stacked)).out;
    expect(answer).toBe((await succeed(...ask, MODEL, "--adapter-path", at("both"))).out);
    expect(answer).not.toBe((await succeed(...ask, MODEL, "--adapter-path", RANDOM)).out);
    const { out } = await succeed("fuse", "--model", MODEL, ...stacked, "--out", at("fused"));
    expect(out).toContain("14 layers, rank 8, scale 1");
    expect((await succeed(...ask, at("fused"))).out).toBe(answer);
  });

  it("names the one that does not fit the model", async () => {
    const line = ["eval", "--model", MODEL, "--data", data, "--adapter-path", RANDOM, "--adapter-path"];
    const foreign = fixturePath("mlx/adapters-llama-random");
    const { status, err } = await lorikeet([...line, foreign]);
    expect(status).toBe(1);
    expect(err).toMatch(/^error: \S+mlx\/adapters-llama-random does not fit the model: \d+ problems\n/);
  });

  it("takes what is there under its whole name as that", async () => {
    mkdirSync(at("run:2"));
    expect(await splitWeight(at("run:2"))).toEqual({ place: at("run:2"), weight: 1 });
    expect(await splitWeight(`${at("run:2")}:-0.5`)).toEqual({ place: at("run:2"), weight: -0.5 });
    expect(await splitWeight("C:\\adapters")).toEqual({ place: "C:\\adapters", weight: 1 });
    expect(await splitWeight("run:1e-2")).toEqual({ place: "run", weight: 0.01 });
    expect(await splitWeight("run:3")).toEqual({ place: "run", weight: 3 });
  });
});

describe("combine", () => {
  it("cat: ranks add up, alpha is whole, and the loss is that of the stack", async () => {
    const line = ["combine", RANDOM, `${FINAL}:0.5`, "--model", MODEL];
    const { out, err } = await succeed(...line, "--to", "peft", "--out", at("cat"));
    expect(err).toBe("");
    expect(out).toMatch(/adapter_model\.safetensors {2}\d/);
    expect(readJsonFile(at("cat", "adapter_config.json"))).toMatchObject({ r: 8, lora_alpha: 8 });
    expect(Math.abs((await lossOf(at("cat"))) - (await lossOf(RANDOM, `${FINAL}:0.5`)))).toBeLessThan(1e-5);
    const deep = ["combine", RANDOM, FINAL, "--to", "mlx", "--num-hidden-layers", "5", "--out", at("deep")];
    await succeed(...deep);
    expect(readJsonFile(at("deep", "adapter_config.json")).num_layers).toBe(5);
    await succeed(...line, "--to", "gguf", "--out", at("cat-gguf"));
    expect(await lossOf(at("cat-gguf"))).toBe(await lossOf(at("cat")));
  });

  it("svd says what it leaves out, linear is another model", async () => {
    const line = ["combine", RANDOM, `${FINAL}:0.5`, "--to", "mlx"];
    const { out, err } = await succeed(...line, "--method", "svd", "--rank", "3", "--out", at("svd"));
    expect(out).toMatch(/^layer +left out\n─/);
    expect(err).toMatch(/^of its change \d+ % is left out, most in model\.layers\.\d/);
    expect(readJsonFile(at("svd", "adapter_config.json")).rank).toBe(3);
    const full = await succeed(...line, "--method", "svd", "--rank", "8", "--out", at("svd-8"));
    expect(full.err).toBe("");
    const exact = await lossOf(RANDOM, `${FINAL}:0.5`);
    expect(Math.abs((await lossOf(at("svd-8"))) - exact)).toBeLessThan(1e-5);
    await succeed(...line, "--method", "linear", "--out", at("linear"));
    expect((await importAdapter(folderSource(at("linear")))).rank).toBe(4);
    expect(Math.abs((await lossOf(at("linear"))) - exact)).toBeGreaterThan(1e-3);
  });

  it("refuses adapters of different models, ranks that linear cannot add, and a rank that no method takes", async () => {
    const other = fixturePath("mlx/adapters-llama-random");
    const refused = async (...more: string[]) => {
      const { status, err } = await lorikeet(["combine", RANDOM, ...more, "--to", "mlx", "--out", at("nowhere")]);
      expect(status).toBe(1);
      return err;
    };
    expect(await refused(other)).toMatch(/not of one model: 6 problems\n(.*\n)*.*up_proj: 64 → 160 .*, 64 → 192 in /);
    const wide = write("wide", await importAdapter(fixture("llama/adapters/random")));
    await succeed("convert", wide, "--to", "peft", "--rank", "6", "--out", at("wide-6"));
    expect(await refused(at("wide-6"), "--method", "linear")).toContain("linear: expected adapters of one rank; ");
    expect(await refused(FINAL, "--rank", "4")).toContain("only svd has a rank of its own, --method is cat");
    expect(await refused(FINAL, "--model", "demo")).toMatch(/adapters\/random does not fit the model: 14 problems/);
    expect((await lorikeet(["combine", "--to", "mlx", "--out", at("nowhere")])).err).toContain(
      "ADAPTER[:W] is missing",
    );
    expect(filesIn(folder)).not.toContain("nowhere");
  });
});
