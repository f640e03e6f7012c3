/**
 * The cleaned file: the rows that the doctor kept, each once, as JSON lines. Rows keep their own shape (the columns of
 * their file) unless columns were mapped by hand: then they have the mapped shape, which needs no mapping any more.
 */

import { formatError } from "../core/errors.ts";
import type { SetDiagnosis } from "./doctor.ts";
import { applyMapping, type ColumnMapping } from "./mapping.ts";
import type { Table } from "./tables.ts";

/** Bytes per piece, about. */
const PIECE = 1 << 20;

/** The rows of `table` that `diagnosis` kept, duplicates aside, in their order; UTF-8 in pieces, fit for a Blob. */
export function* cleanedJsonl(
  table: Table,
  { kept, duplicates }: Pick<SetDiagnosis, "kept" | "duplicates">,
  mapping: ColumnMapping | null = null,
): Generator<Uint8Array<ArrayBuffer>> {
  const again = new Set(duplicates);
  const encoder = new TextEncoder();
  let lines = "";
  for (const row of kept) {
    if (again.has(row)) continue;
    const { line, value } = table.rows[row]!;
    lines += `${toJson(mapping === null ? value : applyMapping(value, mapping), `${table.name} line ${line}`)}\n`;
    if (lines.length < PIECE) continue;
    yield encoder.encode(lines);
    lines = "";
  }
  if (lines !== "") yield encoder.encode(lines);
}

function toJson(value: unknown, where: string): string {
  try {
    return JSON.stringify(value);
  } catch {
    throw formatError(`${where}: its lists and objects nest too deep to be written`, "Leave this row out.");
  }
}

/** A name for the cleaned file: "chats.csv" → "chats.clean.jsonl". */
export function cleanedName(name: string): string {
  const base = name.slice(name.lastIndexOf("/") + 1).replace(/\.(jsonl|ndjson|json|csv|tsv|tab|parquet|txt)$/i, "");
  return `${base === "" ? "data" : base}.clean.jsonl`;
}
