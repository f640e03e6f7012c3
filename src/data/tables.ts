/**
 * A dropped file → rows with line numbers, whatever it is: JSON lines, a JSON document, CSV or TSV, Parquet. Which one is
 * decided by the first bytes, and by the name where bytes cannot tell. What a row means is not asked here.
 */

import type { ByteSource } from "../core/bytes.ts";
import { formatError, Problems } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { type JsonRecord, readJsonRecords } from "../formats/jsonl.ts";
import { readCsvRows } from "./csv-table.ts";
import { readParquetRows } from "./parquet-table.ts";

export type TableFormat = "json" | "csv" | "parquet";

export interface RowStream {
  readonly format: TableFormat;
  /**
   * Rows in order. `line` is what a person counts: the line of the file where the row begins (JSON, CSV), or the row's
   * number from 1 (Parquet).
   */
  readonly rows: AsyncGenerator<JsonRecord>;
  /** Names of the columns in order of appearance; complete when all rows are read. */
  readonly columns: ReadonlySet<string>;
}

/**
 * Opens a file of rows. Faulty rows go to `problems` and are left out.
 * @throws FormatError, here or while reading, when the file as a whole cannot be read.
 */
export async function openRows(source: ByteSource, problems: Problems): Promise<RowStream> {
  const format = await formatOf(source);
  const columns = new Set<string>();
  if (format === "parquet") return { format, columns, rows: readParquetRows(source, columns) };
  if (format === "csv") return { format, columns, rows: readCsvRows(source, problems, columns) };
  return { format, columns, rows: collectKeys(readJsonRecords(source, problems), columns) };
}

async function formatOf(source: ByteSource): Promise<TableFormat> {
  const { name, size } = source;
  const head = new TextDecoder("latin1").decode(await source.read(0, Math.min(size, 64)));
  if (head.startsWith("PAR1") || head.startsWith("PARE")) return "parquet";
  const extension = /\.([^./]+)$/.exec(name.toLowerCase())?.[1] ?? "";
  if (extension === "parquet") {
    throw formatError(
      `${name}: expected a Parquet file, which begins with "PAR1", got ${JSON.stringify(head.slice(0, 4))}`,
      "The file was renamed or is damaged. Download or export it again.",
    );
  }
  // Exporters have written JSON under such names; no table's first row begins like this.
  const isJson = /^(?:\u00ef\u00bb\u00bf)?\s*(?:\{\s*"|\[\s*[{[])/.test(head);
  return ["csv", "tsv", "tab"].includes(extension) && !isJson ? "csv" : "json";
}

/** Keys counted as columns; a file with a new key in every row is data, not a table. */
const MAX_KEYS = 1000;

async function* collectKeys(rows: AsyncIterable<JsonRecord>, columns: Set<string>): AsyncGenerator<JsonRecord> {
  for await (const row of rows) {
    if (isJsonObject(row.value)) {
      for (const key in row.value) if (columns.size < MAX_KEYS) columns.add(key);
    }
    yield row;
  }
}

/** A whole file in memory. */
export interface Table {
  readonly name: string;
  readonly format: TableFormat;
  readonly rows: readonly JsonRecord[];
  /** What the rows' `line` counts; rows where lines would not tell them apart. */
  readonly unit: "line" | "row";
  readonly columns: readonly string[];
  /** Rows that cannot be read, as "name line 7: …", in order. */
  readonly faults: readonly string[];
}

export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Rows read so far; every few thousand. */
  readonly onProgress?: ((rows: number) => void) | undefined;
}

/**
 * Reads all rows of a file.
 * @throws FormatError when it cannot be read at all, the signal's reason when it is aborted.
 */
export async function loadTable(source: ByteSource, { signal, onProgress }: LoadOptions = {}): Promise<Table> {
  const problems = new Problems();
  const stream = await openRows(source, problems);
  const rows: JsonRecord[] = [];
  for await (const row of stream.rows) {
    rows.push(row);
    if (rows.length % 4096 !== 0) continue;
    signal?.throwIfAborted();
    onProgress?.(rows.length);
    // Reading may never leave the microtask queue; an abort or a message must get in.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  signal?.throwIfAborted();
  const { format, columns } = stream;
  const shared = format === "json" && rows.some(({ line }, i) => line === rows[i - 1]?.line);
  return {
    name: source.name,
    format,
    rows: shared ? rows.map(({ value }, i) => ({ line: i + 1, value })) : rows,
    unit: shared || format === "parquet" ? "row" : "line",
    columns: [...columns],
    faults: problems.list,
  };
}
