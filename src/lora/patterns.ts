/**
 * Ranks and alphas by module, as peft's `rank_pattern` and `alpha_pattern` hold them: a pattern names a module by its last
 * parts or whole, the first that fits counts, and a layer's scale follows from its own alpha and rank.
 */
import { configError } from "../core/errors.ts";
import { formatSetting } from "../core/units.ts";
import { wholeIfClose } from "../formats/adapter-config.ts";
import { type ModulePattern, parsePattern } from "../formats/module-pattern.ts";
import { type Adapter, scaleOf } from "./adapter.ts";
import { commonScale } from "./uniform.ts";

/** How strong an adapter is, layer by layer: "down_proj=4" gives every down_proj rank 4. */
export interface StrengthOptions {
  readonly rank: number;
  readonly alpha: number;
  /** The scale is alpha / √rank instead of alpha / rank. */
  readonly useRslora: boolean;
  readonly rankPattern: readonly string[];
  readonly alphaPattern: readonly string[];
}

export interface Strength {
  readonly rank: number;
  readonly alpha: number;
  /** What B·A is multiplied with. */
  readonly scale: number;
}

/** The strength of every module. Throws ConfigError for a pattern that fits none of them: nothing would be changed by it. */
export function strengths(modules: readonly string[], options: StrengthOptions): Strength[] {
  const { rank, alpha, useRslora } = options;
  const ranks = chooser(modules, "rankPattern", options.rankPattern);
  const alphas = chooser(modules, "alphaPattern", options.alphaPattern);
  return modules.map((module) => strengthOf(ranks(module) ?? rank, alphas(module) ?? alpha, useRslora));
}

export const strengthOf = (rank: number, alpha: number, useRslora: boolean): Strength => ({
  rank,
  alpha,
  scale: alpha / (useRslora ? Math.sqrt(rank) : rank),
});

/** "down_proj=4", as checked. */
export const modulePatterns = (texts: readonly string[]): ModulePattern[] =>
  texts.map((text) => parsePattern(text) as ModulePattern);

function chooser(modules: readonly string[], knob: string, texts: readonly string[]) {
  const patterns = modulePatterns(texts);
  const idle = patterns.find(({ pattern }) => !modules.some((module) => pattern.matchesEnd(module)));
  if (idle) {
    const known = [...new Set(modules.map((module) => module.split(".").at(-1)))].join(", ");
    throw configError(
      `${knob}: ${idle.source} fits no layer that gets an adapter`,
      `Name one by leaf or by path; those with an adapter end in ${known}.`,
    );
  }
  return (module: string): number | undefined => patterns.find(({ pattern }) => pattern.matchesEnd(module))?.value;
}

export interface AdapterNumbers {
  /** The commonest, and the scale and alpha that go with it. */
  readonly rank: number;
  readonly scale: number;
  readonly alpha: number;
  /** Of the modules that have others. */
  readonly rank_pattern: Readonly<Record<string, number>>;
  readonly alpha_pattern: Readonly<Record<string, number>>;
}

/**
 * The commonest rank and scale for all, and a pattern for every module that has others.
 * @param name what a module is called in a pattern
 */
export function adapterNumbers(
  adapter: Adapter,
  { name = (module: string) => module, useRslora = false } = {},
): AdapterNumbers {
  const layers = adapter.factors.map((factor) => ({
    module: factor.module,
    rank: factor.rank,
    scale: scaleOf(adapter, factor),
  }));
  const alphaOf = (scale: number, rank: number) => wholeIfClose(scale * (useRslora ? Math.sqrt(rank) : rank));
  const rank = commonest(layers.map((layer) => layer.rank));
  const scale = commonScale(adapter);
  const alpha = alphaOf(scale, rank);
  const ranks = layers.map((layer) => ({ module: layer.module, value: layer.rank }));
  const alphas = layers.map((layer) => ({ module: layer.module, value: alphaOf(layer.scale, layer.rank) }));
  return {
    rank,
    scale,
    alpha,
    rank_pattern: patterns(ranks, rank, name),
    alpha_pattern: patterns(alphas, alpha, name),
  };
}

/** A pattern as knobs write it. */
export const patternTexts = (pattern: Readonly<Record<string, number>>): string[] =>
  Object.entries(pattern).map(([source, value]) => `${source}=${formatSetting(value)}`);

interface LayerValue {
  readonly module: string;
  readonly value: number;
}

/** By leaf name where all of that name agree, else by path. */
function patterns(layers: readonly LayerValue[], common: number, name: (module: string) => string) {
  const byLeaf = new Map<string, LayerValue[]>();
  for (const layer of layers)
    byLeaf.set(leafName(layer.module), [...(byLeaf.get(leafName(layer.module)) ?? []), layer]);
  const entries = [...byLeaf].flatMap(([leaf, all]) => {
    const { value } = all[0]!;
    if (all.every((layer) => layer.value === value)) return [[leaf, value] as const];
    return all.map((layer) => [escaped(name(layer.module)), layer.value] as const);
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== common));
}

/** Dots stay, as PEFT's own files have them: a name in which another character stood there does not exist. */
const escaped = (name: string) => name.replace(/[^\w.-]/g, "\\$&");

function commonest(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]![0];
}

export function leafName(module: string): string {
  return module.slice(module.lastIndexOf(".") + 1);
}
