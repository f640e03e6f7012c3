import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import type { AdapterFactor, LinearShape } from "../../src/lora/adapter.ts";
import { auditAdapter, describeTrainable, measureAdapter } from "../../src/lora/audit.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { blockLinears, fixture, fixtureConfig, randomAdapter } from "./support.ts";

const norm = (values: Iterable<number>) => Math.sqrt([...values].reduce((sum, x) => sum + x * x, 0));

/** ‖scale · B·A‖ by the definition, in float64. */
function deltaNorm({ A, B, rank, in_features, out_features }: AdapterFactor, scale: number): number {
  const delta: number[] = [];
  for (let o = 0; o < out_features; o++) {
    for (let i = 0; i < in_features; i++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += B[o * rank + r]! * A[r * in_features + i]!;
      delta.push(scale * sum);
    }
  }
  return norm(delta);
}

const ofRank = (rank: number, linears: Iterable<LinearShape>) =>
  [...linears].map(({ in_features, out_features }) => ({
    rank,
    linear: { shape: [out_features, in_features] as const },
  }));

describe("auditAdapter", () => {
  it("gives the norms of the definition, on wide and tall layers", () => {
    const adapter = randomAdapter(
      [
        ["model.layers.0.mlp.up_proj", { in_features: 5, out_features: 13 }],
        ["model.layers.0.mlp.down_proj", { in_features: 13, out_features: 5 }],
      ],
      3,
      { scale: 0.7 },
    );
    const audit = auditAdapter(adapter);
    for (const [i, factor] of adapter.factors.entries()) {
      expect(audit.factors[i]!.norm_A).toBeCloseTo(norm(factor.A), 10);
      expect(audit.factors[i]!.norm_B).toBeCloseTo(norm(factor.B), 10);
      expect(audit.factors[i]!.norm_delta).toBeCloseTo(deltaNorm(factor, 0.7), 10);
    }
    expect(audit).toMatchObject({ layers: 2, tensors: 4, parameters: 2 * 3 * 18, finite: true, zero: false });
  });

  it("tells an adapter that changes nothing from one that does", async () => {
    const init = auditAdapter(await importAdapter(fixture("llama/adapters/init")));
    expect(init.zero).toBe(true);
    expect(init.factors.every(({ norm_delta, norm_A }) => norm_delta === 0 && norm_A > 0)).toBe(true);
    const trained = auditAdapter(await importAdapter(fixture("llama/adapters/final")));
    expect(trained).toMatchObject({ zero: false, finite: true, layers: 14, tensors: 28 });
  });

  it("gives each layer's singular values and effective rank, the scale in them", async () => {
    const audit = auditAdapter(await importAdapter(fixture("llama/adapters/random")));
    for (const { singular_values, spectral_norm, norm_delta, effective_rank, rank } of audit.factors) {
      expect(Math.hypot(...singular_values) / norm_delta).toBeCloseTo(1, 9);
      expect(singular_values).toHaveLength(rank);
      expect(spectral_norm).toBe(singular_values[0]);
      // Random factors use all of their rank, unequally.
      expect(effective_rank).toBeGreaterThan(3);
      expect(effective_rank).toBeLessThan(4);
    }
    const init = auditAdapter(await importAdapter(fixture("llama/adapters/init")));
    expect(init.factors.every(({ effective_rank, spectral_norm }) => effective_rank === 0 && spectral_norm === 0)).toBe(
      true,
    );
  });

  it("has the numbers that are measured without it", async () => {
    for (const name of ["init", "random"]) {
      const adapter = await importAdapter(fixture(`llama/adapters/${name}`));
      const sizes = measureAdapter(adapter);
      expect(auditAdapter(adapter)).toMatchObject(sizes);
      expect(Object.keys(sizes.factors[0]!)).not.toContain("singular_values");
    }
  });

  it("names the layer whose change stands far out from its kind's", () => {
    const config = { ...fixtureConfig("llama/config.json"), num_hidden_layers: 6 };
    const adapter = randomAdapter(blockLinears(config), 2);
    const outliers = () => auditAdapter(adapter).factors.flatMap(({ outlier, module }) => (outlier ? module : []));
    expect(outliers()).toEqual([]);
    const { module, B } = adapter.factors[10]!;
    B.set(B.map((value) => 30 * value));
    expect(outliers()).toEqual([module]);
  });

  it("flags what is not finite, in the layer where it is", () => {
    const adapter = randomAdapter(blockLinears(fixtureConfig("llama/config.json")), 2);
    adapter.factors[3]!.B[1] = Number.NaN;
    const audit = auditAdapter(adapter);
    expect(audit.finite).toBe(false);
    expect(audit.factors.map(({ finite }) => finite).indexOf(false)).toBe(3);
    expect(audit.factors.filter(({ finite }) => !finite)).toHaveLength(1);
    expect(audit.factors[3]).toMatchObject({ singular_values: [], robust_z: null, outlier: false });
    expect(audit.factors[3]!.effective_rank).toBeNaN();
    expect(audit.factors[3]!.spectral_norm).toBeNaN();
    expect(audit.zero).toBe(false);
  });
});

describe("describeTrainable", () => {
  it("Qwen2.5-7B at rank 8 on all linears, from its config alone", () => {
    const config = parseModelConfig(
      {
        model_type: "qwen2",
        vocab_size: 152064,
        hidden_size: 3584,
        intermediate_size: 18944,
        num_hidden_layers: 28,
        num_attention_heads: 28,
        num_key_value_heads: 4,
        rms_norm_eps: 1e-6,
        max_position_embeddings: 32768,
      },
      "config.json",
    );
    expect(describeTrainable(ofRank(8, blockLinears(config).values()))).toEqual({
      layers: 196,
      tensors: 392,
      parameters: 20_185_088,
    });
  });

  it("Qwen3-0.6B, whose heads are wider than its hidden size", () => {
    const block: [number, number][] = [
      [1024, 2048],
      [1024, 1024],
      [1024, 1024],
      [2048, 1024],
      [1024, 3072],
      [1024, 3072],
      [3072, 1024],
    ];
    const linears = (blocks: number) =>
      Array.from({ length: blocks }, () =>
        block.map(([in_features, out_features]) => ({ in_features, out_features })),
      ).flat();
    expect(describeTrainable(ofRank(8, linears(28))).parameters).toBe(5_046_272);
    expect(describeTrainable(ofRank(8, linears(16))).parameters).toBe(2_883_584);
  });

  it("equals what an adapter file really holds", async () => {
    const adapter = await importAdapter(fixture("llama/adapters/random"));
    const held = adapter.factors.reduce((sum, { A, B }) => sum + A.length + B.length, 0);
    const linears = blockLinears(fixtureConfig("llama/config.json"));
    expect(describeTrainable(ofRank(4, linears.values()))).toEqual({ layers: 14, tensors: 28, parameters: held });
  });
});
