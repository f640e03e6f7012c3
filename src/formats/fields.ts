/**
 * Reads the fields of a JSON object one by one, with their type and range, and notes each fault in a list instead of
 * throwing: a config is reported whole. Absent and null are the same, as they are for the Hub's own readers.
 */

import type { Problems } from "../core/errors.ts";
import { describeJson, isJsonObject, type JsonObject } from "../core/json.ts";

export interface Bounds {
  /** Smallest value accepted. */
  readonly min?: number;
  /** The value must be greater than this. */
  readonly above?: number;
  /** The value must be less than this. */
  readonly below?: number;
}

/** Fields of one object; each getter returns a usable value of its type even when it notes a problem. */
export class Fields {
  readonly json: JsonObject;
  private readonly problems: Problems;
  private readonly path: string;

  /** `path` is put before each key in messages: "rope_scaling." */
  constructor(json: unknown, problems: Problems, path = "") {
    this.json = isJsonObject(json) ? json : {};
    this.problems = problems;
    this.path = path;
    if (!isJsonObject(json)) problems.add(`${path || "file"}: expected an object, got ${describeJson(json)}`);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.json, key) && this.json[key] !== null;
  }

  /** The raw value; undefined when absent or null. */
  raw(key: string): unknown {
    return this.has(key) ? this.json[key] : undefined;
  }

  /** A whole number; without `fallback` the field is required. */
  int(key: string, bounds: Bounds = { min: 1 }, fallback?: number): number {
    return this.numeric(key, "a whole number", Number.isSafeInteger, bounds, fallback);
  }

  /** A finite number; without `fallback` the field is required. */
  number(key: string, bounds: Bounds = {}, fallback?: number): number {
    return this.numeric(key, "a number", Number.isFinite, bounds, fallback);
  }

  string(key: string, fallback?: string): string {
    const value = this.raw(key);
    if (typeof value === "string") return value;
    return value === undefined && fallback !== undefined ? fallback : this.fault(key, "a text", value, "");
  }

  bool(key: string, fallback: boolean): boolean {
    const value = this.raw(key);
    if (value === undefined) return fallback;
    return typeof value === "boolean" ? value : this.fault(key, "true or false", value, fallback);
  }

  /** Notes "key: expected …, got …" and returns `instead`. */
  fault<T>(key: string, expected: string, value: unknown, instead: T): T {
    this.problems.add(`${this.path}${key}: expected ${expected}, got ${describeJson(value)}`);
    return instead;
  }

  private numeric(
    key: string,
    what: string,
    isKind: (value: unknown) => boolean,
    { min, above, below }: Bounds,
    fallback: number | undefined,
  ): number {
    const value = this.raw(key);
    if (value === undefined && fallback !== undefined) return fallback;
    const inside =
      typeof value === "number" &&
      isKind(value) &&
      (min === undefined || value >= min) &&
      (above === undefined || value > above) &&
      (below === undefined || value < below);
    if (inside) return value;
    const limits = [
      min === undefined ? "" : ` of at least ${min}`,
      above === undefined ? "" : ` above ${above}`,
      below === undefined ? "" : ` below ${below}`,
    ];
    return this.fault(key, what + limits.join(""), value, fallback ?? 1);
  }
}
