/** llama.cpp's adapter files: names, order of rows, strength, and the way there and back through every layout. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { gguf } from "@huggingface/gguf";
import { describe, expect, it } from "vitest";
import { memoryModel, memorySource } from "../../src/core/bytes.ts";
import { f16ToF32, f32ToF16, toFloat32 } from "../../src/core/dtype.ts";
import { openGguf } from "../../src/formats/gguf.ts";
import { type GgufBase, parseGgufBase } from "../../src/formats/gguf-base.ts";
import { type Adapter, compareModules, type LinearShape, scaleOf } from "../../src/lora/adapter.ts";
import { type AdapterFile, exportMlx, exportPeft } from "../../src/lora/export.ts";
import { exportGguf, type GgufDtype } from "../../src/lora/export-gguf.ts";
import { ggufName, hubName, interleaveRows, separateRows } from "../../src/lora/gguf-names.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { randomAdapter } from "./support.ts";

const HEADS = { num_attention_heads: 4, num_key_value_heads: 2, head_dim: 6, num_hidden_layers: 2 };
const base = (architecture: string): GgufBase => ({
  ...{ architecture, ...HEADS, tie_word_embeddings: false, in_language_model: false },
});
const [C, F] = [20, 28];
const BLOCK: readonly [string, number, number][] = [
  ["self_attn.q_proj", C, 24],
  ["self_attn.k_proj", C, 12],
  ["self_attn.v_proj", C, 12],
  ["self_attn.o_proj", 24, C],
  ["mlp.gate_proj", C, F],
  ["mlp.up_proj", C, F],
  ["mlp.down_proj", F, C],
];
const linears = new Map<string, LinearShape>(
  [0, 1].flatMap((i) =>
    BLOCK.map(
      ([key, in_features, out_features]) => [`model.layers.${i}.${key}`, { in_features, out_features }] as const,
    ),
  ),
);

const sorted = (adapter: Adapter): Adapter => ({
  ...adapter,
  factors: [...adapter.factors].sort((a, b) => compareModules(a.module, b.module)),
});
const reread = (files: readonly AdapterFile[], known?: GgufBase) =>
  importAdapter(memoryModel("adapter", files), known ? { base: async () => known } : {});
const through = (adapter: Adapter, known: GgufBase, dtype?: GgufDtype) =>
  reread([exportGguf(adapter, known, dtype).file], known);

/** What the Hub's own reader finds in a file. */
async function readElsewhere({ bytes }: AdapterFile) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "gguf-"));
  try {
    writeFileSync(path.join(folder, "a.gguf"), bytes);
    const { metadata, tensorInfos, tensorDataOffset } = await gguf(path.join(folder, "a.gguf"), {
      allowLocalFile: true,
    });
    const tensors = new Map(
      tensorInfos.map(({ name, shape, offset, dtype }) => {
        const begin = Number(tensorDataOffset) + Number(offset);
        const dims = shape.map(Number);
        const values = new Float32Array(bytes.slice(begin, begin + 4 * dims.reduce((a, b) => a * b, 1)).buffer);
        return [name, { dims, dtype: Number(dtype), values: [...values] }];
      }),
    );
    return { metadata: metadata as Record<string, unknown>, tensors };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("order of rows", () => {
  /** Rows 0, 1, 2, … of rank 1 after the move. */
  const moved = (rows: number, heads: number) => [
    ...interleaveRows(
      Float32Array.from({ length: rows }, (_, i) => i),
      1,
      heads,
    ),
  ];

  it("is that of reshape(heads, 2, size / 2), swapaxes(1, 2): the halves of each head interleaved", () => {
    expect(moved(6, 1)).toEqual([0, 3, 1, 4, 2, 5]);
    expect(moved(8, 2)).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    expect(moved(8, 1)).toEqual([0, 4, 1, 5, 2, 6, 3, 7]);
    expect(moved(4, 2)).toEqual([0, 1, 2, 3]); // heads of one pair
  });

  it("keeps rows together and comes back", () => {
    const B = Float32Array.from({ length: 24 * 3 }, (_, i) => i);
    const there = interleaveRows(B, 3, 4);
    expect([...there.slice(0, 6)]).toEqual([0, 1, 2, 9, 10, 11]); // row 0, then row 3 of a head of 6
    expect(there).not.toEqual(B);
    expect(separateRows(there, 3, 4)).toEqual(B);
    expect(interleaveRows(there, 3, 4)).not.toEqual(B); // not its own inverse
  });

  const rowsOf = async (architecture: string) => {
    // B's values say which row they are.
    const adapter = randomAdapter(linears, 2);
    for (const { B } of adapter.factors) for (let i = 0; i < B.length; i++) B[i] = i >> 1;
    const { tensors } = await readElsewhere(exportGguf(adapter, base(architecture)).file);
    const rows = (name: string) => tensors.get(`blk.1.${name}.weight.lora_b`)!.values.filter((_, i) => i % 2 === 0);
    return { q: rows("attn_q"), k: rows("attn_k"), v: rows("attn_v"), down: rows("ffn_down") };
  };
  const count = (rows: number) => Array.from({ length: rows }, (_, i) => i);

  it.each(["llama", "smollm3"])(
    "%s: q by all heads, k by the fewer heads of grouped queries, nothing else",
    async (architecture) => {
      const { q, k, v, down } = await rowsOf(architecture);
      expect(q).toEqual(moved(24, 4));
      expect(k).toEqual(moved(12, 2));
      expect(v).toEqual(count(12));
      expect(down).toEqual(count(C));
    },
  );

  it.each(["qwen2", "qwen3", "gemma3"])("%s: as they are", async (architecture) => {
    const { q, k } = await rowsOf(architecture);
    expect([q, k]).toEqual([count(24), count(12)]);
  });

  it("A stays as it is, also where all sizes are equal: a transposition would be seen", async () => {
    const square: [string, LinearShape][] = [
      ["model.layers.0.self_attn.q_proj", { in_features: 24, out_features: 24 }],
    ];
    const adapter = randomAdapter(square, 24);
    const [factor] = adapter.factors;
    const { tensors } = await readElsewhere(exportGguf(adapter, base("qwen2")).file);
    expect(tensors.get("blk.0.attn_q.weight.lora_a")).toEqual({ dims: [24, 24], dtype: 0, values: [...factor!.A] });
    expect(tensors.get("blk.0.attn_q.weight.lora_b")).toEqual({ dims: [24, 24], dtype: 0, values: [...factor!.B] });
    expect([...factor!.A]).not.toEqual(count(576).map((i) => factor!.A[(i % 24) * 24 + Math.floor(i / 24)]));
    const back = await through(adapter, base("llama"));
    expect(back.factors).toEqual(adapter.factors);
  });

  it("heads that do not fill the rows are refused, on both ways", async () => {
    const adapter = randomAdapter(linears, 2);
    const other = { ...base("llama"), head_dim: 12 };
    const message = "model.layers.0.self_attn.q_proj: expected 4 heads of 12 rows from the model, got 24 rows";
    expect(() => exportGguf(adapter, other)).toThrow(message);
    await expect(reread([exportGguf(adapter, base("llama")).file], other)).rejects.toThrow(
      /expected \d heads of 12 rows/,
    );
  });
});

describe("the file", () => {
  it("says what llama.cpp asks for: kind, architecture, alpha, shapes innermost first", async () => {
    const adapter = randomAdapter(linears, 3, { base_model: "org/m", alpha: 6 });
    const { metadata, tensors } = await readElsewhere(exportGguf(adapter, base("llama")).file);
    expect(metadata).toMatchObject({
      ...{ "general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora" },
      ...{ "adapter.lora.alpha": 6, "general.base_model.0.name": "org/m", "general.file_type": 0 },
    });
    expect(tensors.size).toBe(28);
    expect(tensors.get("blk.1.ffn_down.weight.lora_a")!.dims).toEqual([F, 3]); // [in, r]
    expect(tensors.get("blk.1.ffn_down.weight.lora_b")!.dims).toEqual([3, C]); // [r, out]
  });

  it.each([
    ["llama", "model.layers.7.self_attn.o_proj", "blk.7.attn_output.weight"],
    ["qwen3", "model.layers.0.mlp.up_proj", "blk.0.ffn_up.weight"],
    ["phi3", "model.layers.3.self_attn.qkv_proj", "blk.3.attn_qkv.weight"],
    ["phi3", "model.layers.3.mlp.gate_up_proj", "blk.3.ffn_up.weight"],
    ["gemma3", "lm_head", "output.weight"],
    ["llama", "model.embed_tokens", "token_embd.weight"],
  ])("%s: %s is %s", (architecture, module, name) => {
    expect(ggufName(module, architecture)).toBe(name);
    expect(hubName(name, architecture)).toBe(module);
  });

  it.each([
    ["phi3", "model.layers.3.mlp.up_proj"],
    ["llama", "model.layers.3.self_attn.qkv_proj"],
    ["llama", "model.vision.layers.3.self_attn.q_proj"],
    ["llama", "model.layers.x.self_attn.q_proj"],
  ])("%s has no tensor for %s", (architecture, module) => {
    expect(ggufName(module, architecture)).toBeNull();
  });
});

describe("there and back", () => {
  const bytes = (files: readonly AdapterFile[]) => Buffer.from(files[0]!.bytes);

  it.each(["llama", "qwen2"])(
    "mlx → peft → gguf → mlx is the identity on A and B, bit for bit (%s)",
    async (architecture) => {
      const known = base(architecture);
      const mlx = exportMlx(randomAdapter(linears, 4, { base_model: "org/m" }));
      const peft = exportPeft(await reread(mlx));
      const { file, notes } = exportGguf(await reread(peft), known);
      expect(notes).toEqual([]);
      const again = exportMlx(await reread([file], known));
      expect(bytes(again).equals(bytes(mlx))).toBe(true);
      expect(Buffer.from(again[1]!.bytes).equals(Buffer.from(mlx[1]!.bytes))).toBe(true);
    },
  );

  it("control: read as another architecture's, q and k come out in another order", async () => {
    const adapter = sorted(randomAdapter(linears, 4));
    const { file } = exportGguf(adapter, base("llama"));
    const text = Buffer.from(file.bytes);
    const renamed = text.indexOf(Buffer.from("llama", "latin1"));
    text.write("qwen2", renamed, "latin1");
    const back = await reread([{ path: "a.gguf", bytes: new Uint8Array(text) }]);
    const same = back.factors.map(({ B }, i) => B.every((value, k) => value === adapter.factors[i]!.B[k]));
    expect(back.factors.filter((_, i) => !same[i]).map(({ module }) => module)).toEqual(
      adapter.factors.flatMap(({ module }) => (/[qk]_proj$/.test(module) ? [module] : [])),
    );
  });

  it("F16 keeps what F16 holds", async () => {
    const adapter = sorted(randomAdapter(linears, 4));
    const back = await through(adapter, base("llama"), "F16");
    for (const [i, { A, B }] of back.factors.entries()) {
      const { A: wasA, B: wasB } = adapter.factors[i]!;
      expect(A).toEqual(wasA.map((value) => f16ToF32(f32ToF16(value))));
      expect(B).toEqual(wasB.map((value) => f16ToF32(f32ToF16(value))));
    }
    expect(back.factors[0]!.A).not.toEqual(adapter.factors[0]!.A);
    adapter.factors[3]!.B[2] = 70_000;
    expect(() => exportGguf(adapter, base("llama"), "F16")).toThrow("70000 is too large for F16");
    expect(() => exportGguf(adapter, base("llama"))).not.toThrow();
  });

  it("layers of different ranks under one alpha need no folding: llama.cpp divides by each tensor's rank", async () => {
    const factors = [...linears].flatMap((entry, i) =>
      randomAdapter([entry], i % 2 === 0 ? 2 : 4).factors.map((factor) => ({ ...factor, scale: 8 / factor.rank })),
    );
    const adapter = sorted({ ...randomAdapter(linears, 4), rank: 4, factors });
    const { file, notes } = exportGguf(adapter, base("llama"));
    expect(notes).toEqual([]);
    const back = await reread([file], base("llama"));
    for (const [i, factor] of back.factors.entries()) {
      expect(factor.B).toEqual(adapter.factors[i]!.B);
      expect(scaleOf(back, factor)).toBe(8 / factor.rank);
    }
  });

  it("another strength goes into B, and is told", async () => {
    const adapter = sorted(randomAdapter(linears, 4));
    const factors = adapter.factors.map((factor, i) => (i === 5 ? { ...factor, scale: 6 } : factor));
    const { file, notes } = exportGguf({ ...adapter, factors }, base("llama"));
    expect(notes).toEqual(["1 layer differs in alpha from 8: the difference went into its B"]);
    const back = await reread([file], base("llama"));
    expect(back).toMatchObject({ scale: 2, alpha: 8 });
    expect(back.factors[5]!.B).toEqual(factors[5]!.B.map((value) => 3 * value));
    expect(back.factors[4]!.B).toEqual(factors[4]!.B);
  });

  it("a scale of 0 is not alpha 0, which llama.cpp takes as full strength", async () => {
    const { file } = exportGguf(randomAdapter(linears, 4, { scale: 0, alpha: 0 }), base("llama"));
    const opened = await openGguf(memorySource("a", file.bytes));
    expect(opened.metadata.get("adapter.lora.alpha")).toBe(4);
    const B = opened.tensors.get("blk.0.ffn_up.weight.lora_b")!;
    expect(toFloat32(await opened.read(B), "F32").every((value) => value === 0)).toBe(true);
  });
});

describe("the base", () => {
  const config = { model_type: "llama", hidden_size: 24, num_attention_heads: 4, num_hidden_layers: 2 };

  it("is read from config.json", () => {
    expect(parseGgufBase(config, "f")).toEqual({ ...base("llama"), num_key_value_heads: 4 });
    expect(parseGgufBase({ ...config, model_type: "mistral", num_key_value_heads: 2 }, "f")).toEqual(base("llama"));
    const text_config = { model_type: "gemma3_text", num_hidden_layers: 26 };
    expect(parseGgufBase({ model_type: "gemma3", text_config }, "f")).toMatchObject({
      ...{ architecture: "gemma3", num_hidden_layers: 26, in_language_model: true, tie_word_embeddings: true },
    });
  });

  it.each([
    [{ model_type: "mamba" }, "model_type: expected one of llama, mistral"],
    [{ model_type: "constructor" }, 'got "constructor"'],
    [{ model_type: "mistral" }, "num_key_value_heads: expected a whole number of at least 1, got nothing"],
    [{ num_attention_heads: 0 }, "num_attention_heads: expected a whole number of at least 1, got 0"],
    [{ num_hidden_layers: null }, "num_hidden_layers: expected a whole number"],
  ])("refuses %j", (changes, message) => {
    expect(() => parseGgufBase({ ...config, ...changes }, "f")).toThrow(message);
  });
});
