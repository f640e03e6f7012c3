/**
 * Rows of a CSV or TSV file, over Papa Parse, in pieces of a megabyte. The first row names the columns; the delimiter is
 * the one that the first row uses most (comma, semicolon, tab). Cells are texts; in columns that hold JSON by their name
 * (messages, tools, …) a cell of JSON text becomes its value. Rows with too many or too few cells and with stray quotes
 * are collected as problems. Refuses files that are not UTF-8, a quote that is never closed, and absurd widths.
 */

import type { ByteSource } from "../core/bytes.ts";
import { formatError, type Problems } from "../core/errors.ts";
import { formatBytes, formatCount } from "../core/units.ts";
import { chunksOf, type JsonRecord, refuseOtherFormats } from "../formats/jsonl.ts";

const MAX_COLUMNS = 1000;
/** Characters of one row; longer means a quote that was never closed. */
const MAX_ROW = 1 << 22;
const COUNT_HINT =
  "A text with the delimiter, a quote or a line break in it must stand in quotes, and quotes in it be doubled.";

/** Adds the names of the columns to `columns`, then gives the rows; `line` is where the row begins in the file. */
export async function* readCsvRows(
  source: ByteSource,
  problems: Problems,
  columns: Set<string>,
): AsyncGenerator<JsonRecord> {
  refuseOtherFormats(source.name, await source.read(0, Math.min(source.size, 1 << 16)), "CSV");
  yield* readCsvChunks(chunksOf(source), source.name, problems, columns);
}

/** The same from bytes as they come, however they are cut. */
export async function* readCsvChunks(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  name: string,
  problems: Problems,
  columns: Set<string>,
): AsyncGenerator<JsonRecord> {
  let names: readonly string[] | null = null;
  for await (const row of readRows(chunks, name)) {
    if (row.cells.length === 1 && row.cells[0]!.trim() === "") continue;
    if (names === null) {
      names = columnNames(name, row);
      for (const column of names) columns.add(column);
      continue;
    }
    const value = toObject(row, names, `${name} line ${row.line}`, problems);
    if (value !== null) yield { line: row.line, value };
  }
}

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
  /** A quoted cell went on behind its closing quote. */
  readonly strayQuote: boolean;
}

/** All rows, blank ones included. */
async function* readRows(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, name: string): AsyncGenerator<Row> {
  const { default: papa } = await import("papaparse");
  let rest = "";
  let line = 1;
  let dialect: Dialect | null = null;
  for await (const { text, last } of readText(chunks, name)) {
    rest += text;
    // Until the first row is whole, nobody knows what ends and divides rows; a CR may still become a CRLF.
    if (dialect === null && !last && !/\n|\r./.test(rest) && rest.length <= MAX_ROW) continue;
    dialect ??= dialectOf(rest);
    const rows: Row[] = [];
    let done = 0;
    const step = ({
      data,
      errors,
      meta,
    }: {
      data: string[][];
      errors: { code: string }[];
      meta: { cursor: number };
    }) => {
      if (errors.some(({ code }) => code === "MissingQuotes")) throw unclosedQuote(name, line);
      const strayQuote = errors.some(({ code }) => code === "InvalidQuotes");
      rows.push({ line, cells: withoutReturn(data[0]!), strayQuote });
      line += countBreaks(rest, done, meta.cursor, dialect!.newline);
      done = meta.cursor;
    };
    const parser = new papa.Parser({ ...dialect, step: step as never });
    parser.parse(rest, 0, !last);
    yield* rows;
    rest = rest.slice(done);
    if (rest.length > MAX_ROW) throw tooLongRow(name, line, rest);
  }
}

/** The file as text, in pieces; a last, empty one says that it is over. */
async function* readText(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  name: string,
): AsyncGenerator<{ text: string; last: boolean }> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let at = 0;
  try {
    for await (const bytes of chunks) {
      const text = decoder.decode(bytes, { stream: true });
      at += bytes.length;
      yield { text, last: false };
    }
    const text = decoder.decode();
    yield { text, last: true };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw formatError(
      `${name}: expected CSV in UTF-8, got other bytes after byte ${formatCount(at)}`,
      'Save it as "CSV UTF-8" (in Excel: Save As, CSV UTF-8).',
    );
  }
}

interface Dialect {
  readonly delimiter: string;
  readonly newline: "\n" | "\r";
}

/** CRLF counts as LF; the CR is dropped afterwards. */
function dialectOf(text: string): Dialect {
  const newline = text.includes("\n") || !text.includes("\r") ? "\n" : "\r";
  const header = (text.split(newline, 1)[0] ?? "").replace(/"[^"]*"/g, "");
  const count = (mark: string) => header.split(mark).length;
  const delimiter = [",", ";", "\t"].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
  return { delimiter, newline };
}

const withoutReturn = (cells: readonly string[]) =>
  cells.at(-1)?.endsWith("\r") ? [...cells.slice(0, -1), cells.at(-1)!.slice(0, -1)] : cells;

function countBreaks(text: string, begin: number, end: number, newline: string): number {
  let count = 0;
  for (let at = text.indexOf(newline, begin); at >= 0 && at < end; at = text.indexOf(newline, at + 1)) count++;
  return count;
}

const unclosedQuote = (name: string, line: number) =>
  formatError(`${name} line ${line}: a quote (") that opens in this row is never closed`, COUNT_HINT);

function tooLongRow(name: string, line: number, rest: string) {
  if (rest.includes('"')) return unclosedQuote(name, line);
  return formatError(
    `${name} line ${line}: expected rows of at most ${formatBytes(MAX_ROW)}, got a longer one`,
    "The file may not be CSV.",
  );
}

function columnNames(name: string, { cells, line }: Row): readonly string[] {
  if (cells.length > MAX_COLUMNS) {
    throw formatError(
      `${name}: expected at most ${formatCount(MAX_COLUMNS)} columns, got ${formatCount(cells.length)}`,
      "Export only the columns that hold the questions and answers.",
    );
  }
  const names = cells.map((cell, i) => (cell.trim() === "" ? `column ${i + 1}` : cell.trim()));
  const twice = names.find((each, i) => names.indexOf(each) !== i);
  if (twice === undefined) return names;
  throw formatError(
    `${name} line ${line}: expected a different name for each column, got ${JSON.stringify(twice)} twice`,
    "The first row must name the columns.",
  );
}

function toObject(row: Row, names: readonly string[], where: string, problems: Problems) {
  const { cells } = row;
  if (row.strayQuote) {
    problems.add(`${where}: expected quotes inside a quoted text to be doubled (""), got a single one`);
    return null;
  }
  const extra = cells.slice(names.length).some((cell) => cell.trim() !== "");
  if (cells.length < names.length || extra) {
    problems.add(`${where}: expected ${names.length} cells as in the first row, got ${cells.length}`);
    return null;
  }
  const entries = names.map((name, i) => [name, JSON_COLUMNS.has(name) ? jsonCell(cells[i]!) : cells[i]!] as const);
  return Object.fromEntries(entries.filter(([, cell]) => cell !== undefined));
}

const JSON_COLUMNS = new Set(["messages", "conversations", "history", "tools", "chat_template_kwargs"]);

/** Nothing for an empty cell, the value of JSON text, or the text. */
function jsonCell(cell: string): unknown {
  if (cell.trim() === "") return undefined;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}
