/** GGUF files that are no adapter for this model: each refused with everything that is wrong. */
import { describe, expect, it } from "vitest";
import { memoryModel } from "../../src/core/bytes.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import { type GgufEntry, type GgufTensorData, writeGguf } from "../../src/formats/gguf.ts";
import type { GgufBase } from "../../src/formats/gguf-base.ts";
import { checkAdapterFits } from "../../src/lora/fits.ts";
import { importAdapter } from "../../src/lora/import.ts";

const f32 = (name: string, shape: number[], fill = 1): GgufTensorData => ({
  ...{ name, dtype: "F32", shape },
  bytes: new Uint8Array(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill).buffer),
});
const entries = (changes: Record<string, string | number | null> = {}): GgufEntry[] => {
  const values = {
    ...{ "general.architecture": "qwen2", "general.type": "adapter", "adapter.type": "lora", "adapter.lora.alpha": 4 },
    ...changes,
  };
  return Object.entries(values).flatMap(([key, value]): GgufEntry[] => {
    if (value === null) return [];
    return [typeof value === "string" ? { key, type: "string", value } : { key, type: "f32", value }];
  });
};
const UP = "blk.0.ffn_up.weight";
const good = [f32(`${UP}.lora_a`, [2, 3]), f32(`${UP}.lora_b`, [5, 2])];
const base: GgufBase = {
  ...{ architecture: "qwen2", num_attention_heads: 2, num_key_value_heads: 1, head_dim: 4, num_hidden_layers: 3 },
  ...{ tie_word_embeddings: true, in_language_model: false },
};
const read = (keys: GgufEntry[], tensors: GgufTensorData[], known?: GgufBase) =>
  importAdapter(
    memoryModel("folder", [{ path: "a.gguf", bytes: writeGguf(keys, tensors) }]),
    known ? { base: async () => known } : {},
  );

async function failure(run: Promise<unknown>): Promise<LorikeetError> {
  const error = await run.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LorikeetError);
  return error as LorikeetError;
}

it("reads what is right: scale = alpha / rank, and full strength without an alpha", async () => {
  const adapter = await read(entries(), good);
  expect(adapter).toMatchObject({ rank: 2, alpha: 4, scale: 2, dropout: 0, use_rslora: false });
  expect(adapter.factors[0]).toMatchObject({ module: "model.layers.0.mlp.up_proj", in_features: 3, out_features: 5 });
  expect(adapter.num_hidden_layers).toBeUndefined();
  expect((await read(entries(), good, base)).num_hidden_layers).toBe(3);
  for (const alpha of [0, null]) {
    expect(await read(entries({ "adapter.lora.alpha": alpha }), good)).toMatchObject({ scale: 1, alpha: 2 });
  }
});

describe("keys", () => {
  it.each([
    [{ "general.type": "model", "adapter.type": null }, 'general.type: expected "adapter", got "model"'],
    [{ "adapter.type": "control_vector" }, 'adapter.type: expected "lora", got "control_vector"'],
    [{ "general.architecture": "mamba" }, "general.architecture: expected one of llama, smollm3, qwen2"],
    [{ "general.architecture": 7 }, "gemma3, phi3, got 7"],
    [{ "adapter.lora.alpha": "16" }, 'adapter.lora.alpha: expected a number, got "16"'],
    [{ "adapter.lora.alpha": Number.NaN }, "adapter.lora.alpha: expected a number, got NaN"],
    [{ "adapter.alora.invocation_tokens": 1 }, "an adapter that switches on in the middle of a text"],
  ])("refuses %j", async (changes, message) => {
    const error = await failure(read(entries(changes), good));
    expect(error.kind).toBe("model");
    expect(error.message).toContain(message);
  });

  it("another architecture than the model's", async () => {
    const error = await failure(read(entries({ "general.architecture": "qwen3" }), good, base));
    expect(error.message).toContain('general.architecture: expected "qwen2" for this model, got "qwen3"');
  });
});

it("everything wrong with the tensors, at once", async () => {
  const half = { ...f32("blk.3.ffn_up.weight.lora_b", [5, 2]), dtype: "BF16" as const, bytes: new Uint8Array(20) };
  const error = await failure(
    read(entries(), [
      f32("blk.0.ffn_up.weight.lora_a", [2, 3]),
      f32("blk.1.ffn_up.weight.lora_a", [2, 3]),
      f32("blk.1.ffn_up.weight.lora_b", [5, 3]),
      f32("blk.2.ffn_up.weight.lora_a", [6]),
      f32("blk.2.ffn_up.weight.lora_b", [5, 1, 2]),
      f32("blk.3.ffn_up.weight.lora_a", [2, 3], Number.POSITIVE_INFINITY),
      half,
      f32("blk.4.attn_qkv.weight.lora_a", [2, 3]),
      f32("blk.4.attn_qkv.weight.lora_b", [5, 2]),
      f32("token_embd.weight.lora_a", [2, 3]),
      f32("token_embd.weight.lora_b", [5, 2]),
      f32("blk.5.attn_norm.weight", [3]),
    ]),
  );
  expect(error.message).toContain("folder/a.gguf (llama.cpp's layout): 8 problems");
  for (const message of [
    "blk.0.ffn_up.weight: expected a pair, found .lora_a without .lora_b",
    "blk.1.ffn_up.weight.lora_a [2, 3] and blk.1.ffn_up.weight.lora_b [5, 3]: expected [r, in] and [out, r] of one rank r",
    'tensor "blk.2.ffn_up.weight.lora_a": expected two axes, got [6]',
    'tensor "blk.2.ffn_up.weight.lora_b": expected two axes, got [5, 1, 2]',
    'tensor "blk.3.ffn_up.weight.lora_a": expected finite values, got Infinity at index 0',
    "blk.4.attn_qkv.weight: no linear layer of qwen2 has this name",
    "token_embd.weight: adapted embeddings are not supported",
    'tensor "blk.5.attn_norm.weight": expected ….lora_a or .lora_b (trained norms',
  ]) {
    expect(error.message).toContain(message);
  }
});

it("llama's q and k without the model: its heads are asked for; other modules need none", async () => {
  const llama = entries({ "general.architecture": "llama" });
  const error = await failure(
    read(llama, [f32("blk.0.attn_k.weight.lora_a", [2, 3]), f32("blk.0.attn_k.weight.lora_b", [4, 2])]),
  );
  expect(error.message).toContain("in another order, by heads that only the model names");
  expect(error.hint).toContain("--model DIR");
  expect((await read(llama, good)).factors).toHaveLength(1);
});

it("a misfit with the model is told by name and shape", async () => {
  const adapter = await read(entries(), [
    ...good,
    f32("blk.9.ffn_up.weight.lora_a", [2, 3]),
    f32("blk.9.ffn_up.weight.lora_b", [5, 2]),
  ]);
  const linears = new Map([["model.layers.0.mlp.up_proj", { in_features: 4, out_features: 5 }]]);
  expect(() => checkAdapterFits(adapter, linears)).toThrow(
    "2 problems\n  model.layers.0.mlp.up_proj: expected 4 → 5 (in → out) from the model, got 3 → 5\n" +
      "  model.layers.9.mlp.up_proj: the model has no such linear",
  );
});

it("two files in one folder, and none", async () => {
  const bytes = writeGguf(entries(), good);
  const two = memoryModel(
    "folder",
    ["a.gguf", "b.gguf"].map((path) => ({ path, bytes })),
  );
  expect((await failure(importAdapter(two))).message).toBe("folder: expected one adapter, found a.gguf, b.gguf");
  const none = await failure(importAdapter(memoryModel("folder", [{ path: "x.txt", bytes }])));
  expect(none.message).toContain(
    "expected adapters.safetensors, adapter_model.safetensors or a .gguf file, found x.txt",
  );
});
