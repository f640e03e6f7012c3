import { describe, expect, it } from "vitest";
import { neededFiles } from "../../../src/worker/models/needed.ts";
import { BESIDE, bytesOf, modelOf, sizeOf, TINY, without } from "./support.ts";

const paths = async (files: Readonly<Record<string, Uint8Array>>) =>
  (await neededFiles(modelOf(files))).files.map(({ path }) => path).sort();

describe("neededFiles", () => {
  it("are weights, config and tokenizer, and nothing beside them", async () => {
    expect(await paths({ ...TINY, ...BESIDE })).toEqual(Object.keys(TINY).sort());
    expect((await neededFiles(modelOf({ ...TINY, ...BESIDE }))).bytes).toBe(sizeOf(TINY));
    const least = ["config.json", "model.safetensors", "tokenizer.json"];
    expect(
      await paths(without(TINY, "generation_config.json", "tokenizer_config.json", "chat_template.jinja")),
    ).toEqual(least);
  });

  const shard = (n: number) => `model-0000${n}-of-00002.safetensors`;
  const index = bytesOf({ weight_map: { a: shard(1), b: shard(2), c: shard(1) } });
  const sharded = {
    ...without(TINY, "model.safetensors"),
    "model.safetensors.index.json": index,
    [shard(1)]: new Uint8Array(10),
    [shard(2)]: new Uint8Array(20),
    "consolidated.safetensors": new Uint8Array(30),
  };

  it("of a model in shards are the index and the shards it names", async () => {
    const found = await paths(sharded);
    expect(found).toContain("model.safetensors.index.json");
    expect(found.filter((path) => path.endsWith(".safetensors"))).toEqual([shard(1), shard(2)]);
    // As the loader: a single file wins.
    expect(await paths({ ...sharded, ...TINY })).toEqual(Object.keys(TINY).sort());
  });

  it.each([
    ["nothing", {}, /tiny: expected model.safetensors or .*, got no files/, /safetensors weights/],
    [
      "no safetensors",
      { ...without(TINY, "model.safetensors"), ...without(BESIDE, "original/model.safetensors") },
      /expected model.safetensors .* pytorch_model.bin/,
      /onnx\/model.onnx cannot be read here|pytorch_model.bin cannot be read here/,
    ],
    [
      "an adapter",
      { "adapter_model.safetensors": new Uint8Array(3) },
      /expected model.safetensors/,
      /model it was trained/,
    ],
    ["no tokenizer.json", without(TINY, "tokenizer.json"), /expected tokenizer.json, found no/, /tokenizer.model only/],
    ["no config.json", without(TINY, "config.json"), /expected config.json, found no/, /incomplete/],
    [
      "a missing shard",
      without(sharded, shard(2)),
      /expected model-00002-of-00002.safetensors, found no/,
      /incomplete/,
    ],
    ["an empty index", { ...sharded, "model.safetensors.index.json": bytesOf({}) }, /expected the names/, /again/],
  ] as const)("are refused with a reason: %s", async (_, files, message, hint) => {
    await expect(neededFiles(modelOf(files))).rejects.toMatchObject({
      kind: "model",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});
