/**
 * The header of a GGUF file (versions 2 and 3, little-endian), bytes → checked entries. Every count and length is held
 * against the bytes that are there before anything is made of it, so that a hostile file costs no more than its own size.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */

import { DTYPE_BYTES, type Dtype } from "../core/dtype.ts";
import { formatError, Problems } from "../core/errors.ts";
import { describeJson } from "../core/json.ts";

/** Items of lists are not kept: no adapter needs them. */
export interface GgufList {
  readonly count: number;
}

export type GgufValue = string | number | bigint | boolean | GgufList;

/** One tensor; `begin` and `end` count from the start of the file. */
export interface GgufTensor {
  readonly name: string;
  /** null for types that are read nowhere here, the quantised ones. */
  readonly dtype: Dtype | null;
  /** ggml's number of the type. */
  readonly type: number;
  /** Row-major, the outermost axis first: the file has them the other way round. */
  readonly shape: readonly number[];
  readonly begin: number;
  /** null where the type's size is not known. */
  readonly end: number | null;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

export const DAMAGED = "The file is damaged or was not written as GGUF; download it again.";
export const DEFAULT_ALIGNMENT = 32;

/** Far beyond any real file: models have some hundred keys and some thousand tensors. */
const MOST_KEYS = 65_536;
const MOST_TENSORS = 65_536;
const LONGEST_NAME = 64;
const LONGEST_KEY = 65_535;
const MOST_AXES = 4;
const DEEPEST_LIST = 8;

const DTYPES: Readonly<Record<number, Dtype>> = {
  0: "F32",
  1: "F16",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  30: "BF16",
};

const STRING = 8;
const LIST = 9;
/** Bytes of the values of fixed size, by type. */
const SIZES: Readonly<Record<number, number>> = {
  ...{ 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 },
};

/** Thrown by the reader where the bytes at hand end before the header does. */
class Short extends Error {}

/**
 * Reads the header from the first bytes of a file of `fileSize` bytes; null when it is longer than they are.
 * @throws FormatError with everything that is wrong with the tensors, or the first thing that makes the rest unreadable.
 */
export function parseGgufHeader(file: string, bytes: Uint8Array, fileSize: number): GgufHeader | null {
  try {
    return parse(new Reader(file, bytes, fileSize), file, fileSize);
  } catch (error) {
    if (error instanceof Short) return null;
    throw error;
  }
}

function parse(reader: Reader, file: string, fileSize: number): GgufHeader {
  reader.magic();
  const tensorCount = reader.count("tensors", MOST_TENSORS, 24);
  const keyCount = reader.count("keys", MOST_KEYS, 13);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = reader.text("key", LONGEST_KEY);
    if (metadata.has(key)) throw reader.fault(`key ${describeJson(key)}: expected once, got it twice`);
    metadata.set(key, reader.value(key, reader.u32(), 0));
  }
  const entries = Array.from({ length: tensorCount }, () => reader.tensor());
  const alignment = alignmentOf(metadata, reader);
  const dataBegin = Math.ceil(reader.at / alignment) * alignment;
  const problems = new Problems();
  const tensors = new Map<string, GgufTensor>();
  for (const entry of entries) {
    const where = `tensor ${describeJson(entry.name)}`;
    if (tensors.has(entry.name)) problems.add(`${where}: expected one of this name, got two`);
    const placed = place(entry, { alignment, dataBegin, fileSize });
    if (typeof placed === "string") problems.add(`${where}: ${placed}`);
    else tensors.set(entry.name, placed);
  }
  problems.throwIfAny("format", file, DAMAGED);
  noteOverlaps([...tensors.values()], problems);
  problems.throwIfAny("format", file, DAMAGED);
  return { metadata, tensors };
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, reader: Reader): number {
  const value = metadata.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  if (typeof value === "number" && value >= 1 && value <= 2 ** 20 && Number.isInteger(Math.log2(value))) return value;
  throw reader.fault(`general.alignment: expected a power of two, got ${describeValue(value)}`);
}

interface Entry {
  readonly name: string;
  readonly dims: readonly bigint[];
  readonly type: number;
  readonly offset: bigint;
}

interface Room {
  readonly alignment: number;
  readonly dataBegin: number;
  readonly fileSize: number;
}

/** The tensor with its place in the file, or what is wrong with it. */
function place({ name, dims, type, offset }: Entry, { alignment, dataBegin, fileSize }: Room): GgufTensor | string {
  const dtype = DTYPES[type] ?? null;
  const shape = dims.map(Number).reverse();
  const size = dims.reduce((product, dim) => product * dim, BigInt(dtype === null ? 1 : DTYPE_BYTES[dtype]));
  const room = BigInt(Math.max(0, fileSize - dataBegin));
  if (offset % BigInt(alignment) !== 0n) return `offset: expected a multiple of ${alignment}, got ${offset}`;
  // A tensor of unknown type has a byte somewhere, which must lie within the file as well.
  const needed = dtype === null ? 1n : size;
  if (offset + needed > room) {
    return `[${shape.join(", ")}] at offset ${offset}: expected within the ${room} bytes of data, the file ends before it`;
  }
  const begin = dataBegin + Number(offset);
  return { name, dtype, type, shape, begin, end: dtype === null ? null : begin + Number(size) };
}

function noteOverlaps(tensors: readonly GgufTensor[], problems: Problems): void {
  const ordered = [...tensors].sort((a, b) => a.begin - b.begin);
  for (const [i, tensor] of ordered.entries()) {
    const before = ordered[i - 1];
    const end = before?.end ?? before?.begin ?? 0;
    if (tensor.begin < end) {
      problems.add(`tensor ${describeJson(tensor.name)}: overlaps ${before!.name} by ${end - tensor.begin} bytes`);
    }
  }
}

export function describeValue(value: GgufValue | undefined): string {
  if (typeof value === "object") return `a list of ${value.count}`;
  return typeof value === "bigint" ? String(value) : describeJson(value);
}

/** A cursor over the first bytes of the file. */
class Reader {
  at = 0;
  private readonly file: string;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly fileSize: number;

  constructor(file: string, bytes: Uint8Array, fileSize: number) {
    this.file = file;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.fileSize = fileSize;
  }

  fault(problem: string) {
    return formatError(`${this.file}: ${problem}`, DAMAGED);
  }

  magic(): void {
    const magic = new TextDecoder("latin1").decode(this.bytes.subarray(this.take(4), 4));
    if (magic !== "GGUF") throw this.fault(`expected "GGUF" as its first bytes, got ${describeJson(magic)}`);
    const version = this.u32();
    if (version === 2 || version === 3) return;
    const foreign = version % 65_536 === 0 ? " (written for big-endian machines)" : "";
    throw this.fault(`expected GGUF version 2 or 3, got ${version}${foreign}`);
  }

  /** A number of things, each of which takes at least `least` bytes. */
  count(what: string, most: number, least: number): number {
    const count = this.u64();
    if (count > BigInt(most)) throw this.fault(`${what}: expected at most ${most}, got ${count}`);
    this.needRoom(what, count * BigInt(least));
    return Number(count);
  }

  text(what: string, longest = Number.POSITIVE_INFINITY): string {
    const length = this.u64();
    if (Number(length) > longest) throw this.fault(`${what}: expected at most ${longest} bytes, got ${length}`);
    this.needRoom(what, length);
    const begin = this.take(Number(length));
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.bytes.subarray(begin, this.at));
    } catch {
      throw this.fault(`${what}: expected UTF-8, got other bytes`);
    }
  }

  value(key: string, type: number, depth: number): GgufValue {
    if (type === STRING) return this.text(key);
    if (type === LIST) return this.list(key, depth);
    const begin = this.take(SIZES[type] ?? this.unknown(key, type));
    switch (type) {
      case 0:
        return this.view.getUint8(begin);
      case 1:
        return this.view.getInt8(begin);
      case 2:
        return this.view.getUint16(begin, true);
      case 3:
        return this.view.getInt16(begin, true);
      case 4:
        return this.view.getUint32(begin, true);
      case 5:
        return this.view.getInt32(begin, true);
      case 6:
        return this.view.getFloat32(begin, true);
      case 7:
        return this.view.getUint8(begin) !== 0;
      case 10:
        return this.view.getBigUint64(begin, true);
      case 11:
        return this.view.getBigInt64(begin, true);
      default:
        return this.view.getFloat64(begin, true);
    }
  }

  private list(key: string, depth: number): GgufList {
    if (depth >= DEEPEST_LIST)
      throw this.fault(`${key}: expected at most ${DEEPEST_LIST} lists in each other, got more`);
    const type = this.u32();
    const count = this.u64();
    const fixed = SIZES[type];
    this.needRoom(key, count * BigInt(fixed ?? (type === STRING ? 8 : 12)));
    if (fixed !== undefined) this.take(Number(count) * fixed);
    else if (type === STRING) for (let i = 0; i < Number(count); i++) this.skipText(key);
    else if (type === LIST) for (let i = 0; i < Number(count); i++) this.list(key, depth + 1);
    else this.unknown(key, type);
    return { count: Number(count) };
  }

  private skipText(key: string): void {
    const length = this.u64();
    this.needRoom(key, length);
    this.take(Number(length));
  }

  private unknown(key: string, type: number): never {
    throw this.fault(`${key}: expected a type from 0 to 12, got ${type}`);
  }

  tensor(): Entry {
    const name = this.text("tensor name", LONGEST_NAME);
    const axes = this.u32();
    if (axes < 1 || axes > MOST_AXES)
      throw this.fault(`tensor ${describeJson(name)}: expected 1 to 4 axes, got ${axes}`);
    const dims = Array.from({ length: axes }, () => this.u64());
    return { name, dims, type: this.u32(), offset: this.u64() };
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  private u64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }

  /** Throws unless `length` more bytes are in the file, wherever this prefix of it ends. */
  private needRoom(what: string, length: bigint): void {
    const left = this.fileSize - this.at;
    if (length > BigInt(left))
      throw this.fault(`${what}: expected at most ${left} bytes, the rest of the file, got ${length}`);
  }

  /** Moves on and returns where it was. */
  private take(length: number): number {
    const begin = this.at;
    if (begin + length > this.fileSize)
      throw this.fault(`expected a header, the file ends at byte ${this.fileSize} within it`);
    if (begin + length > this.bytes.length) throw new Short();
    this.at += length;
    return begin;
  }
}
