/**
 * Several adapters of one model as one, each with a weight. Conventions of PEFT's add_weighted_adapter
 * (peft/tuners/lora/model.py, 0.21): the strengths of the parts go into the factors, the result's scale is 1.
 */
import { configError, modelError, Problems } from "../core/errors.ts";
import { type Adapter, type AdapterFactor, compareModules, isDora, scaleOf } from "./adapter.ts";
import { checkExportable } from "./export.ts";
import { type LayerLoss, truncateAdapter } from "./resize.ts";

export interface WeightedAdapter {
  /** For messages. */
  readonly name: string;
  readonly adapter: Adapter;
  /** Of any sign. */
  readonly weight: number;
}

/**
 * cat: factors side by side, the exact sum of the changes; ranks add up.
 * svd: that, cut to its largest directions.
 * linear: √weights into A and B and sums of each: cheap, of one rank, and not the sum of the changes but with terms that mix the parts.
 */
export const COMBINATIONS = ["cat", "svd", "linear"] as const;
export type Combination = (typeof COMBINATIONS)[number];

export interface CombineOptions {
  readonly method: Combination;
  /** Of svd; the largest of the parts' ranks where it is not given. */
  readonly rank?: number | undefined;
}

export interface Combined {
  readonly adapter: Adapter;
  /** What svd left out, of each layer and of all. */
  readonly layers: readonly LayerLoss[];
  readonly error: number;
}

/**
 * A layer that some parts do not adapt is made of the others.
 * @throws ModelError listing every layer whose shapes differ, ConfigError for ranks that linear cannot add,
 * ModelError for values that are not finite.
 */
export function combineAdapters(parts: readonly WeightedAdapter[], { method, rank }: CombineOptions): Combined {
  for (const { adapter } of parts) checkExportable(adapter);
  for (const { name, adapter } of parts) {
    if (!isDora(adapter)) continue;
    throw modelError(
      `${name}: DoRA's magnitudes are lengths of rows of W + B·A, which have no sum`,
      "Fuse it into its base, and train or combine the others on that.",
    );
  }
  checkAlike(parts);
  const ranks = parts.map(({ adapter }) => adapter.rank);
  if (method === "linear" && new Set(ranks).size > 1) {
    const found = parts.map(({ name, adapter }) => `${name} has ${adapter.rank}`).join(", ");
    throw configError(`linear: expected adapters of one rank; ${found}`, "Use cat, which adds ranks up, or svd.");
  }
  const whole = method === "linear" ? joined(parts, sumOf) : joined(parts, concatenated);
  if (method !== "svd") return { adapter: whole, layers: [], error: 0 };
  return truncateAdapter(whole, rank ?? Math.max(...ranks));
}

/** The exact sum; one adapter of weight 1 as it is. Throws ModelError listing every layer on which they do not agree. */
export function summed(parts: readonly WeightedAdapter[]): Adapter {
  const [first] = parts as [WeightedAdapter];
  return parts.length === 1 && first.weight === 1 ? first.adapter : combineAdapters(parts, { method: "cat" }).adapter;
}

interface Part {
  readonly factor: AdapterFactor;
  /** weight · scale */
  readonly strength: number;
}

function joined(parts: readonly WeightedAdapter[], join: (parts: readonly Part[]) => AdapterFactor): Adapter {
  const byModule = new Map<string, Part[]>();
  for (const { adapter, weight } of parts) {
    for (const factor of adapter.factors) {
      const part = { factor, strength: weight * scaleOf(adapter, factor) };
      byModule.set(factor.module, [...(byModule.get(factor.module) ?? []), part]);
    }
  }
  const factors = [...byModule.values()].map(join).sort((a, b) => compareModules(a.module, b.module));
  const rank = Math.max(...factors.map((factor) => factor.rank));
  const first = parts[0]!.adapter;
  const blocks = parts.flatMap(({ adapter }) => adapter.num_hidden_layers ?? []);
  const base = parts.find(({ adapter }) => adapter.base_model !== undefined)?.adapter.base_model;
  return {
    ...{ rank, alpha: rank, scale: 1, dropout: first.dropout, factors, use_rslora: false },
    ...(base === undefined ? {} : { base_model: base }),
    ...(blocks.length > 0 ? { num_hidden_layers: Math.max(...blocks) } : {}),
    ...(first.in_language_model ? { in_language_model: true } : {}),
  };
}

/** A = [s₁·A₁; s₂·A₂; …], B = [B₁, B₂, …] */
function concatenated(parts: readonly Part[]): AdapterFactor {
  const { module, in_features, out_features } = parts[0]!.factor;
  const rank = parts.reduce((sum, { factor }) => sum + factor.rank, 0);
  const A = new Float32Array(rank * in_features);
  const B = new Float32Array(out_features * rank);
  let begin = 0;
  for (const { factor, strength } of parts) {
    A.set(
      factor.A.map((value) => strength * value),
      begin * in_features,
    );
    addColumns(B, rank, factor, begin, 1);
    begin += factor.rank;
  }
  return { module, in_features, out_features, rank, A, B };
}

/** A = Σ ±√|s|·A, B = Σ √|s|·B; the sign of a strength is A's. */
function sumOf(parts: readonly Part[]): AdapterFactor {
  const { module, in_features, out_features } = parts[0]!.factor;
  const rank = Math.max(...parts.map(({ factor }) => factor.rank));
  const A = new Float32Array(rank * in_features);
  const B = new Float32Array(out_features * rank);
  for (const { factor, strength } of parts) {
    const root = Math.sqrt(Math.abs(strength));
    const signed = strength < 0 ? -root : root;
    for (const [i, value] of factor.A.entries()) A[i]! += signed * value;
    addColumns(B, rank, factor, 0, root);
  }
  return { module, in_features, out_features, rank, A, B };
}

/** weight · factor.B onto the columns of B [out, rank] from `begin`. */
function addColumns(B: Float32Array, rank: number, factor: AdapterFactor, begin: number, weight: number): void {
  for (let row = 0; row < factor.out_features; row++) {
    for (let k = 0; k < factor.rank; k++) B[row * rank + begin + k]! += weight * factor.B[row * factor.rank + k]!;
  }
}

/** One model's layers have one shape each. */
function checkAlike(parts: readonly WeightedAdapter[]): void {
  const problems = new Problems();
  const seen = new Map<string, { readonly name: string; readonly shape: string }>();
  for (const { name, adapter } of parts) {
    for (const { module, in_features, out_features } of adapter.factors) {
      const shape = `${in_features} → ${out_features}`;
      const other = seen.get(module);
      if (!other) seen.set(module, { name, shape });
      else if (other.shape !== shape)
        problems.add(`${module}: ${other.shape} (in → out) in ${other.name}, ${shape} in ${name}`);
    }
  }
  problems.throwIfAny("model", "the adapters are not of one model", "Combine adapters of the same base.");
}
