/**
 * Records from JSON lines (one value per line; https://jsonlines.org) or from one JSON document (a list, or one object).
 * Skips a byte order mark, blank lines and the CR of CRLF; does not need a final newline. Bad lines are collected with
 * line, column and excerpt. Refuses at once: UTF-16, git-lfs pointers, and compressed or other files under a wrong name.
 */

import { type ByteSource, refuseLfsPointer } from "../core/bytes.ts";
import { formatError, type Problems } from "../core/errors.ts";
import { findJsonFault } from "./json-fault.ts";

export interface JsonRecord {
  /** Line of the file where the value begins, from 1. */
  readonly line: number;
  readonly value: unknown;
}

/** Longest document read as a whole; JSON lines have no such limit. */
const MAX_DOCUMENT = 1 << 28;
const CHUNK = 1 << 20;

/**
 * The records of a .jsonl or .json file, in order. Faulty lines go to `problems` and are left out.
 * @throws FormatError when the file is not JSON text at all.
 */
export async function* readJsonRecords(source: ByteSource, problems: Problems): AsyncGenerator<JsonRecord> {
  const head = await source.read(0, Math.min(source.size, 1 << 16));
  refuseOtherFormats(source.name, head, "JSON lines");
  if (!looksLikeDocument(source.name, head)) {
    yield* readJsonLines(chunksOf(source), source.name, problems);
    return;
  }
  if (source.size > MAX_DOCUMENT) {
    throw formatError(
      `${source.name}: expected at most ${MAX_DOCUMENT} bytes of JSON, got ${source.size}`,
      "Store one record per line (.jsonl); such files may have any size.",
    );
  }
  yield* readJsonDocument(await source.read(0, source.size), source.name, problems);
}

/** The values of JSON lines from `chunks`, however the bytes are cut. */
export async function* readJsonLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  where: string,
  problems: Problems,
): AsyncGenerator<JsonRecord> {
  let line = 0;
  for await (const bytes of splitLines(chunks)) {
    line++;
    const text = decodeUtf8(line === 1 ? withoutMark(bytes) : bytes, where, line, problems);
    if (text === null || isBlank(text)) continue;
    try {
      yield { line, value: JSON.parse(text) };
    } catch {
      problems.add(describeFault(text, where, line));
    }
  }
}

/** The file in pieces of a megabyte. */
export async function* chunksOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.size; at += CHUNK) yield await source.read(at, Math.min(at + CHUNK, source.size));
}

async function* splitLines(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let begin = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
      yield join([...parts, chunk.subarray(begin, end)]);
      parts = [];
      begin = end + 1;
    }
    if (begin < chunk.length) parts.push(chunk.slice(begin));
  }
  if (parts.length > 0) yield join(parts);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const withoutMark = (bytes: Uint8Array) =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;

const isBlank = (text: string) => /^[ \t\r\n]*$/.test(text);

function decodeUtf8(bytes: Uint8Array, where: string, line: number, problems: Problems): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const good = validPrefix(bytes);
    const text = new TextDecoder().decode(bytes.subarray(Math.max(0, good - 40), good));
    problems.add(
      `${where} line ${line}, byte ${good + 1}: expected UTF-8, got byte 0x${bytes[good]?.toString(16)} after ${JSON.stringify(text)}`,
    );
    return null;
  }
}

/** Length of the longest prefix that is whole, valid UTF-8. */
function validPrefix(bytes: Uint8Array): number {
  const isValid = (length: number, stream: boolean) => {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length), { stream });
      return true;
    } catch {
      return false;
    }
  };
  // A decoder that waits for more accepts every prefix of a good one, so bisection works; then drop the open character.
  let [low, high] = [0, bytes.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isValid(middle, true)) low = middle;
    else high = middle - 1;
  }
  while (!isValid(low, false)) low--;
  return low;
}

function describeFault(text: string, where: string, firstLine: number): string {
  const found = findJsonFault(text) ?? { offset: 0, expected: "JSON that this machine can hold" };
  const before = text.slice(0, found.offset);
  const line = firstLine + before.split("\n").length - 1;
  const column = found.offset - before.lastIndexOf("\n");
  const excerpt = text.slice(Math.max(0, found.offset - 20), found.offset + 20);
  const got = found.offset >= text.length ? "the end" : JSON.stringify(text[found.offset]);
  return `${where} line ${line}, column ${column}: expected ${found.expected}, got ${got} in ${JSON.stringify(excerpt)}`;
}

function* readJsonDocument(bytes: Uint8Array, where: string, problems: Problems): Generator<JsonRecord> {
  const text = decodeUtf8(withoutMark(bytes), where, 1, problems);
  if (text === null) return;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    problems.add(describeFault(text, where, 1));
    return;
  }
  if (!Array.isArray(value)) {
    yield { line: 1, value };
    return;
  }
  const lines = elementLines(text);
  for (let i = 0; i < value.length; i++) yield { line: lines[i]!, value: value[i] };
}

/** The line of each element of a valid top-level list. */
function elementLines(text: string): number[] {
  const lines: number[] = [];
  let [depth, line, pending] = [0, 1, false];
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\n") line++;
    if (c === " " || c === "\t" || c === "\r" || c === "\n") continue;
    if (pending && c !== "]") lines.push(line);
    pending = (c === "[" && depth === 0) || (c === "," && depth === 1);
    if (c === "[" || c === "{") depth++;
    if (c === "]" || c === "}") depth--;
    if (c === '"') while (text[++i] !== '"') if (text[i] === "\\") i++;
  }
  return lines;
}

/** By name for .json, unless its first line is a value of its own; otherwise by a first line that only opens a document. */
function looksLikeDocument(name: string, head: Uint8Array): boolean {
  const text = new TextDecoder().decode(withoutMark(head)).trimStart();
  const end = text.indexOf("\n");
  const first = (end < 0 ? text : text.slice(0, end)).trim();
  if (!name.toLowerCase().endsWith(".json")) return end >= 0 && /^(\[\s*\{?|\{)$/.test(first);
  const several = end >= 0 && text.slice(end).trim() !== "";
  return !(several && findJsonFault(first) === null);
}

const MAGIC: readonly [bytes: readonly number[], what: string][] = [
  [[0xff, 0xfe], "UTF-16 text"],
  [[0xfe, 0xff], "UTF-16 text"],
  [[0x1f, 0x8b], "a gzip archive"],
  [[0x50, 0x4b, 0x03, 0x04], "a zip archive"],
  [[0x28, 0xb5, 0x2f, 0xfd], "a zstd archive"],
  [[0x50, 0x41, 0x52, 0x31], "a Parquet file"],
  [[0x3c, 0x21, 0x44, 0x4f], "an HTML page"],
  [[0x3c, 0x21, 0x64, 0x6f], "an HTML page"],
  [[0x3c, 0x68, 0x74, 0x6d], "an HTML page"],
];

/**
 * Throws when `head`, the first bytes of a file, belong to something that is not UTF-8 text: UTF-16, an archive, an HTML
 * page, a git-lfs pointer. `expected` says what the file should be.
 */
export function refuseOtherFormats(name: string, head: Uint8Array, expected: string): void {
  refuseLfsPointer(name, head);
  const match = MAGIC.find(([bytes]) => bytes.every((byte, i) => head[i] === byte));
  if (match === undefined) return;
  const hint = match[1].startsWith("UTF-16")
    ? "Save it as UTF-8, for example with `iconv -f UTF-16 -t UTF-8`."
    : "Unpack or export it to JSON lines (.jsonl) first.";
  throw formatError(`${name}: expected ${expected} in UTF-8, got ${match[1]}`, hint);
}
