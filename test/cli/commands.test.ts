/** eval, logits, generate and inspect on the golden models. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { toFloat32 } from "../../src/core/dtype.ts";
import { openSafetensors } from "../../src/formats/safetensors.ts";
import { relativeL2 } from "../support/compare.ts";
import { fixtureJson, fixturePath, fixtureTensors, paddedBatch, unpadRows } from "../support/golden.ts";
import { goldenRecords, lorikeet, succeed, type TokenRecord, temporaryFolder, writeRecords } from "./support.ts";

const MODEL = fixturePath("llama");
const RANDOM = fixturePath("llama/adapters/random");
const { scalars, lists } = fixtureJson("llama/manifest.json");
const folder = temporaryFolder({ keep: true });
const at = (...parts: string[]) => path.join(folder, ...parts);
const data = at("main.jsonl");
let records: TokenRecord[];

beforeAll(async () => {
  records = await goldenRecords("llama", "main");
  writeRecords(data, records);
});

describe("eval", () => {
  it.each([
    ["the base", [], "base.loss"],
    ["an adapter of PEFT", ["--adapter-path", RANDOM], "lora.loss"],
  ])("measures %s as transformers does", async (_, flags, golden) => {
    const { out } = await succeed("eval", "--model", MODEL, "--data", data, "--json", ...flags);
    const { loss, perplexity, tokens } = JSON.parse(out);
    expect(loss).toBeCloseTo(scalars[golden].value, 4);
    expect(perplexity).toBeCloseTo(Math.exp(loss), 6);
    expect(tokens).toBe(records.flatMap(({ labels }) => labels.slice(1)).filter((label) => label >= 0).length);
  });

  it("prints the same for people", async () => {
    const { out } = await succeed("eval", "--model", MODEL, "--data", data);
    expect(out).toMatch(/^loss +\d+\.\d+\nperplexity +\d+/);
  });
});

describe("logits", () => {
  it("writes one tensor for each record, base and adapter, in the order of the file", async () => {
    const padded = paddedBatch(await fixtureTensors("llama/inputs.safetensors"), "main");
    const golden = await fixtureTensors("llama/golden.safetensors");
    for (const [name, flags] of [
      ["base", []],
      ["lora", ["--adapter-path", RANDOM]],
    ] as const) {
      const out = at(`${name}.safetensors`);
      await succeed("logits", "--model", MODEL, "--data", data, "--out", out, ...flags);
      const file = await openSafetensors(memorySource(out, readFileSync(out)));
      expect([...file.tensors.keys()]).toEqual(["logits.0", "logits.1"]);
      const parts: number[] = [];
      for (const [i, info] of [...file.tensors.values()].entries()) {
        expect([info.dtype, info.shape]).toEqual(["F32", [records[i]!.input_ids.length, 320]]);
        parts.push(...toFloat32(await file.read(info), "F32"));
      }
      expect(relativeL2(parts, unpadRows(golden.get(`${name}.logits`)!, padded))).toBeLessThan(2e-5);
    }
  });

  it("keeps the records that carry no loss, and the order of their numbers past ten", async () => {
    const many = Array.from({ length: 12 }, (_, i) => ({
      input_ids: [1, 2, 3].slice(0, 1 + (i % 3)),
      labels: [-100, -100, -100].slice(0, 1 + (i % 3)),
    }));
    const out = at("many.safetensors");
    await succeed("logits", "--model", MODEL, "--data", writeRecords(at("many.jsonl"), many), "--out", out);
    const file = await openSafetensors(memorySource(out, readFileSync(out)));
    for (const [i, { input_ids }] of many.entries()) {
      expect(file.tensors.get(`logits.${i}`)!.shape).toEqual([input_ids.length, 320]);
    }
  });
});

describe("generate", () => {
  const tokens = () => records[0]!.input_ids.slice(0, 8).join(",");

  it.each([
    ["base", []],
    ["lora", ["--adapter-path", RANDOM]],
  ])("%s: the golden greedy tokens", async (name, flags) => {
    const golden: number[] = lists[`generate.${name}.tokens`].values;
    const line = [
      "generate",
      "--model",
      MODEL,
      "--tokens",
      tokens(),
      "--ignore-eos",
      "--max-tokens",
      String(golden.length),
    ];
    const { out } = await succeed(...line, "--json", ...flags);
    expect(JSON.parse(out)).toEqual({ tokens: golden, text: null });
    expect((await succeed(...line, ...flags)).out.trim()).toBe(golden.join(" "));
  });

  it("samples by seed, and stops where the config says", async () => {
    const sample = async (...flags: string[]) =>
      JSON.parse((await succeed("generate", "--model", MODEL, "--tokens", tokens(), "--json", ...flags)).out).tokens;
    const hot = ["--temperature", "2", "--max-tokens", "20", "--ignore-eos", "--seed"];
    expect(await sample(...hot, "3")).toEqual(await sample(...hot, "3"));
    expect(await sample(...hot, "3")).not.toEqual(await sample(...hot, "4"));
    const all: number[] = await sample("--temperature", "50", "--max-tokens", "100");
    // 2 is eos: if it came at all, nothing came after it.
    expect(all.indexOf(2) < 0 || all.indexOf(2) === all.length - 1).toBe(true);
  });

  it("wants one prompt, and ids that are ids", async () => {
    const line = ["generate", "--model", MODEL];
    expect((await lorikeet(line)).err).toContain("expected --prompt or --tokens");
    expect((await lorikeet([...line, "--prompt", "a", "--tokens", "1"])).err).toContain("one of the two");
    expect((await lorikeet([...line, "--tokens", "1,x"])).err).toContain('got "x"');
    expect((await lorikeet([...line, "--tokens", "1,999"])).err).toContain("token 999 is not in the vocabulary of 320");
    expect((await lorikeet([...line, "--prompt", "a"])).err).toContain("expected a tokenizer.json");
  });
});

describe("inspect", () => {
  it("lists layers, norms and totals", async () => {
    const { out } = await succeed("inspect", RANDOM);
    expect(out.split("\n").filter((line) => line.startsWith("model.layers.")).length).toBe(14);
    expect(out).toContain("14 layers, 28 tensors, 8,960 parameters");
    expect(out).toContain("rank 4, alpha 8, scale 2");
    const { factors, ...audit } = JSON.parse((await succeed("inspect", RANDOM, "--json")).out);
    expect(audit).toMatchObject({ rank: 4, scale: 2, layers: 14, tensors: 28, parameters: 8960, zero: false });
    expect(factors[0]).toMatchObject({ module: "model.layers.0.mlp.down_proj", in_features: 160, out_features: 64 });
  });

  it("draws sizes and effective ranks, and has both in the JSON", async () => {
    const { out } = await succeed("inspect", RANDOM);
    expect(out).toContain("size of each change, ‖ΔW‖ (· nothing, █ ");
    expect(out).toContain("effective rank, of 4 (· nothing, █ 4.00)");
    expect(out.match(/^q_proj +[▁-█]{2}$/gm)).toHaveLength(2);
    const { factors } = JSON.parse((await succeed("inspect", RANDOM, "--json")).out);
    expect(factors[0].singular_values).toHaveLength(4);
    expect(factors[0].spectral_norm).toBe(factors[0].singular_values[0]);
    expect(factors[0]).toMatchObject({ finite: true, zero: false, robust_z: null, outlier: false });
    expect(out).not.toMatch(/zero|not finite|its kind/);
  });

  it("shows a broken adapter all the same, with a status that says so", async () => {
    await succeed("convert", RANDOM, "--to", "mlx", "--out", at("nan"));
    const file = at("nan", "adapters.safetensors");
    const bytes = readFileSync(file);
    bytes.writeFloatLE(Number.NaN, bytes.length - 4); // the last tensor: v_proj of block 1
    writeFileSync(file, bytes);
    const { status, out } = await lorikeet(["inspect", at("nan")]);
    expect(status).toBe(1);
    expect(out).toContain("not finite, so this adapter is broken: model.layers.1.self_attn.v_proj\n");
    expect(out).toMatch(/^v_proj +[▁-█]!$/m);
    expect((await lorikeet(["inspect", at("nan"), "--json"])).status).toBe(1);
    // Whoever wants to use it is refused.
    const used = await lorikeet(["convert", at("nan"), "--to", "peft", "--out", at("nan-peft")]);
    expect(used.err).toContain("expected finite values, got NaN");
  });

  it("says when an adapter changes nothing", async () => {
    expect((await succeed("inspect", fixturePath("llama/adapters/init"))).out).toContain("changes nothing");
  });
});
