/**
 * Checks a Parquet file before its pages are decoded: sizes, counts and run lengths are numbers that the file claims, and
 * the decoder believes them. A few hundred bytes could ask for gigabytes, or for a loop without an end.
 * Refuses, with a FormatError: files above the limits below, pages whose counts disagree with what they hold, encryption.
 */

import type { ColumnMetaData, Compressors, DataReader, FileMetaData, RowGroup, SchemaTree } from "hyparquet";
import { formatError } from "../core/errors.ts";
import { formatBytes, formatCount } from "../core/units.ts";

/** What a page can be asked to hold at once; far above any set for fine-tuning. */
export const PARQUET_LIMITS = {
  metadataBytes: 1 << 26,
  /** Columns of the table, those within structs included. */
  columns: 1000,
  rows: 5_000_000,
  /** Per row group, unpacked. */
  groupBytes: 1 << 30,
  /** Per row group and column; a list counts each of its elements. */
  values: 1 << 24,
  pageBytes: 1 << 28,
  /** Characters of all rows together. */
  text: 1 << 30,
} as const;

const SMALLER = "Export the rows and columns that you need to JSON lines (.jsonl).";

/** Throws unless `count` lies in [0, limit]. */
function within(where: string, count: number, limit: number, what: string, format = formatCount): void {
  if (count >= 0 && count <= limit) return;
  throw formatError(`${where}: expected at most ${format(limit)} ${what}, got ${format(count)}`, SMALLER);
}

/** Checks the last 8 bytes: the length of the metadata and the mark. `tail` is shorter for a shorter file. */
export function checkTail(name: string, size: number, tail: Uint8Array): void {
  const mark = new TextDecoder("latin1").decode(tail.subarray(-4));
  if (mark === "PARE") throw formatError(`${name}: the Parquet file is encrypted`, "Export it without encryption.");
  if (tail.length < 8 || size < 12 || mark !== "PAR1") {
    throw formatError(
      `${name}: expected a Parquet file that ends with "PAR1", got ${JSON.stringify(mark)}`,
      "The file is cut off or is not a Parquet file. Download or export it again.",
    );
  }
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(tail.length - 8, true);
  within(name, length, PARQUET_LIMITS.metadataBytes, "of metadata", formatBytes);
  if (length > size - 12) {
    throw formatError(
      `${name}: expected at most ${size - 12} bytes of metadata, got ${length}`,
      "The file is damaged.",
    );
  }
}

/** Checks the whole table before any row is read. Offsets must lie within the file. */
export function checkMetadata(name: string, size: number, metadata: FileMetaData): void {
  within(name, metadata.schema.length - 1, PARQUET_LIMITS.columns, "columns");
  const variant = metadata.schema.find(({ logical_type }) => logical_type?.type === "VARIANT");
  if (variant !== undefined) throw formatError(`${name}: column ${variant.name}: VARIANT is not supported`, SMALLER);
  let rows = 0;
  for (const [i, group] of metadata.row_groups.entries()) {
    const where = `${name}: row group ${i + 1}`;
    within(where, Number(group.num_rows), PARQUET_LIMITS.rows, "rows");
    rows += Number(group.num_rows);
    checkGroup(where, size, group);
  }
  within(name, rows, PARQUET_LIMITS.rows, "rows");
}

function checkGroup(where: string, size: number, group: RowGroup): void {
  const paths = new Set<string>();
  let bytes = 0;
  for (const { meta_data, file_path } of group.columns) {
    if (meta_data === undefined || file_path) throw formatError(`${where}: its data lie in another file`, SMALLER);
    paths.add(meta_data.path_in_schema.join("."));
    bytes += Number(meta_data.total_uncompressed_size);
    within(where, Number(meta_data.num_values), PARQUET_LIMITS.values, "values in a column");
    const [begin, end] = chunkRange(meta_data);
    if (begin >= 0 && begin <= end && end <= size) continue;
    throw formatError(`${where}: expected bytes within the file's ${size}, got ${begin} to ${end}`, "It is damaged.");
  }
  if (paths.size !== group.columns.length) throw formatError(`${where}: a column comes twice`, "The file is damaged.");
  within(where, bytes, PARQUET_LIMITS.groupBytes, "of data", formatBytes);
}

/** [begin, end) of a column's pages in the file. */
export function chunkRange(meta: ColumnMetaData): readonly [number, number] {
  const begin = Number(meta.dictionary_page_offset || meta.data_page_offset);
  return [begin, begin + Number(meta.total_compressed_size)];
}

/** The pieces of the decoder that the checks share with it, so that both read the same bytes the same way. */
export interface ParquetInternals {
  readonly column: typeof import("hyparquet/src/column.js");
  readonly datapage: typeof import("hyparquet/src/datapage.js");
  readonly schema: typeof import("hyparquet/src/schema.js");
  readonly delta: typeof import("hyparquet/src/delta.js");
  readonly thrift: typeof import("hyparquet/src/thrift.js");
}

type PageHeader = ReturnType<ParquetInternals["column"]["parquetHeader"]>;

export interface ChunkCheck {
  /** For messages: file and column. */
  readonly where: string;
  readonly meta: ColumnMetaData;
  readonly schemaPath: SchemaTree[];
  readonly compressors: Compressors;
  readonly internals: ParquetInternals;
}

const damaged = (where: string, what: string) =>
  formatError(`${where}: ${what}`, "The file is damaged. Download or export it again.");

/** Walks the pages of one column chunk, `bytes`, and checks every count in them. */
export function checkPages(bytes: Uint8Array, check: ChunkCheck): void {
  const { where, meta, internals } = check;
  const reader: DataReader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  let [values, unpacked] = [0, 0];
  // As in the decoder, one byte left over is no page.
  while (reader.offset < bytes.length - 1) {
    const header = internals.column.parquetHeader(reader);
    const { compressed_page_size, uncompressed_page_size } = header;
    const end = reader.offset + compressed_page_size;
    if (!(compressed_page_size >= 0 && end <= bytes.length)) throw damaged(where, "a page is longer than its column");
    within(where, uncompressed_page_size, PARQUET_LIMITS.pageBytes, "in a page", formatBytes);
    unpacked += uncompressed_page_size;
    within(where, unpacked, PARQUET_LIMITS.groupBytes, "of data", formatBytes);
    values += checkPage(bytes.subarray(reader.offset, end), header, check);
    if (values > Number(meta.num_values)) throw damaged(where, `its pages hold more than ${meta.num_values} values`);
    reader.offset = end;
  }
}

/** Number of values that a data page adds to the column. */
function checkPage(packed: Uint8Array, header: PageHeader, check: ChunkCheck): number {
  const { where, meta, internals } = check;
  const v1 = header.data_page_header;
  const v2 = header.data_page_header_v2;
  const count = (v1 ?? v2 ?? header.dictionary_page_header)?.num_values ?? -1;
  if (!(count >= 0 && count <= Number(meta.num_values))) throw damaged(where, `a page claims ${count} values`);
  const unpack = (part: Uint8Array, size: number) =>
    internals.datapage.decompressPage(part, size, meta.codec, check.compressors);
  if (header.type === "DATA_PAGE" && v1 !== undefined) {
    const page = unpack(packed, header.uncompressed_page_size);
    checkValues(page, checkLevels(page, count, check), v1.encoding, check);
    return count;
  }
  if (header.type === "DATA_PAGE_V2" && v2 !== undefined) {
    const { repetition_levels_byte_length: first, definition_levels_byte_length: second, num_nulls } = v2;
    const skip = first + second;
    if (!(first >= 0 && second >= 0 && skip <= packed.length && num_nulls >= 0 && num_nulls <= count)) {
      throw damaged(where, "a page's levels are longer than the page");
    }
    checkLevelsV2(packed, first, count, check);
    const size = header.uncompressed_page_size - skip;
    const body = packed.subarray(skip);
    const page = v2.is_compressed === false ? body : unpack(body, Math.max(0, size));
    checkValues(page, { at: 0, present: count - num_nulls }, v2.encoding, check);
    return count;
  }
  return 0;
}

const bitWidth = (level: number) => 32 - Math.clz32(level);

/** Checks the levels of a page of version 1. Returns where its values begin and how many are there, nulls aside. */
function checkLevels(page: Uint8Array, count: number, check: ChunkCheck): { at: number; present: number } {
  const { schema } = check.internals;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  let at = 0;
  let present = count;
  const repetition = schema.getMaxRepetitionLevel(check.schemaPath);
  if (repetition > 0) {
    checkRuns(page, at + 4, bitWidth(repetition), count, check);
    at += 4 + view.getUint32(at, true);
  }
  const definition = schema.getMaxDefinitionLevel(check.schemaPath);
  if (definition > 0) {
    present = checkRuns(page, at + 4, bitWidth(definition), count, check, definition);
    at += 4 + view.getUint32(at, true);
  }
  return { at, present };
}

function checkLevelsV2(page: Uint8Array, second: number, count: number, check: ChunkCheck): void {
  const { schema } = check.internals;
  const repetition = schema.getMaxRepetitionLevel(check.schemaPath);
  if (repetition > 0) checkRuns(page, 0, bitWidth(repetition), count, check);
  const definition = schema.getMaxDefinitionLevel(check.schemaPath);
  if (definition > 0) checkRuns(page, second, bitWidth(definition), count, check);
}

/** Checks encodings in which few bytes stand for many values. */
function checkValues(
  page: Uint8Array,
  { at, present }: { at: number; present: number },
  encoding: string,
  check: ChunkCheck,
): void {
  if (present === 0) return;
  if (encoding === "PLAIN_DICTIONARY" || encoding === "RLE_DICTIONARY") {
    const width = page[at] ?? 0;
    if (width > 0) checkRuns(page, at + 1, width, present, check);
  }
  if (encoding === "RLE" && check.meta.type === "BOOLEAN") checkRuns(page, at + 4, 1, present, check);
  if (encoding === "DELTA_BYTE_ARRAY") checkPrefixes(page, at, present, check);
}

/** Values that repeat the beginning of the one before: their lengths together must stay within a page. */
function checkPrefixes(page: Uint8Array, at: number, present: number, { where, internals }: ChunkCheck): void {
  const reader: DataReader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: at };
  const prefixes = new Int32Array(present);
  const suffixes = new Int32Array(present);
  internals.delta.deltaBinaryUnpack(reader, present, prefixes);
  internals.delta.deltaBinaryUnpack(reader, present, suffixes);
  let total = 0;
  for (let i = 0; i < present; i++) {
    const known = i === 0 ? 0 : prefixes[i - 1]! + suffixes[i - 1]!;
    if (prefixes[i]! < 0 || suffixes[i]! < 0 || prefixes[i]! > known) throw damaged(where, "a text has a wrong length");
    total += prefixes[i]! + suffixes[i]!;
  }
  within(where, total, PARQUET_LIMITS.pageBytes, "in a page", formatBytes);
}

/**
 * Walks the runs of the RLE/bit-packed hybrid until `count` values are seen; a repeated run may not go beyond them.
 * Returns how many of them are `wanted`.
 */
function checkRuns(
  page: Uint8Array,
  begin: number,
  width: number,
  count: number,
  { where, internals }: ChunkCheck,
  wanted = -1,
): number {
  const reader: DataReader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: begin };
  let [seen, found] = [0, 0];
  while (seen < count) {
    const header = internals.thrift.readVarInt(reader);
    const at = reader.offset;
    if (header & 1) {
      const run = Math.min((header >>> 1) * 8, count - seen);
      if (wanted >= 0) for (let i = 0; i < run; i++) if (readBits(page, at, i * width, width) === wanted) found++;
      reader.offset += (header >>> 1) * width;
      seen += run;
      continue;
    }
    const run = header >>> 1;
    if (run > count - seen) throw damaged(where, `a run of ${run} values where ${count - seen} are left`);
    if (wanted >= 0 && readBits(page, at, 0, (width + 7) & ~7) === wanted) found += run;
    reader.offset += (width + 7) >> 3;
    seen += run;
  }
  return found;
}

/** `width` bits from bit `from` on, lowest first; levels have few bits, so this stays below 2³¹. */
function readBits(page: Uint8Array, byte: number, from: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) {
    const bit = from + i;
    value |= (((page[byte + (bit >> 3)] ?? 0) >> (bit & 7)) & 1) << i;
  }
  return value;
}
