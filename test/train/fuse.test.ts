/** Fused models are proved on good files, and refused before a byte is written where they cannot be made. */
import { describe, expect, it } from "vitest";
import { type ModelSource, memorySource } from "../../src/core/bytes.ts";
import { toFloat32 } from "../../src/core/dtype.ts";
import { openSafetensors } from "../../src/formats/safetensors.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { type FuseRequest, fuseAndProve } from "../../src/train/fuse/fuse.ts";
import { logitsOf, mainBatch } from "../models/support.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureTensors, unpadRows } from "../support/golden.ts";
import { fuseWith, SQUARE, store } from "./fuse-support.ts";
import { fixtureAdapter } from "./support.ts";

const device = await testDevice();
const adapter = await fixtureAdapter("random");

describe("a fused model", () => {
  it("passes every check, and is peft's merged model in weights and logits", async () => {
    const { checks, target, lost, layers, blind, files } = await fuseWith();
    expect(checks.map(({ name, passed }) => [name, passed])).toEqual([
      ["every tensor is there, with its shape and type", true],
      ["the other tensors are the base's, byte for byte", true],
      ["adapted tensors are W + scale·B·A, rounded once", true],
      ["every number is finite", true],
      ["config, tokenizer and licence are the base's", true],
      ["the fused model, read from disk, gives the adapter's logits", true],
    ]);
    expect(checks[0]!.evidence).toBe("21 tensors in one file");
    expect(checks[2]!.evidence).toBe("14 tensors, 344 kB");
    expect(files).toEqual(["model.safetensors"]);
    expect(layers.map(({ module }) => module).sort()).toEqual(adapter.factors.map(({ module }) => module).sort());
    expect(lost).toBeLessThan(1e-6);
    expect(blind).toBe(false);
    const golden = await fixtureTensors("llama/merged/model.safetensors");
    const file = await openSafetensors(memorySource("fused", target.files.get("model.safetensors")!));
    expect(file.metadata.format).toBe("pt");
    expect([...file.tensors.keys()].sort()).toEqual([...golden.keys()].sort());
    for (const info of file.tensors.values()) {
      const values = toFloat32(await file.read(info), info.dtype);
      expect(relativeL2(values, golden.get(info.name)!.values), info.name).toBeLessThan(1e-7);
    }
    const { padded, flat } = await mainBatch();
    const logits = unpadRows((await fixtureTensors("llama/golden.safetensors")).get("merged.logits")!, padded);
    expect(relativeL2(await logitsOf(target.written, flat), logits)).toBeLessThan(2e-5);
  });

  it("gives back the memory of both models", async () => {
    await fuseWith();
    const before = device.memory.live;
    await fuseWith();
    // Only two small tables of positions stay; either model is half a megabyte.
    expect(device.memory.live - before).toBeLessThan(64 * 1024);
  });

  it.each([
    ["formats/bf16", 0.0251],
    ["formats/f16", 0.0032],
  ])("%s: within what its rounding explains, with the base alone far outside", async (folder, most) => {
    const { failed, checks } = await fuseWith(undefined, { source: fixtureFolder(folder) });
    expect(failed).toEqual([]);
    const [, difference, allowed, base] = /difference (\S+) on 3 probes, (\S+) allowed; .* by (\S+)$/.exec(
      checks.at(-1)!.evidence,
    )!;
    expect(Number(allowed)).toBeLessThanOrEqual(most);
    expect(Number(difference)).toBeLessThan(Number(allowed) / 2);
    expect(Number(difference)).toBeGreaterThan(Number(allowed) / 50);
    expect(Number(base)).toBeGreaterThan(10 * Number(allowed));
  });

  it("is sharded as its source, with an index", async () => {
    const { failed, target, files } = await fuseWith(undefined, { source: fixtureFolder("formats/sharded") });
    expect(failed).toEqual([]);
    expect(files).toHaveLength(5);
    const index = JSON.parse(new TextDecoder().decode(target.files.get("model.safetensors.index.json")));
    expect(Object.keys(index.weight_map)).toHaveLength(21);
    expect(index.weight_map[SQUARE]).toMatch(/^model-0000\d-of-00005\.safetensors$/);
    expect(index.metadata.total_size).toBe(509_184);
  });

  it("says how much rounding leaves, and when it hides the adapter", async () => {
    const faint: Adapter = { ...adapter, scale: adapter.scale * 0.003 };
    const { failed, lost, blind } = await fuseWith(undefined, {
      source: fixtureFolder("formats/bf16"),
      adapter: faint,
    });
    expect(failed).toEqual([]);
    expect(lost).toBeGreaterThan(0.6);
    expect(blind).toBe(true);
    const exact = await fuseWith(undefined, { adapter: faint });
    expect(exact.lost).toBeLessThan(1e-3);
    expect(exact.blind).toBe(false);
  });
});

describe("before anything is written", () => {
  const refused = async (changes: Partial<FuseRequest>) => {
    const target = store();
    const fusing = fuseAndProve(
      { device, source: { ...fixtureFolder("llama"), label: "llama" }, adapter, ...changes },
      target,
    );
    const error = await fusing.then(
      () => null,
      (reason: Error) => reason,
    );
    return { message: error?.message ?? "", written: target.files.size };
  };

  it("refuses an adapter of another model, listing what does not fit", async () => {
    const foreign: Adapter = {
      ...adapter,
      factors: adapter.factors.map((factor) => ({ ...factor, module: factor.module.replace("layers.1", "layers.9") })),
    };
    const { message, written } = await refused({ adapter: foreign });
    expect(message).toContain("model.layers.9.mlp.down_proj: the model has no such linear");
    expect(written).toBe(0);
    const wide = { ...adapter, factors: [{ ...adapter.factors[0]!, in_features: 128 }] };
    expect((await refused({ adapter: wide })).message).toContain(
      "expected 160 → 64 (in → out) from the model, got 128 → 64",
    );
  });

  it("refuses to write codes of a base that has none, and codes that config.json does not describe", async () => {
    expect(await refused({ requantize: true })).toEqual({
      message: "llama: its weights are plain, so there are no codes to write again",
      written: 0,
    });
    const source = fixtureFolder("mlx/llama-q4");
    const silent: ModelSource = {
      ...source,
      open: (path) => (path === "config.json" ? fixtureFolder("mlx/llama").open(path) : source.open(path)),
    };
    const { message, written } = await refused({ source: silent });
    expect(message).toContain('expected bits and group_size for it in config.json\'s "quantization", found none');
    expect(written).toBe(0);
  });
});
