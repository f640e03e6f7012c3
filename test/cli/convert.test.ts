/** convert between every layout, on the golden models. */
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { toFloat32 } from "../../src/core/dtype.ts";
import { openSafetensors } from "../../src/formats/safetensors.ts";
import { exportPeft } from "../../src/lora/export.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { fixture } from "../lora/support.ts";
import { relativeL2 } from "../support/compare.ts";
import { fixturePath, fixtureTensors } from "../support/golden.ts";
import { filesIn, goldenRecords, lorikeet, readJsonFile, succeed, temporaryFolder, writeRecords } from "./support.ts";

const MODEL = fixturePath("llama");
const RANDOM = fixturePath("llama/adapters/random");
const folder = temporaryFolder({ keep: true });
const at = (...parts: string[]) => path.join(folder, ...parts);
const data = at("main.jsonl");
const same = (a: string, b: string) => readFileSync(a).equals(readFileSync(b));

beforeAll(async () => {
  writeRecords(data, await goldenRecords("llama", "main"));
});

const lossOf = async (adapter: string): Promise<number> =>
  JSON.parse((await succeed("eval", "--model", MODEL, "--data", data, "--json", "--adapter-path", adapter)).out).loss;

describe("convert", () => {
  it("peft → mlx → peft → mlx: the same numbers, the same logits", async () => {
    await succeed("convert", RANDOM, "--to", "mlx", "--out", at("mlx"));
    await succeed("convert", at("mlx"), "--to", "peft", "--out", at("peft"));
    await succeed("convert", at("peft"), "--to", "mlx", "--out", at("mlx-2"));
    expect(filesIn(at("peft"))).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    for (const file of filesIn(at("mlx"))) {
      expect(readFileSync(at("mlx", file)).equals(readFileSync(at("mlx-2", file))), file).toBe(true);
    }
    const theirs = await fixtureTensors("llama/adapters/random/adapter_model.safetensors");
    const ours = await tensorsAt(at("peft", "adapter_model.safetensors"));
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [name, values] of ours) expect(relativeL2(values, theirs.get(name)!.values), name).toBe(0);
    const loss = async (adapter: string) =>
      JSON.parse((await succeed("eval", "--model", MODEL, "--data", data, "--json", "--adapter-path", adapter)).out)
        .loss;
    expect(await loss(at("mlx"))).toBe(await loss(RANDOM));
  });

  it("DoRA: peft → mlx → peft is the same, every command takes it, and GGUF is refused with the way out", async () => {
    const dora = fixturePath("llama/adapters/dora");
    await succeed("convert", dora, "--to", "mlx", "--out", at("dora-mlx"));
    await succeed("convert", at("dora-mlx"), "--to", "peft", "--out", at("dora-peft"));
    expect(readJsonFile(at("dora-mlx", "adapter_config.json"))).toMatchObject({ fine_tune_type: "dora" });
    expect(readJsonFile(at("dora-peft", "adapter_config.json"))).toMatchObject({ use_dora: true });
    const magnitudes = await tensorsAt(at("dora-mlx", "adapters.safetensors"));
    expect(magnitudes.get("model.layers.0.self_attn.q_proj.m")).toHaveLength(64);
    const theirs = await fixtureTensors("llama/adapters/dora/adapter_model.safetensors");
    const ours = await tensorsAt(at("dora-peft", "adapter_model.safetensors"));
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [name, values] of ours) expect(relativeL2(values, theirs.get(name)!.values), name).toBe(0);
    expect(await lossOf(at("dora-mlx"))).toBe(await lossOf(dora));
    expect((await succeed("inspect", at("dora-mlx"))).out).toContain("42 tensors");
    const { status, err } = await lorikeet([
      "convert",
      dora,
      "--to",
      "gguf",
      "--model",
      MODEL,
      "--out",
      at("dora-gguf"),
    ]);
    expect(status).toBe(1);
    expect(err).toContain("GGUF holds A and B alone");
    expect(err).toContain("lorikeet fuse");
  });

  it("counts MLX's blocks from the base's last, where it is told which that is", async () => {
    const line = ["convert", RANDOM, "--to", "mlx", "--out"];
    await succeed(...line, at("deep"), "--num-hidden-layers", "5");
    expect(readJsonFile(at("deep", "adapter_config.json")).num_layers).toBe(5);
    await succeed(...line, at("by-model"), "--model", MODEL);
    expect(readJsonFile(at("by-model", "adapter_config.json")).num_layers).toBe(2);
    const shallow = await lorikeet([...line, at("shallow"), "--num-hidden-layers", "1"]);
    expect(shallow.status).toBe(1);
    expect(shallow.err).toContain("adapts block 1, counted from 0; a base of 1 blocks has none of that number");
    expect(filesIn(folder)).not.toContain("shallow");
  });

  it("refuses a folder that holds an adapter of the other layout", async () => {
    await succeed("convert", RANDOM, "--to", "peft", "--out", at("held"));
    const second = await lorikeet(["convert", RANDOM, "--to", "mlx", "--out", at("held")]);
    expect(second.err).toContain("holds adapter_model.safetensors");
    expect(filesIn(at("held"))).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
  });

  it("what does not fit the model is refused by name and shape, and nothing is written", async () => {
    const { status, err } = await lorikeet([
      "convert",
      RANDOM,
      "--to",
      "peft",
      "--out",
      at("misfit"),
      "--model",
      "demo",
    ]);
    expect(status).toBe(1);
    expect(err).toContain("adapter does not fit the model: 14 problems");
    expect(err).toMatch(/model\.layers\.0\.mlp\.up_proj: expected \d+ → \d+ \(in → out\) from the model, got 64 → 160/);
    expect(filesIn(folder)).not.toContain("misfit");
  });

  it("layers of different rank and strength: told, and the same model", async () => {
    const { factors, ...rest } = await importAdapter(fixture("llama/adapters/random"));
    const mixed = factors.map((factor) => (factor.module.endsWith("q_proj") ? { ...factor, scale: 5 } : factor));
    mkdirSync(at("mixed"));
    for (const file of exportPeft({ ...rest, factors: mixed })) writeFileSync(at("mixed", file.path), file.bytes);
    const { err } = await succeed("convert", at("mixed"), "--to", "mlx", "--out", at("mixed-mlx"));
    expect(err).toContain("2 layers of scale 5 under scale 2: the difference went into B, rounded once to F32\n");
    const losses = [await lossOf(at("mixed")), await lossOf(at("mixed-mlx")), await lossOf(RANDOM)] as const;
    expect(Math.abs(losses[0] - losses[1])).toBeLessThan(1e-6);
    expect(Math.abs(losses[0] - losses[2])).toBeGreaterThan(1e-4);
    expect((await succeed("inspect", at("mixed"))).out).toContain("layers differ: rank 4, scale 2 to 5\n");
  });
});

describe("convert to and from GGUF", () => {
  const line = (from: string, to: string, out: string) => ["convert", from, "--to", to, "--out", out, "--model", MODEL];

  it("peft → gguf → mlx is peft → mlx, byte for byte, and every command takes the file", async () => {
    const { err, out } = await succeed(...line(RANDOM, "gguf", at("gguf")));
    expect(err).toBe("");
    expect(out).toMatch(/adapter\.gguf {2}\d/);
    await succeed(...line(at("gguf"), "mlx", at("from-gguf")));
    await succeed(...line(RANDOM, "mlx", at("direct")));
    for (const file of filesIn(at("direct"))) expect(same(at("from-gguf", file), at("direct", file)), file).toBe(true);
    const file = at("gguf", "adapter.gguf");
    expect(await lossOf(file)).toBe(await lossOf(RANDOM));
    expect((await succeed("inspect", file, "--model", MODEL)).out).toContain("rank 4, alpha 8, scale 2");
  });

  it("a folder with config.json is enough, and f16 halves the file", async () => {
    mkdirSync(at("config"));
    copyFileSync(path.join(MODEL, "config.json"), at("config", "config.json"));
    const small = [
      "convert",
      RANDOM,
      "--to",
      "gguf",
      "--model",
      at("config"),
      "--outtype",
      "f16",
      "--out",
      at("small"),
    ];
    expect((await succeed(...small)).err).toContain("has no weights to hold the adapter's shapes against\n");
    const [half, whole] = [at("small", "adapter.gguf"), at("gguf", "adapter.gguf")].map((file) => statSync(file).size);
    expect(half! / whole!).toBeGreaterThan(0.5);
    expect(half! / whole!).toBeLessThan(0.6);
  });

  it("lies beside another layout, which folders are read as", async () => {
    await succeed("convert", RANDOM, "--to", "mlx", "--out", at("both"));
    await succeed(...line(at("both"), "gguf", at("both")));
    expect(filesIn(at("both"))).toEqual(["adapter.gguf", "adapter_config.json", "adapters.safetensors"]);
    expect((await succeed("inspect", at("both"))).out).toContain("trained on tiny-llama");
  });

  it("without the model: refused, on both ways, before anything is written", async () => {
    const there = await lorikeet(["convert", RANDOM, "--to", "gguf", "--out", at("nowhere")]);
    expect(there).toMatchObject({ status: 1 });
    expect(there.err).toContain("by the base model, which was not named");
    const back = await lorikeet(["convert", at("gguf"), "--to", "peft", "--out", at("nowhere")]);
    expect(back.err).toContain("by heads that only the model names");
    const other = await lorikeet(["inspect", path.join(MODEL, "config.json")]);
    expect(other.err).toContain("expected a folder or a .gguf file, got another file");
    expect(filesIn(folder)).not.toContain("nowhere");
  });
});

async function tensorsAt(file: string): Promise<Map<string, Float32Array>> {
  const opened = await openSafetensors(memorySource(file, readFileSync(file)));
  const entries = [...opened.tensors.values()].map(async (info) => {
    return [info.name, toFloat32(await opened.read(info), info.dtype)] as const;
  });
  return new Map(await Promise.all(entries));
}
