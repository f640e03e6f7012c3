/**
 * Rows of a Parquet file, over hyparquet, one row group in memory at a time. Lists and structs come as lists and objects,
 * dates as ISO text, whole numbers beyond 2⁵³ as text, bytes as text; keys of structs that are null are left out, since
 * every struct of a column has all of its keys. Refuses damaged, encrypted and absurdly large files with a FormatError.
 */

import type { AsyncBuffer, Compressors, FileMetaData, RowGroup } from "hyparquet";
import type { ByteSource } from "../core/bytes.ts";
import { formatError, LorikeetError } from "../core/errors.ts";
import type { JsonRecord } from "../formats/jsonl.ts";
import {
  checkMetadata,
  checkPages,
  checkTail,
  chunkRange,
  PARQUET_LIMITS,
  type ParquetInternals,
} from "./parquet-guard.ts";
import { checkSnappy } from "./snappy-guard.ts";
import { checkZstd } from "./zstd-guard.ts";

/** Adds the names of the columns to `columns`, then gives the rows; `line` is the row's number, from 1. */
export async function* readParquetRows(source: ByteSource, columns: Set<string>): AsyncGenerator<JsonRecord> {
  try {
    const table = await openParquet(source);
    for (const name of table.columns) columns.add(name);
    let line = 0;
    const budget = { text: PARQUET_LIMITS.text };
    for (const group of table.metadata.row_groups) {
      const data = await readGroup(source, table, group);
      for (let row = 0; row < Number(group.num_rows); row++) {
        const cells = table.columns.map((name) => [name, toPlain(data.get(name)![row], budget)] as const);
        yield { line: ++line, value: Object.fromEntries(cells.map(([name, cell]) => [name, cell ?? null])) };
      }
    }
  } catch (error) {
    if (error instanceof LorikeetError) throw error;
    const reason = error instanceof RangeError ? "it points beyond its own end" : String((error as Error).message);
    throw formatError(
      `${source.name}: the Parquet file cannot be read: ${reason}`,
      "The file is damaged or uses a part of Parquet that is not supported. Export it again, or as JSON lines (.jsonl).",
    );
  }
}

interface ParquetTable {
  readonly library: typeof import("hyparquet");
  readonly internals: ParquetInternals;
  readonly metadata: FileMetaData;
  readonly columns: readonly string[];
  readonly compressors: Compressors;
}

async function openParquet(source: ByteSource): Promise<ParquetTable> {
  checkTail(source.name, source.size, await source.read(Math.max(0, source.size - 8), source.size));
  const library = await import("hyparquet");
  const metadata = await library.parquetMetadataAsync(bufferOf(source), { geoparquet: false });
  checkMetadata(source.name, source.size, metadata);
  const { children } = library.parquetSchema(metadata);
  const [column, datapage, schema, delta, thrift] = await Promise.all([
    import("hyparquet/src/column.js"),
    import("hyparquet/src/datapage.js"),
    import("hyparquet/src/schema.js"),
    import("hyparquet/src/delta.js"),
    import("hyparquet/src/thrift.js"),
  ]);
  return {
    library,
    internals: { column, datapage, schema, delta, thrift },
    metadata,
    columns: children.map(({ element }) => element.name),
    compressors: await loadCompressors(library, source.name, metadata),
  };
}

/**
 * How each page is unpacked, without trusting it. Snappy is in hyparquet itself; the others are loaded only for a file that
 * needs them. Brotli and the old LZ4 framing are left out: their decoders can be sent in circles by a damaged page.
 */
async function loadCompressors(library: typeof import("hyparquet"), name: string, metadata: FileMetaData) {
  const codecs = metadata.row_groups.flatMap((group) => group.columns.map((column) => column.meta_data?.codec));
  const others = new Set(codecs.filter((codec) => codec !== "UNCOMPRESSED" && codec !== "SNAPPY"));
  const SNAPPY = (input: Uint8Array, length: number) => {
    checkSnappy(input, length);
    const output = new Uint8Array(length);
    library.snappyUncompress(input, output);
    return output;
  };
  if (others.size === 0) return { SNAPPY };
  // By name, so that a bundle leaves out the others, one of which would compile WebAssembly just by being there.
  const { decompressLz4Raw, decompressZstd, gunzip } = await import("hyparquet-compressors");
  // Into memory of the promised size: a Zstandard frame may name any size of its own.
  const ZSTD = (input: Uint8Array, length: number) => {
    checkZstd(input);
    return decompressZstd(input, new Uint8Array(length));
  };
  const GZIP = (input: Uint8Array, length: number) => gunzip(input, new Uint8Array(length));
  const known: Compressors = { SNAPPY, ZSTD, GZIP, LZ4_RAW: decompressLz4Raw };
  const unknown = [...others].find((codec) => codec === undefined || !Object.hasOwn(known, codec));
  if (unknown === undefined) return known;
  throw formatError(
    `${name}: expected pages compressed with Snappy, Zstandard, Gzip or LZ4_RAW, or not at all, got ${unknown}`,
    "Write the file again with one of these, or export it to JSON lines (.jsonl).",
  );
}

const bufferOf = (source: ByteSource): AsyncBuffer => ({
  byteLength: source.size,
  slice: async (begin, end = source.size) => (await source.read(begin, Math.min(end, source.size))).buffer,
});

/** Columns of a row group by name, each with as many values as the group has rows. */
async function readGroup(source: ByteSource, table: ParquetTable, group: RowGroup): Promise<Map<string, unknown[]>> {
  const { library, metadata, internals, compressors } = table;
  const tree = library.parquetSchema(metadata);
  for (const { meta_data: meta } of group.columns) {
    const path = meta!.path_in_schema;
    const where = `${source.name}: column ${path.join(".")}`;
    const schemaPath = internals.schema.getTreePath(tree, path);
    checkPages(await source.read(...chunkRange(meta!)), { where, meta: meta!, schemaPath, compressors, internals });
  }
  const data = new Map<string, unknown[]>(table.columns.map((name) => [name, []]));
  await library.parquetRead({
    file: bufferOf(source),
    metadata: { ...metadata, row_groups: [group] },
    compressors,
    parsers: { jsonFromBytes: jsonOrText },
    onChunk: ({ columnName, columnData }) => {
      const column = data.get(columnName)!;
      for (const value of columnData) column.push(value);
    },
  });
  const rows = Number(group.num_rows);
  for (const [name, { length }] of data) {
    if (length === rows) continue;
    throw formatError(`${source.name}: column ${name}: expected ${rows} values, got ${length}`, "The file is damaged.");
  }
  return data;
}

function jsonOrText(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A value as JSON has it. `budget` counts characters: a text in the dictionary costs nothing in the file. */
function toPlain(value: unknown, budget: { text: number }): unknown {
  if (typeof value === "string") {
    budget.text -= value.length;
    if (budget.text >= 0) return value;
    throw formatError(`the rows hold more than ${PARQUET_LIMITS.text} characters`, "Export fewer rows.");
  }
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (value === undefined || value === null || typeof value !== "object") return value ?? null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (Array.isArray(value)) return value.map((item) => toPlain(item, budget));
  const entries = Object.entries(value).map(([key, item]) => [key, toPlain(item, budget)] as const);
  return Object.fromEntries(entries.filter(([, item]) => item !== null));
}
