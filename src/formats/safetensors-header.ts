/**
 * The header of a safetensors file, text → checked entries. Follows the reference reader: known dtypes, shape × size =
 * length, tensors side by side without overlap, hole or rest. Like MLX's reader it takes offsets in any order and a null
 * `__metadata__`.
 */

import { DTYPE_BYTES, type Dtype } from "../core/dtype.ts";
import { formatError, Problems } from "../core/errors.ts";
import { describeJson, isJsonObject, type JsonObject, parseJson } from "../core/json.ts";
import { scanHeader } from "./header-scan.ts";

/** One tensor of a file; `begin` and `end` count from the start of the file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly tensors: Map<string, TensorInfo>;
  readonly metadata: Record<string, string>;
}

/** Object → entry → list is all a header needs; the rest is room for keys this reader does not know. */
const MAX_DEPTH = 8;
const DOWNLOAD_AGAIN = "The file is damaged or was not written as safetensors; download it again.";

/**
 * Checks and converts a header.
 * @param dataBegin file offset of the first data byte; `fileSize` ends the data.
 * @throws FormatError that lists every faulty tensor, expected and found.
 */
export function parseHeader(file: string, text: string, dataBegin: number, fileSize: number): Header {
  const json = parseHeaderJson(file, text);
  const problems = new Problems();
  const metadata = checkMetadata(json.__metadata__, problems);
  const tensors: TensorInfo[] = [];
  for (const [name, entry] of Object.entries(json)) {
    if (name === "__metadata__") continue;
    const tensor = checkTensor(name, entry, dataBegin, problems);
    if (tensor !== null) tensors.push(tensor);
  }
  problems.throwIfAny("format", file, DOWNLOAD_AGAIN);
  checkCoverage(file, tensors, dataBegin, fileSize);
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata };
}

function parseHeaderJson(file: string, text: string): JsonObject {
  if (!text.startsWith("{")) {
    throw formatError(
      `${file}: header: expected "{" as its first byte, got ${describeJson(text.slice(0, 1))}`,
      DOWNLOAD_AGAIN,
    );
  }
  const scan = scanHeader(text, MAX_DEPTH);
  if (scan.depth > MAX_DEPTH) {
    throw formatError(`${file}: header: expected at most ${MAX_DEPTH} levels of nesting, got more`, DOWNLOAD_AGAIN);
  }
  const json = parseJson(text, `${file}: header`);
  const problems = new Problems();
  for (const key of scan.duplicates)
    problems.add(`key ${describeJson(key)}: expected once, got it twice in one object`);
  problems.throwIfAny(
    "format",
    `${file}: header`,
    "A tensor stored under one name twice cannot be read safely; save the file again.",
  );
  return json as JsonObject; // text that begins with "{" and parses is an object
}

/** `__metadata__`: string → string; MLX writes null when there is none. */
function checkMetadata(value: unknown, problems: Problems): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) {
    problems.add(`__metadata__: expected an object of strings or null, got ${describeJson(value)}`);
    return {};
  }
  const strings: [string, string][] = [];
  for (const [key, text] of Object.entries(value)) {
    if (typeof text === "string") strings.push([key, text]);
    else problems.add(`__metadata__.${key}: expected a string, got ${describeJson(text)}`);
  }
  return Object.fromEntries(strings);
}

function checkTensor(name: string, entry: unknown, dataBegin: number, problems: Problems): TensorInfo | null {
  const where = `tensor ${describeJson(name)}`;
  if (!isJsonObject(entry)) {
    problems.add(`${where}: expected {dtype, shape, data_offsets}, got ${describeJson(entry)}`);
    return null;
  }
  const before = problems.list.length;
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDtype(dtype)) {
    problems.add(`${where}: dtype: expected one of ${Object.keys(DTYPE_BYTES).join(" ")}, got ${describeJson(dtype)}`);
  }
  if (!isSizes(shape)) problems.add(`${where}: shape: expected a list of whole numbers, got ${listText(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    problems.add(`${where}: data_offsets: expected [begin, end] with begin ≤ end, got ${listText(offsets)}`);
  }
  if (problems.list.length > before) return null;
  // The three checks above passed, which the compiler cannot follow through the list of problems.
  const info = { name, dtype: dtype as Dtype, shape: shape as number[] };
  const [begin, end] = offsets as [number, number];
  const problem = checkLength(info, end - begin) ?? checkSafe(dataBegin + end);
  if (problem !== null) {
    problems.add(`${where}: ${problem}`);
    return null;
  }
  return { ...info, begin: dataBegin + begin, end: dataBegin + end };
}

function checkLength({ dtype, shape }: { dtype: Dtype; shape: readonly number[] }, found: number): string | null {
  const expected = byteLength(dtype, shape);
  if (expected === null) return `shape [${shape.join(", ")}] of ${dtype} is more bytes than can be counted`;
  if (expected === found) return null;
  return `expected ${expected} bytes for ${dtype} [${shape.join(", ")}], got ${found} from data_offsets`;
}

const checkSafe = (end: number): string | null =>
  Number.isSafeInteger(end) ? null : "data_offsets lie beyond any file";

/**
 * Bytes of a tensor, or null when the number is not exact in a double. The product is checked factor by factor in the
 * order given, so a zero behind an overflow does not hide it (the reference reader does the same).
 */
export function byteLength(dtype: Dtype, shape: readonly number[]): number | null {
  let bytes = 1;
  for (const size of [...shape, DTYPE_BYTES[dtype]]) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) return null;
  }
  return bytes;
}

/** Side by side from `dataBegin` to the end of the file. */
function checkCoverage(file: string, tensors: readonly TensorInfo[], dataBegin: number, fileSize: number): void {
  const problems = new Problems();
  const ordered = [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let cursor = dataBegin;
  let previous = "the header";
  for (const tensor of ordered) {
    const name = `tensor ${describeJson(tensor.name)}`;
    const gap = tensor.begin - cursor;
    if (gap < 0) problems.add(`${name}: overlaps ${previous} by ${-gap} bytes`);
    if (gap > 0) problems.add(`${name}: expected to begin where ${previous} ends, got a hole of ${gap} bytes`);
    cursor = Math.max(cursor, tensor.end);
    previous = name;
  }
  problems.throwIfAny("format", file, DOWNLOAD_AGAIN);
  if (cursor > fileSize) throw truncated(file, cursor, fileSize);
  if (cursor < fileSize) {
    throw formatError(
      `${file}: expected the data to end at byte ${cursor}, got ${fileSize - cursor} more bytes that belong to no tensor`,
      DOWNLOAD_AGAIN,
    );
  }
}

/** The usual fault: a download that broke off. */
export function truncated(file: string, expected: number, found: number) {
  return formatError(
    `${file}: expected ${expected} bytes, got ${found}: ${expected - found} bytes missing`,
    "The file was cut short, most often by a broken download; download it again.",
  );
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(DTYPE_BYTES, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function listText(value: unknown): string {
  if (!Array.isArray(value)) return describeJson(value);
  const shown = value.slice(0, 8).map(describeJson).join(", ");
  return `[${shown}${value.length > 8 ? ", …" : ""}]`;
}
