/**
 * What adapter_config.json of MLX and of PEFT have in common: the arithmetic, and how refusals are told. A feature this
 * program does not apply (trained biases, whole layers, …) is an error: an adapter that loads but computes something
 * else is worse than one that does not load.
 */

import { Problems } from "../core/errors.ts";
import { describeJson, isJsonObject } from "../core/json.ts";
import type { Fields } from "./fields.ts";

/** What either file says about the arithmetic: y = W·x + scale · B·A·dropout(x), or DoRA's. */
export interface AdapterConfig {
  readonly rank: number;
  /** alpha = scale · rank, or PEFT's lora_alpha as written. */
  readonly alpha: number;
  readonly scale: number;
  readonly dropout: number;
  /** scale = alpha / √rank instead of alpha / rank. */
  readonly use_rslora: boolean;
  /** Magnitudes stand beside the factors (Liu et al. 2024, https://arxiv.org/abs/2402.09353). */
  readonly use_dora: boolean;
  readonly base_model?: string;
}

const HINT = "Train the adapter again as plain LoRA or DoRA, or merge it into its base with the tool that made it.";
export const UNIT = { min: 0, below: 1 };

/** Any key that is not known must be off: null, false, empty. `reasons` says why by key. */
export function refuseUnknown(
  fields: Fields,
  path: string,
  known: ReadonlySet<string>,
  unsupported: Problems,
  reasons: Readonly<Record<string, string>> = {},
): void {
  for (const [key, value] of Object.entries(fields.json)) {
    if (known.has(key) || !isInUse(value)) continue;
    const reason = Object.hasOwn(reasons, key) ? reasons[key] : "not supported here";
    unsupported.add(`${path}${key}: expected it to be off (${reason}), got ${describeJson(value)}`);
  }
}

export function isInUse(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isJsonObject(value) || Object.keys(value).length > 0;
}

export function baseModel(name: unknown): { base_model?: string } {
  return typeof name === "string" && name !== "" ? { base_model: name } : {};
}

/** A malformed file is a FormatError even when it also asks for the unsupported. */
export function throwAll(where: string, wrong: Problems, unsupported: Problems): void {
  const all = new Problems();
  for (const problem of [...wrong.list, ...unsupported.list]) all.add(problem);
  if (wrong.list.length > 0)
    all.throwIfAny("format", where, "Check that this is the adapter_config.json of a LoRA adapter.");
  all.throwIfAny("model", where, HINT);
}

/** 20 · 8 through a rounded scale is 160 again: readers that want a whole alpha get one. */
export function wholeIfClose(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) <= 1e-9 * Math.max(1, Math.abs(value)) ? whole : value;
}

/** What an adapter config is written from. */
export interface AdapterConfigParts {
  readonly rank: number;
  readonly scale: number;
  readonly dropout: number;
  readonly use_dora: boolean;
  readonly base_model?: string;
  /** Leaf names for PEFT: "q_proj". */
  readonly target_modules: readonly string[];
}

/** Keys in order, as both tools write them. */
export function sorted(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}
