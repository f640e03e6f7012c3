/** Anything a person can set, as data: its kind and range, the check of a value, and both in words. */
import { parsePattern } from "../formats/module-pattern.ts";

export type Value = number | boolean | string | readonly string[];

/** Anything a person can set: a knob of training, or a flag of a command. */
export interface Setting {
  /** camelCase; its flag is the same in kebab-case. */
  readonly name: string;
  readonly kind: "integer" | "number" | "boolean" | "choice" | "list" | "patterns" | "text";
  readonly meaning: string;
  readonly group?: string;
  readonly default?: Value;
  readonly unit?: string;
  readonly choices?: readonly string[];
  /** Of a choice: a whole number from 0 says it more finely; what it counts. */
  readonly count?: string;
  readonly min?: number; // inclusive
  readonly max?: number; // inclusive
  readonly above?: number; // exclusive
  readonly below?: number; // exclusive
  /** Of patterns: their numbers are whole. */
  readonly whole?: boolean;
  /** What the value "auto" stands for, where it is allowed. */
  readonly auto?: string;
}

/** What is wrong with `value`, as "expected …, got …"; undefined when nothing is. */
export function checkValue(setting: Setting, value: unknown): string | undefined {
  if (setting.auto !== undefined && value === "auto") return undefined;
  return fits(setting, value) ? undefined : `expected ${describeRange(setting)}, got ${showValue(value)}`;
}

function fits(setting: Setting, value: unknown): boolean {
  switch (setting.kind) {
    case "boolean":
      return typeof value === "boolean";
    case "text":
      return typeof value === "string" && value !== "";
    case "choice":
      if (setting.count !== undefined && typeof value === "number") return Number.isSafeInteger(value) && value >= 0;
      return typeof value === "string" && (setting.choices ?? []).includes(value);
    case "list":
      return Array.isArray(value) && value.length > 0 && value.every(isWord) && new Set(value).size === value.length;
    case "patterns":
      return Array.isArray(value) && value.every((text) => isPattern(text, setting.whole));
    case "integer":
      return Number.isSafeInteger(value) && inRange(setting, value as number);
    case "number":
      return Number.isFinite(value) && inRange(setting, value as number);
  }
}

function isPattern(text: unknown, whole = false): boolean {
  const parsed = typeof text === "string" ? parsePattern(text) : null;
  return parsed !== null && (!whole || Number.isSafeInteger(parsed.value));
}

const isWord = (item: unknown) => typeof item === "string" && /^\S+$/.test(item);

function inRange(setting: Setting, value: number): boolean {
  const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity } = setting;
  return value >= min && value <= max && value > above && value < below;
}

/** The values a setting takes, in words. */
export function describeRange(setting: Setting): string {
  const { kind, count, min, max, above, below } = setting;
  if (kind === "boolean") return "true or false";
  if (kind === "choice")
    return `one of ${(setting.choices ?? []).join(", ")}${count ? `, or a number of ${count}` : ""}`;
  if (kind === "patterns") return `name=${setting.whole ? "whole number ≥ 1" : "number > 0"}, separated by commas`;
  if (kind === "list") return "names without repeats, separated by commas";
  if (kind === "text") return "text";
  const low = above !== undefined ? `> ${above}` : min !== undefined ? `≥ ${min}` : "";
  const high = below !== undefined ? `< ${below}` : max !== undefined ? `≤ ${max}` : "";
  const bounds = [low, high].filter(Boolean).join(" and ");
  const auto = setting.auto === undefined ? "" : ' or "auto"';
  return `${kind === "integer" ? "whole number" : "number"}${bounds && ` ${bounds}`}${auto}`;
}

/** A value from anywhere as a few words; a nested one is only named. */
export function showValue(value: unknown): string {
  const flat = Array.isArray(value) ? value.every(isWord) : typeof value !== "object" || value === null;
  const text = flat ? `${typeof value === "number" ? value : JSON.stringify(value)}` : "a structure";
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** A setting's default in words; empty when it has none. */
export function describeDefault(setting: Setting): string {
  const value = setting.default;
  if (value === "auto" && setting.auto) return `auto: ${setting.auto}`;
  return Array.isArray(value) ? value.join(", ") || "none" : String(value ?? "");
}
