/** JSON at the edge of the program: parsing with a usable error, and small helpers to look at what came out. */

import { formatError } from "./errors.ts";

export type JsonObject = Record<string, unknown>;
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** Parses JSON text; `where` (a file name) begins the FormatError when it is not JSON. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw formatError(
      `${where}: expected JSON, got something else (${error instanceof Error ? error.message : error})`,
    );
  }
}

/** A JSON object; not null, not a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value in a few words for an error message; never descends, so hostile nesting cannot hurt. */
export function describeJson(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isJsonObject(value)) return "an object";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
