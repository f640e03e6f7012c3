/**
 * GGUF, read by range and written whole: keys and values, tensor names and places, data aligned to 32 bytes. Of the
 * tensors only plain floats are read; quantised ones are listed.
 */

import type { ByteSource } from "../core/bytes.ts";
import { refuseLfsPointer } from "../core/bytes.ts";
import { DTYPE_BYTES, elementCount } from "../core/dtype.ts";
import { formatError, Problems } from "../core/errors.ts";
import type { FloatDtype } from "../core/float-bytes.ts";
import { DAMAGED, DEFAULT_ALIGNMENT, type GgufHeader, type GgufTensor, parseGgufHeader } from "./gguf-header.ts";

export type { GgufTensor, GgufValue } from "./gguf-header.ts";

/** An open file: what is in it, and how to get it. */
export interface GgufFile extends GgufHeader {
  readonly name: string;
  /** The tensor's little-endian bytes, row-major. Throws FormatError for a type that is not read here. */
  read(tensor: GgufTensor): Promise<Uint8Array<ArrayBuffer>>;
}

/** A vocabulary of 256k tokens takes some 10 MB. */
const MAX_HEADER = 64 * 2 ** 20;
const FIRST_READ = 64 * 2 ** 10;

/**
 * Reads and checks the header, of which it takes as much as it needs; no tensor data is touched.
 * @throws FormatError naming the file, what was expected and what came.
 */
export async function openGguf(source: ByteSource): Promise<GgufFile> {
  const limit = Math.min(source.size, MAX_HEADER);
  for (let length = Math.min(FIRST_READ, limit); ; length = Math.min(4 * length, limit)) {
    const bytes = await source.read(0, length);
    refuseLfsPointer(source.name, bytes);
    const header = parseGgufHeader(source.name, bytes, source.size);
    if (header !== null) return { ...header, name: source.name, read: (tensor) => readTensor(source, tensor) };
    if (length === limit) {
      throw formatError(`${source.name}: expected a header of at most ${MAX_HEADER} bytes, got a longer one`, DAMAGED);
    }
  }
}

function readTensor(source: ByteSource, { name, begin, end, type }: GgufTensor): Promise<Uint8Array<ArrayBuffer>> {
  if (end === null) throw formatError(`${source.name}: tensor "${name}": ggml's type ${type} is not read here`);
  return source.read(begin, end);
}

/** A value to be written, with its type. */
export type GgufEntry =
  | { readonly key: string; readonly type: "string"; readonly value: string }
  | { readonly key: string; readonly type: "u32" | "f32"; readonly value: number };

/** A tensor to be written. */
export interface GgufTensorData {
  readonly name: string;
  readonly dtype: FloatDtype;
  /** Row-major, the outermost axis first. */
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const TYPES = { u32: 4, f32: 6, string: 8 } as const;
const TENSOR_TYPES = { F32: 0, F16: 1, BF16: 30 } as const;
/** llama.cpp's own limit, without the zero that ends a name there. */
const LONGEST_NAME = 63;

const aligned = (offset: number) => Math.ceil(offset / DEFAULT_ALIGNMENT) * DEFAULT_ALIGNMENT;

/**
 * A whole file in memory, version 3, aligned to 32 bytes.
 * @throws FormatError when a tensor's bytes do not fill its shape, a name occurs twice or is longer than llama.cpp takes.
 */
export function writeGguf(entries: readonly GgufEntry[], tensors: readonly GgufTensorData[]): Uint8Array<ArrayBuffer> {
  checkTensors(tensors);
  const pieces: Uint8Array[] = [new TextEncoder().encode("GGUF"), u32(3), u64(tensors.length), u64(entries.length)];
  for (const entry of entries) pieces.push(...text(entry.key), u32(TYPES[entry.type]), ...valueBytes(entry));
  let offset = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    pieces.push(
      ...text(name),
      u32(shape.length),
      ...[...shape].reverse().map(u64),
      u32(TENSOR_TYPES[dtype]),
      u64(offset),
    );
    offset += aligned(bytes.byteLength);
  }
  const header = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const file = new Uint8Array(aligned(header) + offset);
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  at = aligned(header);
  for (const { bytes } of tensors) {
    file.set(bytes, at);
    at += aligned(bytes.byteLength);
  }
  return file;
}

function checkTensors(tensors: readonly GgufTensorData[]): void {
  const problems = new Problems();
  const seen = new Set<string>();
  for (const { name, dtype, shape, bytes } of tensors) {
    const expected = elementCount(shape) * DTYPE_BYTES[dtype];
    if (expected !== bytes.byteLength) {
      problems.add(
        `tensor "${name}": expected ${expected} bytes for ${dtype} [${shape.join(", ")}], got ${bytes.byteLength}`,
      );
    }
    if (seen.has(name)) problems.add(`tensor "${name}": expected one of this name, got two`);
    const length = new TextEncoder().encode(name).length;
    if (length > LONGEST_NAME)
      problems.add(`tensor "${name}": expected a name of at most ${LONGEST_NAME} bytes, got ${length}`);
    seen.add(name);
  }
  problems.throwIfAny("format", "GGUF to write");
}

function valueBytes(entry: GgufEntry): Uint8Array[] {
  if (entry.type === "string") return text(entry.value);
  return [entry.type === "u32" ? u32(entry.value) : new Uint8Array(Float32Array.of(entry.value).buffer)];
}

function text(value: string): Uint8Array[] {
  const bytes = new TextEncoder().encode(value);
  return [u64(bytes.length), bytes];
}

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
