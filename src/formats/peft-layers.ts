/**
 * What a PEFT config says of single layers: rank_pattern and alpha_pattern, and which modules target_modules and its
 * relatives choose. By the rules of PEFT's own loader, which gives the first pattern that matches and ignores tensors of
 * modules that it did not choose.
 */

import type { Problems } from "../core/errors.ts";
import { describeJson, isJsonObject } from "../core/json.ts";
import type { Fields } from "./fields.ts";
import { type NamePattern, namePattern } from "./name-pattern.ts";

export interface LayerRules {
  /** `path` as PEFT sees it in the base model: "model.layers.0.self_attn.q_proj". */
  numbersOf(path: string): { readonly rank: number; readonly alpha: number };
  /** Whether PEFT puts an adapter on this module; true as well where the file does not say it in a way known here. */
  adapts(path: string): boolean;
}

/** Notes faults of the patterns in `wrong`, and patterns that cannot be followed in `unsupported`. */
export function readLayerRules(
  fields: Fields,
  base: { readonly rank: number; readonly alpha: number },
  wrong: Problems,
  unsupported: Problems,
): LayerRules {
  const ranks = readPatterns(fields, "rank_pattern", isRank, "a whole number of at least 1", wrong, unsupported);
  const alphas = readPatterns(fields, "alpha_pattern", Number.isFinite, "a number", wrong, unsupported);
  const chosen = readNames(fields, "target_modules", wrong);
  const excluded = readNames(fields, "exclude_modules", wrong);
  const inLayer = readLayers(fields, wrong);
  return {
    numbersOf: (path) => ({
      rank: firstMatch(ranks, path) ?? base.rank,
      alpha: firstMatch(alphas, path) ?? base.alpha,
    }),
    adapts(path) {
      if (excluded(path) === true) return false;
      // A pattern names its layers itself: PEFT then refuses layers_to_transform.
      return chosen(path) !== false && (typeof fields.raw("target_modules") === "string" || inLayer(path));
    },
  };
}

const isRank = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1;

interface ValuePattern {
  readonly pattern: NamePattern;
  readonly value: number;
}

function readPatterns(
  fields: Fields,
  key: string,
  isValue: (value: unknown) => boolean,
  expected: string,
  wrong: Problems,
  unsupported: Problems,
): ValuePattern[] {
  const json = fields.raw(key) ?? {};
  if (!isJsonObject(json)) return fields.fault(key, "an object of patterns", json, []);
  return Object.entries(json).flatMap(([source, value]) => {
    const pattern = namePattern(source);
    const where = `${key}[${describeJson(source)}]`;
    if (!isValue(value)) wrong.add(`${where}: expected ${expected}, got ${describeJson(value)}`);
    if (pattern === null) unsupported.add(`${where}: expected a pattern of names, classes, groups and repetition`);
    return pattern === null ? [] : [{ pattern, value: value as number }];
  });
}

const firstMatch = (patterns: readonly ValuePattern[], path: string): number | undefined =>
  patterns.find(({ pattern }) => pattern.matchesEnd(path))?.value;

/** A list of name ends, one pattern over whole names, or nothing. null: the file does not say, or not in a way known here. */
function readNames(fields: Fields, key: string, wrong: Problems): (path: string) => boolean | null {
  const value = fields.raw(key);
  if (value === undefined || value === "all-linear") return () => null;
  if (typeof value === "string") {
    const pattern = namePattern(value);
    return (path) => pattern?.matches(path) ?? null;
  }
  if (!Array.isArray(value) || !value.every((name) => typeof name === "string")) {
    wrong.add(`${key}: expected a list of names or a pattern, got ${describeJson(value)}`);
    return () => null;
  }
  if (value.length === 0) return () => null;
  return (path) => value.some((name) => path === name || path.endsWith(`.${name}`));
}

/** layers_to_transform, a block or a list of them, counted behind layers_pattern where that is given. */
function readLayers(fields: Fields, wrong: Problems): (path: string) => boolean {
  const value = fields.raw("layers_to_transform");
  if (value === undefined) return () => true;
  const layers: unknown[] = Array.isArray(value) ? value : [value];
  if (!layers.every((layer) => Number.isSafeInteger(layer) && (layer as number) >= 0)) {
    wrong.add(`layers_to_transform: expected a block or a list of blocks, got ${describeJson(value)}`);
    return () => true;
  }
  if (layers.length === 0) return () => true;
  const pattern = fields.raw("layers_pattern") ?? [];
  const lists: unknown[] = Array.isArray(pattern) ? pattern : [pattern];
  return (path) => layers.includes(blockOf(path.split("."), lists));
}

/** The last number behind one of the lists' names; behind any name when there are none. As in PEFT, never at the very front. */
function blockOf(parts: readonly string[], lists: readonly unknown[]): number | null {
  for (const list of lists.length > 0 ? lists : [null]) {
    for (let i = parts.length - 2; i >= 2; i--) {
      if (/^\d+$/.test(parts[i]!) && (list === null || parts[i - 1] === list)) return Number(parts[i]);
    }
  }
  return null;
}
