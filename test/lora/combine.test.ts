/** Weighted sums of adapters: against peft's own numbers, and against the sums of the changes in float64. */
import { describe, expect, it } from "vitest";
import type { Adapter, AdapterFactor } from "../../src/lora/adapter.ts";
import {
  type Combination,
  type CombineOptions,
  combineAdapters,
  type WeightedAdapter,
} from "../../src/lora/combine.ts";
import { resizeAdapter } from "../../src/lora/resize.ts";
import { relativeL2 } from "../support/compare.ts";
import { fixtureJson, fixtureTensors } from "../support/golden.ts";
import { randomAdapter } from "./support.ts";

const golden = await fixtureTensors("combined/golden.safetensors");
const { adapters, combined, scales } = fixtureJson("combined/manifest.json");

/** An adapter of the golden file. */
function adapterOf(name: string): Adapter {
  const factors = ["down_proj", "up_proj"].flatMap((module): AdapterFactor[] => {
    const [A, B] = [golden.get(`${name}.${module}.A`), golden.get(`${name}.${module}.B`)];
    if (!A || !B) return [];
    const [rank = 0, in_features = 0] = A.shape;
    return [{ module, in_features, out_features: B.shape[0]!, rank, A: A.values, B: B.values }];
  });
  const { r, lora_alpha } = adapters[name];
  return { rank: r, alpha: lora_alpha, scale: lora_alpha / r, dropout: 0, use_rslora: false, factors };
}

const partsOf = (names: readonly string[], weights: readonly number[]): WeightedAdapter[] =>
  names.map((name, i) => ({ name, adapter: adapterOf(name), weight: weights[i]! }));

/** scale·B·A [out, in] in float64. */
function change({ A, B, rank, in_features, out_features }: AdapterFactor, scale: number): Float64Array {
  return Float64Array.from({ length: out_features * in_features }, (_, at) => {
    const [o, i] = [Math.floor(at / in_features), at % in_features];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += B[o * rank + k]! * A[k * in_features + i]!;
    return scale * sum;
  });
}

/** Σ weight·ΔW of a layer, in float64. */
function sumOfChanges(parts: readonly WeightedAdapter[], module: string): Float64Array {
  const own = parts.flatMap(({ adapter, weight }) => {
    const factor = adapter.factors.find((one) => one.module === module);
    return factor ? [change(factor, weight * (factor.scale ?? adapter.scale))] : [];
  });
  return own[0]!.map((_, i) => own.reduce((sum, values) => sum + values[i]!, 0));
}

describe("peft's add_weighted_adapter", () => {
  const made = (name: string) => {
    const { combination_type, adapters: names, weights, svd_rank } = combined[name];
    const options: CombineOptions = { method: combination_type as Combination, rank: svd_rank };
    return { parts: partsOf(names, weights), ...combineAdapters(partsOf(names, weights), options) };
  };

  it.each(["linear", "minus", "cat"])("%s: the same factors, zeros where peft pads", (name) => {
    const { adapter } = made(name);
    expect([adapter.scale, adapter.alpha]).toEqual([scales[name], adapter.rank]);
    expect(adapter.factors.map(({ module }) => module)).toEqual(["down_proj", "up_proj"]);
    for (const factor of adapter.factors) {
      const [A, B] = [golden.get(`${name}.${factor.module}.A`)!, golden.get(`${name}.${factor.module}.B`)!];
      expect(relativeL2(padded(factor, A.shape[0]!).A, A.values)).toBeLessThan(2e-7);
      expect(relativeL2(padded(factor, A.shape[0]!).B, B.values)).toBeLessThan(2e-7);
    }
    // The control: other weights give other factors.
    const { combination_type, adapters: names, weights } = combined[name];
    const others = partsOf(names, [...weights.slice(1), 0.1]);
    const other = combineAdapters(others, { method: combination_type }).adapter.factors[1]!;
    expect(relativeL2(padded(other, 8).A, padded(adapter.factors[1]!, 8).A)).toBeGreaterThan(0.1);
  });

  it("svd: the same change", () => {
    const { adapter } = made("svd");
    expect(adapter.rank).toBe(2);
    for (const factor of adapter.factors) {
      const expected = golden.get(`svd.${factor.module}.delta`)!.values;
      expect(relativeL2(Float32Array.from(change(factor, adapter.scale)), expected)).toBeLessThan(1e-6);
    }
  });

  it("linear is not the sum of the changes, in peft as here", () => {
    const { parts, adapter } = made("linear");
    const up = adapter.factors.find(({ module }) => module === "up_proj")!;
    expect(relativeL2(Float32Array.from(change(up, 1)), golden.get("linear.up_proj.delta")!.values)).toBeLessThan(1e-6);
    expect(relativeL2(change(up, 1), sumOfChanges(parts, "up_proj"))).toBeGreaterThan(0.3);
    // Where only one part has the layer it is.
    const down = adapter.factors.find(({ module }) => module === "down_proj")!;
    expect(relativeL2(change(down, 1), sumOfChanges(parts, "down_proj"))).toBeLessThan(1e-6);
  });
});

describe("cat and svd", () => {
  const shape = { in_features: 24, out_features: 16 };
  const linears = (...blocks: number[]): [string, typeof shape][] =>
    blocks.map((block) => [`model.layers.${block}.mlp.up_proj`, shape]);
  const parts: WeightedAdapter[] = [
    { name: "one", adapter: randomAdapter(linears(0, 1, 2), 3), weight: 0.5 },
    { name: "two", adapter: scaledApart(randomAdapter(linears(1, 2), 5, { scale: 0.25, alpha: 1.25 })), weight: -2 },
  ];

  it("cat is the exact sum of the changes: layers of one part or both, scales of their own, any sign", () => {
    const { adapter, error } = combineAdapters(parts, { method: "cat" });
    expect([adapter.rank, adapter.scale, error]).toEqual([8, 1, 0]);
    expect(adapter.factors.map(({ rank }) => rank)).toEqual([3, 8, 8]);
    for (const factor of adapter.factors) {
      expect(relativeL2(change(factor, 1), sumOfChanges(parts, factor.module))).toBeLessThan(1e-6);
    }
    const without = combineAdapters(parts.slice(0, 1), { method: "cat" }).adapter.factors[1]!;
    expect(relativeL2(change(without, 1), sumOfChanges(parts, without.module))).toBeGreaterThan(0.1);
  });

  it("an adapter and its negative are nothing", () => {
    const [one] = parts as [WeightedAdapter];
    const { adapter } = combineAdapters(
      [
        { ...one, weight: 1 },
        { ...one, weight: -1 },
      ],
      { method: "cat" },
    );
    const size = (values: Float64Array) => Math.hypot(...values);
    for (const factor of adapter.factors) expect(size(change(factor, 1))).toBeLessThan(1e-5);
    expect(size(change(one.adapter.factors[0]!, 2))).toBeGreaterThan(1);
  });

  it("svd is the best of its rank, with what it leaves out; by default of the largest rank", () => {
    const cat = combineAdapters(parts, { method: "cat" }).adapter;
    expect(combineAdapters(parts, { method: "svd" }).adapter.rank).toBe(5);
    const { adapter, layers, error } = combineAdapters(parts, { method: "svd", rank: 4 });
    expect(adapter.factors.map(({ rank }) => rank)).toEqual([3, 4, 4]);
    expect(layers[0]!.error).toBe(0);
    for (const [n, factor] of adapter.factors.entries()) {
      const whole = sumOfChanges(parts, factor.module);
      expect(relativeL2(change(factor, 1), whole)).toBeCloseTo(layers[n]!.error, 5);
    }
    expect(error).toBeCloseTo(resizeAdapter(cat, 4).error, 10);
    expect(error).toBeGreaterThan(0.01);
  });

  it("linear pads layers of a smaller rank within adapters of one rank, and refuses adapters of several", () => {
    expect(() => combineAdapters(parts, { method: "linear" })).toThrow(
      "expected adapters of one rank; one has 3, two has 5",
    );
    const narrow = resizeAdapter(parts[1]!.adapter, 2).adapter.factors[0]!;
    const mixed: Adapter = { ...parts[1]!.adapter, factors: [narrow, parts[1]!.adapter.factors[1]!] };
    const { adapter } = combineAdapters(
      [
        { name: "mixed", adapter: mixed, weight: 1 },
        { ...parts[1]!, weight: 0 },
      ],
      {
        method: "linear",
      },
    );
    expect(relativeL2(change(adapter.factors[0]!, 1), change(narrow, narrow.scale ?? mixed.scale))).toBeLessThan(1e-6);
  });

  it("adapters of different models are refused, with every layer that does not fit", () => {
    const other = randomAdapter(
      linears(0, 1).map(([module]) => [module, { in_features: 32, out_features: 16 }] as const),
      3,
    );
    expect(() => combineAdapters([parts[0]!, { name: "other", adapter: other, weight: 1 }], { method: "cat" })).toThrow(
      /not of one model: 2 problems\n.*layers\.0.*24 → 16 \(in → out\) in one, 32 → 16 in other\n.*layers\.1/,
    );
  });
});

/** The same with another scale for its first layer. */
function scaledApart(adapter: Adapter): Adapter {
  return { ...adapter, factors: adapter.factors.map((factor, i) => (i === 0 ? { ...factor, scale: 3 } : factor)) };
}

/** A and B with zeros up to `rank`. */
function padded({ A, B, rank, in_features, out_features }: AdapterFactor, to: number) {
  const wideA = new Float32Array(to * in_features);
  wideA.set(A);
  const wideB = Float32Array.from({ length: out_features * to }, (_, at) => {
    const [row, k] = [Math.floor(at / to), at % to];
    return k < rank ? B[row * rank + k]! : 0;
  });
  return { A: wideA, B: wideB };
}
