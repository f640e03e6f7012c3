import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { folderSource } from "../../src/cli/node/folder.ts";
import { memoryModel, memorySource } from "../../src/core/bytes.ts";
import { toFloat32 } from "../../src/core/dtype.ts";
import { modelError } from "../../src/core/errors.ts";
import { openCheckpoint } from "../../src/formats/checkpoint.ts";
import { writeSafetensors } from "../../src/formats/safetensors.ts";

const fixture = (path: string) => folderSource(fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url)));

const shard = (...names: string[]) =>
  writeSafetensors(
    names.map((name, i) => ({ name, dtype: "U8" as const, shape: [4], bytes: new Uint8Array(4).fill(i + 1) })),
  );
const index = (map: unknown) => new TextEncoder().encode(JSON.stringify({ metadata: {}, weight_map: map }));
const model = (files: Record<string, Uint8Array>) =>
  memoryModel(
    "m",
    Object.entries(files).map(([path, bytes]) => ({ path, bytes })),
  );

const INDEX = "model.safetensors.index.json";

describe("fixtures of one model", () => {
  it("shards hold the same bytes as the single file", async () => {
    const single = await openCheckpoint(fixture("llama"));
    const sharded = await openCheckpoint(fixture("formats/sharded"));
    expect([...sharded.tensors.keys()].sort()).toEqual([...single.tensors.keys()].sort());
    for (const name of single.tensors.keys()) {
      expect(Buffer.compare(await sharded.read(name), await single.read(name)), name).toBe(0);
    }
  });

  it.each(["bf16", "f16"])("%s weights are the f32 weights rounded", async (form) => {
    const full = await openCheckpoint(fixture("llama"));
    const half = await openCheckpoint(fixture(`formats/${form}`));
    const name = "model.layers.1.mlp.down_proj.weight";
    const expected = toFloat32(await full.read(name), "F32");
    const found = toFloat32(await half.read(name), half.tensors.get(name)!.dtype);
    const worst = expected.reduce((max, value, i) => Math.max(max, Math.abs(value - found[i]!) / Math.abs(value)), 0);
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThanOrEqual(form === "bf16" ? 2 ** -8 : 2 ** -10);
  });
});

describe("openCheckpoint", () => {
  it("reads parts of a tensor", async () => {
    const checkpoint = await openCheckpoint(model({ "model.safetensors": shard("a", "b") }));
    expect([...(await checkpoint.readRange("b", 1, 3))]).toEqual([2, 2]);
    await expect(checkpoint.readRange("b", 1, 5)).rejects.toThrow("cannot read bytes 1 to 5 of 4");
    await expect(checkpoint.read("c")).rejects.toThrow('m: expected tensor "c", found none of that name');
  });

  it("prefers the single file to an index, as mlx-lm writes both", async () => {
    const checkpoint = await openCheckpoint(
      model({ "model.safetensors": shard("a"), [INDEX]: index({ a: "gone.safetensors" }) }),
    );
    expect([...checkpoint.tensors.keys()]).toEqual(["a"]);
  });

  it("collects missing shards, missing tensors, duplicates and damaged files in one error", async () => {
    const opening = openCheckpoint(
      model({
        [INDEX]: index({
          a: "1.safetensors",
          b: "1.safetensors",
          c: "2.safetensors",
          d: "3.safetensors",
          e: "4.safetensors",
          g: "1.safetensors",
        }),
        "1.safetensors": shard("a", "c"),
        "2.safetensors": shard("c", "b"),
        "4.safetensors": shard("e").slice(0, -1),
      }),
    );
    const error = await opening.catch((e: Error) => e.message);
    expect(error).toContain("5 problems");
    expect(error).toContain('tensor "b": expected in 1.safetensors, found in 2.safetensors');
    expect(error).toContain('tensor "g": expected in 1.safetensors, found in no shard');
    expect(error).toContain('tensor "c": expected in one shard, found in 1.safetensors and 2.safetensors');
    expect(error).toContain("shard 3.safetensors: expected in m, found no such file");
    expect(error).toContain("4.safetensors: expected");
  });

  it("leaves a network failure what it is", async () => {
    const source = model({ [INDEX]: index({ a: "1.safetensors" }), "1.safetensors": shard("a") });
    const open: typeof source.open = async (path) => {
      if (path === "1.safetensors") throw modelError("offline");
      return source.open(path);
    };
    await expect(openCheckpoint({ ...source, open })).rejects.toMatchObject({ kind: "model", message: "offline" });
  });

  it("names what is there when there are no weights", async () => {
    await expect(
      openCheckpoint(model({ "config.json": index({}), "pytorch_model.bin": index({}) })),
    ).rejects.toMatchObject({
      message: "m: expected model.safetensors or model.safetensors.index.json, got config.json, pytorch_model.bin",
      hint: expect.stringContaining("safetensors version"),
    });
  });

  it("refuses an index that is none", async () => {
    await expect(openCheckpoint(model({ [INDEX]: index([1]) }))).rejects.toThrow(
      "weight_map: expected an object, got a list of 1",
    );
    await expect(openCheckpoint(model({ [INDEX]: index({ a: 1 }) }))).rejects.toThrow(
      "weight_map.a: expected a file name, got 1",
    );
  });
});

it("a memory source refuses ranges outside the file", async () => {
  const source = memorySource("f", new Uint8Array(4));
  for (const [begin, end] of [
    [0, 5],
    [3, 2],
    [-1, 2],
    [0.5, 2],
  ] as const) {
    await expect(source.read(begin, end)).rejects.toThrow(`f: cannot read bytes ${begin} to ${end}, the file has 4`);
  }
});
