import { describe, expect, it } from "vitest";
import { memoryModel } from "../../src/core/bytes.ts";
import { f32ToBf16, f32ToF16 } from "../../src/core/dtype.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import { type TensorData, writeSafetensors } from "../../src/formats/safetensors.ts";
import { checkAdapterFits } from "../../src/lora/fits.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { blockLinears, fixture, fixtureConfig, randomAdapter } from "./support.ts";

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const peftConfig = json({ peft_type: "LORA", r: 2, lora_alpha: 4 });
const mlxConfig = json({ num_layers: 1, lora_parameters: { rank: 2, scale: 2, dropout: 0 } });

function f32(name: string, shape: number[], fill = (i: number) => i): TensorData {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => fill(i));
  return { name, dtype: "F32", shape, bytes: new Uint8Array(values.buffer) };
}

const folder = (tensors: TensorData[], config: Uint8Array | null, path = "adapter_model.safetensors") =>
  memoryModel("adapter", [
    { path, bytes: writeSafetensors(tensors, { format: "pt" }) },
    ...(config === null ? [] : [{ path: "adapter_config.json", bytes: config }]),
  ]);

const q = "base_model.model.model.layers.0.self_attn.q_proj";
const good = [f32(`${q}.lora_A.weight`, [2, 3]), f32(`${q}.lora_B.weight`, [5, 2])];

async function failure(run: Promise<unknown>): Promise<LorikeetError> {
  const error = await run.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LorikeetError);
  return error as LorikeetError;
}

describe("reading", () => {
  it("PEFT's own file", async () => {
    const adapter = await importAdapter(fixture("llama/adapters/random"));
    expect(adapter).toMatchObject({ rank: 4, alpha: 8, scale: 2, base_model: "tiny-llama", use_rslora: false });
    expect(adapter.num_hidden_layers).toBeUndefined();
    expect(adapter.factors).toHaveLength(14);
    expect(adapter.factors[0]).toMatchObject({
      module: "model.layers.0.mlp.down_proj",
      in_features: 160,
      out_features: 64,
      rank: 4,
    });
    checkAdapterFits(adapter, blockLinears(fixtureConfig("llama/config.json")));
  });

  it("mlx-lm's own file: null metadata, unaligned data, any order", async () => {
    const adapter = await importAdapter(fixture("mlx/adapters-llama-random"));
    expect(adapter).toMatchObject({ rank: 8, alpha: 160, scale: 20, num_hidden_layers: 2 });
    checkAdapterFits(adapter, blockLinears(fixtureConfig("mlx/llama/config.json")));
  });

  it("both layouts into the same factors: MLX transposed, PEFT as it is", async () => {
    const fromPeft = await importAdapter(folder(good, peftConfig));
    expect([...fromPeft.factors[0]!.A]).toEqual([0, 1, 2, 3, 4, 5]);
    const m = "model.layers.0.self_attn.q_proj";
    const fromMlx = await importAdapter(
      folder([f32(`${m}.lora_a`, [3, 2]), f32(`${m}.lora_b`, [2, 5])], mlxConfig, "adapters.safetensors"),
    );
    expect(fromMlx.factors[0]).toMatchObject({ module: m, in_features: 3, out_features: 5 });
    expect([...fromMlx.factors[0]!.A]).toEqual([0, 2, 4, 1, 3, 5]);
    expect([...fromMlx.factors[0]!.B]).toEqual([0, 5, 1, 6, 2, 7, 3, 8, 4, 9]);
  });

  it("the names decide, not the file's name", async () => {
    const adapter = await importAdapter(folder(good, peftConfig, "adapters.safetensors"));
    expect([...adapter.factors[0]!.A]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("half formats, widened", async () => {
    const half = (name: string, shape: number[], dtype: "F16" | "BF16") => {
      const encode = dtype === "F16" ? f32ToF16 : f32ToBf16;
      const values = Uint16Array.from({ length: shape[0]! * shape[1]! }, (_, i) => encode(i / 2));
      return { name, dtype, shape, bytes: new Uint8Array(values.buffer) };
    };
    const source = folder(
      [half(`${q}.lora_A.weight`, [2, 3], "F16"), half(`${q}.lora_B.weight`, [5, 2], "BF16")],
      peftConfig,
    );
    const adapter = await importAdapter(source);
    expect([...adapter.factors[0]!.A]).toEqual([0, 0.5, 1, 1.5, 2, 2.5]);
    expect(adapter.factors[0]!.B[9]).toBe(4.5);
  });

  it("rank-stabilised scale", async () => {
    const config = json({ peft_type: "LORA", r: 2, lora_alpha: 4, use_rslora: true });
    expect((await importAdapter(folder(good, config))).scale).toBeCloseTo(4 / Math.SQRT2, 12);
  });
});

describe("refusing", () => {
  it("everything wrong with the tensors, at once", async () => {
    const layer = (i: number) => `base_model.model.model.layers.${i}.mlp.up_proj`;
    const error = await failure(
      importAdapter(
        folder(
          [
            f32(`${layer(0)}.lora_A.weight`, [2, 3]),
            f32(`${layer(1)}.lora_B.weight`, [2, 3]),
            f32(`${layer(2)}.lora_A.weight`, [4, 3]),
            f32(`${layer(2)}.lora_B.weight`, [5, 2]),
            f32(`${layer(3)}.lora_A.weight`, [2, 3], (i) => (i === 4 ? Number.NaN : 1)),
            f32(`${layer(3)}.lora_B.weight`, [5, 2]),
            { ...f32(`${layer(4)}.lora_A.weight`, [2, 3]), dtype: "I32" },
            f32(`${layer(4)}.lora_B.weight`, [2, 5, 1]),
            f32(`${layer(5)}.lora_magnitude_vector`, [5]),
            f32(`${layer(6)}.lora_A.weight`, [2, 3]),
            f32(`${layer(6)}.lora_B.weight`, [5, 2]),
            f32(`${layer(6)}.lora_magnitude_vector`, [5]),
            f32("base_model.model.lm_head.weight", [5]),
          ],
          peftConfig,
        ),
      ),
    );
    expect(error.message).toContain("adapter/adapter_model.safetensors (PEFT layout): 9 problems");
    expect(error.message).toContain(
      "model.layers.0.mlp.up_proj: expected a pair, found .lora_A.weight without .lora_B.weight",
    );
    expect(error.message).toContain(
      "model.layers.1.mlp.up_proj: expected a pair, found .lora_B.weight without .lora_A.weight",
    );
    expect(error.message).toContain(
      `tensor "${layer(2)}.lora_A.weight": expected shape [2, in] for the rank in adapter_config.json, got [4, 3]`,
    );
    expect(error.message).toContain(`tensor "${layer(3)}.lora_A.weight": expected finite values, got NaN at index 4`);
    expect(error.message).toContain(`tensor "${layer(4)}.lora_A.weight": expected F32, F16 or BF16, got I32`);
    expect(error.message).toContain(
      `tensor "${layer(4)}.lora_B.weight": expected shape [out, 2] for the rank in adapter_config.json, got [2, 5, 1]`,
    );
    expect(error.message).toContain("model.layers.5.mlp.up_proj: expected a pair, found .lora_B.weight without");
    expect(error.message).toContain("model.layers.6.mlp.up_proj: expected no magnitudes, as adapter_config.json says");
    expect(error.message).toContain('tensor "base_model.model.lm_head.weight": expected');
  });

  it("control: the good pair alone is taken", async () => {
    expect((await importAdapter(folder(good, peftConfig))).factors).toHaveLength(1);
  });

  it("a mix of both layouts", async () => {
    const error = await failure(importAdapter(folder([...good, f32("model.layers.1.x.lora_a", [3, 2])], mlxConfig)));
    expect(error.message).toContain("(it has another layout than the rest)");
  });

  it("one module under two paths", async () => {
    const wrapped = "base_model.model.model.language_model.layers.0.self_attn.q_proj";
    const twice = [...good, f32(`${wrapped}.lora_A.weight`, [2, 3]), f32(`${wrapped}.lora_B.weight`, [5, 2])];
    expect((await failure(importAdapter(folder(twice, peftConfig)))).message).toContain("expected once, found twice");
  });

  it("folders that are no adapter", async () => {
    const noConfig = await failure(importAdapter(folder(good, null)));
    expect(noConfig.message).toBe("adapter: expected adapter_config.json beside the tensors, found none");
    const bin = memoryModel("adapter", [{ path: "adapter_model.bin", bytes: peftConfig }]);
    const noTensors = await failure(importAdapter(bin));
    expect(noTensors.message).toContain(
      "expected adapters.safetensors, adapter_model.safetensors or a .gguf file, found adapter_model.bin",
    );
    expect(noTensors.hint).toContain("safe_serialization");
    const bytes = writeSafetensors(good);
    const both = ["adapters.safetensors", "adapter_model.safetensors"].map((path) => ({ path, bytes }));
    expect((await failure(importAdapter(memoryModel("adapter", both)))).message).toContain("found both");
    expect((await failure(importAdapter(folder([], peftConfig)))).message).toContain(
      "expected lora tensors, found none",
    );
  });

  it("DoRA without magnitudes, of another shape, or with one that is not finite", async () => {
    const dora = json({ peft_type: "LORA", r: 2, lora_alpha: 4, use_dora: true });
    const message = async (...more: TensorData[]) =>
      (await failure(importAdapter(folder([...good, ...more], dora)))).message;
    const m = `${q}.lora_magnitude_vector`;
    expect(await message()).toContain(
      "q_proj: expected magnitudes, as adapter_config.json says that this is DoRA, found",
    );
    expect(await message(f32(m, [4]))).toContain(`tensor "${m}": expected shape [5] beside its factors, got [4]`);
    expect(await message(f32(m, [5], () => Number.NaN))).toContain(`tensor "${m}": expected finite values, got NaN`);
    expect([...(await importAdapter(folder([...good, f32(m, [5])], dora))).factors[0]!.magnitude!]).toEqual([
      0, 1, 2, 3, 4,
    ]);
  });
});

describe("checkAdapterFits", () => {
  const linears = blockLinears(fixtureConfig("llama/config.json"));

  it("accepts a part of the linears", () => {
    checkAdapterFits(randomAdapter([...linears].slice(3, 5), 2), linears);
  });

  it("lists every misfit and what the model has", () => {
    const adapter = randomAdapter(
      [
        ["model.layers.0.mlp.up_proj", { in_features: 160, out_features: 64 }],
        ["model.layers.7.mlp.up_proj", { in_features: 64, out_features: 160 }],
        ["model.layers.0.mlp.down_proj", { in_features: 160, out_features: 64 }],
      ],
      2,
      { base_model: "org/other" },
    );
    try {
      checkAdapterFits(adapter, linears);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ kind: "model" });
      const { message, hint } = error as LorikeetError;
      expect(message).toContain("2 problems");
      expect(message).toContain(
        "model.layers.0.mlp.up_proj: expected 64 → 160 (in → out) from the model, got 160 → 64",
      );
      expect(message).toContain("model.layers.7.mlp.up_proj: the model has no such linear");
      expect(hint).toContain("blocks 0 to 1 with mlp.down_proj, mlp.gate_proj");
      expect(hint).toContain("It was trained on org/other.");
    }
  });
});
