/** Layers of different ranks and scales: in memory, through PEFT's patterns, and under the one rank and scale of MLX. */
import { describe, expect, it } from "vitest";
import { memoryModel } from "../../src/core/bytes.ts";
import type { Adapter, AdapterFactor } from "../../src/lora/adapter.ts";
import { scaleOf } from "../../src/lora/adapter.ts";
import { auditAdapter } from "../../src/lora/audit.ts";
import { type AdapterFile, exportMlx, exportPeft } from "../../src/lora/export.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { uniformAdapter } from "../../src/lora/uniform.ts";
import { blockLinears, fixture, fixtureConfig, randomAdapter } from "./support.ts";

const linears = blockLinears(fixtureConfig("llama/config.json"));
const reread = (files: AdapterFile[]) => importAdapter(memoryModel("exported", files));
const jsonOf = (files: AdapterFile[]) => JSON.parse(new TextDecoder().decode(files[1]!.bytes));

/** Rank by leaf name, scale by block, so that one needs leaf patterns and the other whole paths. */
function mixedAdapter(rankOf: (module: string) => number, scales: (module: string) => number): Adapter {
  const factors = [...linears].flatMap(([module, shape]) =>
    randomAdapter([[module, shape]], rankOf(module)).factors.map((factor) => ({ ...factor, scale: scales(module) })),
  );
  return { ...randomAdapter(linears, 4), rank: Math.max(...factors.map(({ rank }) => rank)), factors };
}

const mixed = mixedAdapter(
  (module) => (module.endsWith("q_proj") ? 6 : module.endsWith("down_proj") ? 2 : 4),
  (module) => (module.includes(".0.self_attn.v") ? 0.75 : module.endsWith("o_proj") ? 8 : 2),
);

/** scale · B·A [out, in] */
function change(adapter: Adapter, { module }: { readonly module: string }): Float64Array {
  const factor = adapter.factors.find((other) => other.module === module)!;
  const { rank, in_features, out_features, A, B } = factor;
  const delta = new Float64Array(out_features * in_features);
  for (let row = 0; row < out_features; row++) {
    for (let k = 0; k < rank; k++) {
      const weight = scaleOf(adapter, factor) * B[row * rank + k]!;
      for (let i = 0; i < in_features; i++) delta[row * in_features + i]! += weight * A[k * in_features + i]!;
    }
  }
  return delta;
}

const sorted = (factors: readonly AdapterFactor[]) => [...factors].sort((a, b) => (a.module < b.module ? -1 : 1));

describe("PEFT's patterns", () => {
  it("carry every rank and scale, and every number bit for bit", async () => {
    const files = exportPeft(mixed);
    expect(jsonOf(files)).toMatchObject({
      r: 4,
      lora_alpha: 8,
      rank_pattern: { q_proj: 6, down_proj: 2 },
      alpha_pattern: { q_proj: 12, down_proj: 4, o_proj: 32, "model.layers.0.self_attn.v_proj": 3 },
    });
    const back = await reread(files);
    expect(back).toMatchObject({ rank: 6, scale: 2, alpha: 12 });
    for (const [i, factor] of sorted(back.factors).entries()) {
      const { scale, ...rest } = sorted(mixed.factors)[i]!;
      const { scale: _, ...found } = factor;
      expect(found).toEqual(rest);
      expect(scaleOf(back, factor)).toBe(scale);
    }
  });

  it("are empty where all layers are alike", () => {
    expect(jsonOf(exportPeft(randomAdapter(linears, 4)))).toMatchObject({ rank_pattern: {}, alpha_pattern: {} });
  });

  it("control: without its patterns the file is refused, not read with another strength", async () => {
    const files = exportPeft(mixed);
    const plain = { ...jsonOf(files), rank_pattern: {}, alpha_pattern: {} };
    files[1] = { path: "adapter_config.json", bytes: new TextEncoder().encode(JSON.stringify(plain)) };
    await expect(reread(files)).rejects.toThrow(
      "expected shape [4, in] for the rank in adapter_config.json, got [6, 64]",
    );
  });

  it("rank-stabilised: each layer's scale is alpha over the root of its own rank", async () => {
    const files = exportPeft(mixed);
    const config = { ...jsonOf(files), alpha_pattern: {}, use_rslora: true };
    files[1] = { path: "adapter_config.json", bytes: new TextEncoder().encode(JSON.stringify(config)) };
    const back = await reread(files);
    const scale = (leaf: string) => scaleOf(back, back.factors.find(({ module }) => module.endsWith(leaf))!);
    expect([scale("v_proj"), scale("q_proj"), scale("down_proj")]).toEqual([4, 8 / Math.sqrt(6), 8 / Math.SQRT2]);
  });

  it("peft's own rank-stabilised adapter: alpha 8 at rank 4 is scale 4, also in every other layout", async () => {
    const theirs = await importAdapter(fixture("llama/adapters/rslora"));
    expect(theirs).toMatchObject({ rank: 4, alpha: 8, scale: 4, use_rslora: true });
    for (const files of [exportPeft(theirs), exportMlx(theirs)]) {
      const back = await reread(files);
      expect(back).toMatchObject({ rank: 4, alpha: 16, scale: 4, use_rslora: false, factors: theirs.factors });
    }
  });

  it("a module that the config does not choose is refused: PEFT would leave it out without a word", async () => {
    const files = exportPeft(mixed);
    const config = { ...jsonOf(files), target_modules: ["q_proj", "k_proj"], layers_to_transform: [0] };
    files[1] = { path: "adapter_config.json", bytes: new TextEncoder().encode(JSON.stringify(config)) };
    await expect(reread(files)).rejects.toThrow(
      "model.layers.0.mlp.down_proj: adapter_config.json does not choose this module, so PEFT would ignore its tensors",
    );
  });
});

describe("one rank and one scale", () => {
  it("leave every change what it was", () => {
    const { adapter, notes } = uniformAdapter(mixed);
    expect(adapter).toMatchObject({ rank: 6, scale: 2, alpha: 12 });
    expect(notes).toEqual([
      "12 layers of rank 2, 4 padded with zeros to rank 6, which is exact",
      "3 layers of scale 0.75, 8 under scale 2: the difference went into B, rounded once to F32",
    ]);
    for (const factor of adapter.factors) {
      expect(factor.rank).toBe(6);
      expect(factor.scale).toBeUndefined();
      const [is, was] = [change(adapter, factor), change(mixed, factor)];
      const worst = Math.max(...is.map((value, i) => Math.abs(value - was[i]!)));
      expect(worst).toBeLessThan(factor.module.includes("0.self_attn.v") ? 1e-5 : 1e-12);
    }
  });

  it("control: without folding, the changes differ by far more", () => {
    const forgotten = { ...mixed, factors: mixed.factors.map(({ scale: _, ...factor }) => factor) };
    const factor = mixed.factors.find(({ module }) => module.includes("0.self_attn.v"))!;
    const [is, was] = [change(forgotten, factor), change(mixed, factor)];
    expect(Math.max(...is.map((value, i) => Math.abs(value - was[i]!)))).toBeGreaterThan(0.1);
  });

  it("are nothing to do where all are alike: the very same adapter", () => {
    const adapter = randomAdapter(linears, 4);
    expect(uniformAdapter(adapter)).toEqual({ adapter, notes: [] });
    expect(uniformAdapter(adapter).adapter).toBe(adapter);
  });

  it("scales of 0 fold too, and never become the common one", () => {
    const adapter = mixedAdapter(
      () => 4,
      (module) => (module.endsWith("q_proj") ? 3 : 0),
    );
    const { adapter: uniform } = uniformAdapter(adapter);
    expect(uniform.scale).toBe(3);
    for (const { module, B } of uniform.factors)
      expect(B.every((value) => value === 0)).toBe(!module.endsWith("q_proj"));
  });

  it("are what MLX's file holds", async () => {
    const back = await reread(exportMlx(mixed));
    const { adapter } = uniformAdapter(mixed);
    expect({ ...back, num_hidden_layers: undefined }).toEqual({
      ...adapter,
      factors: sorted(adapter.factors),
      num_hidden_layers: undefined,
    });
  });
});

it("the audit takes each layer with its own scale", () => {
  const norms = (adapter: Adapter) =>
    new Map(auditAdapter(adapter).factors.map(({ module, norm_delta }) => [module, norm_delta]));
  const [own, folded] = [norms(mixed), norms(uniformAdapter(mixed).adapter)];
  for (const [module, norm] of own) expect(Math.abs(norm / folded.get(module)! - 1)).toBeLessThan(1e-6);
  const { parameters } = auditAdapter(mixed);
  expect(parameters).toBe(mixed.factors.reduce((sum, { A, B }) => sum + A.length + B.length, 0));
});
