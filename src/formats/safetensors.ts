/**
 * safetensors, read by range and written whole: u64 header length, JSON header, tensor bytes side by side.
 * The reader looks at limits first (so a hostile length allocates nothing), then JSON, then each tensor.
 * Format: https://github.com/huggingface/safetensors#format
 */

import type { ByteSource } from "../core/bytes.ts";
import { refuseLfsPointer } from "../core/bytes.ts";
import type { Dtype } from "../core/dtype.ts";
import { formatError, Problems } from "../core/errors.ts";
import { byteLength, parseHeader, type TensorInfo, truncated } from "./safetensors-header.ts";

export type { TensorInfo } from "./safetensors-header.ts";

/** An open file: what is in it, and how to get it. */
export interface SafetensorsFile {
  readonly name: string;
  readonly tensors: Map<string, TensorInfo>;
  readonly metadata: Record<string, string>;
  /** The tensor's little-endian bytes, row-major. */
  read(info: TensorInfo): Promise<Uint8Array<ArrayBuffer>>;
  /** Bytes [begin, end) of the tensor, counted from its own start: large tensors are read slice by slice. */
  readRange(info: TensorInfo, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A tensor to be written. */
export interface TensorData {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const MAX_HEADER = 100_000_000;

/**
 * Reads and checks the header; no tensor data is touched.
 * @throws FormatError naming the file, the tensor, what was expected and what came.
 */
export async function openSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const length = await readHeaderLength(source);
  const text = decodeHeader(source.name, await source.read(8, 8 + length));
  const { tensors, metadata } = parseHeader(source.name, text, 8 + length, source.size);
  return {
    name: source.name,
    tensors,
    metadata,
    read: (info) => source.read(info.begin, info.end),
    async readRange(info, begin, end) {
      if (begin < 0 || begin > end || end > info.end - info.begin) {
        throw formatError(
          `${source.name}: tensor "${info.name}": cannot read bytes ${begin} to ${end} of ${info.end - info.begin}`,
        );
      }
      return source.read(info.begin + begin, info.begin + end);
    },
  };
}

async function readHeaderLength(source: ByteSource): Promise<number> {
  if (source.size < 8) throw truncated(source.name, 8, source.size);
  const head = await source.read(0, Math.min(source.size, 64));
  const length = new DataView(head.buffer).getBigUint64(0, true);
  if (length > MAX_HEADER) {
    refuseLfsPointer(source.name, head);
    throw formatError(
      `${source.name}: expected a header of at most ${MAX_HEADER} bytes, got a length of ${length}`,
      `This is not a safetensors file: ${looksLike(head)}`,
    );
  }
  if (length === 0n) throw formatError(`${source.name}: expected a header, got one of 0 bytes`);
  if (Number(length) > source.size - 8) throw truncated(source.name, 8 + Number(length), source.size);
  return Number(length);
}

/** A guess for the hint, from the first bytes of what was found instead. */
function looksLike(head: Uint8Array): string {
  const start = new TextDecoder("latin1").decode(head).trimStart().toLowerCase();
  if (start.startsWith("<")) return "it looks like a web page, perhaps an error or login page saved under this name.";
  if (start.startsWith("pk")) return "it looks like a PyTorch .bin file; save the model with safe_serialization=True.";
  if (start.startsWith("gguf")) return "it looks like a GGUF file.";
  return "the first 8 bytes of one hold the header length. Download it again.";
}

function decodeHeader(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw formatError(`${file}: header: expected UTF-8, got other bytes`, "The file is damaged; download it again.");
  }
}

/**
 * Where each tensor goes in a written file: sorted by name, side by side, header padded with spaces to a multiple of 8.
 * For writers that stream: write `header`, then each tensor's bytes in the order of `tensors`.
 */
export function layoutSafetensors<T extends Omit<TensorData, "bytes">>(
  tensors: readonly T[],
  metadata: Record<string, string> = {},
): { header: Uint8Array<ArrayBuffer>; tensors: T[]; size: number } {
  const sorted = [...tensors].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const problems = new Problems();
  // Built as text: a name such as "__proto__" would not survive as an object key.
  const entries = Object.keys(metadata).length > 0 ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  let end = 0;
  for (const [i, { name, dtype, shape }] of sorted.entries()) {
    const length = byteLength(dtype, shape);
    if (name === "__metadata__") problems.add(`tensor "__metadata__": the name is taken by the format`);
    if (name === sorted[i - 1]?.name) problems.add(`tensor "${name}": expected one of this name, got two`);
    if (length === null) problems.add(`tensor "${name}": [${shape.join(", ")}] is too large`);
    const begin = end;
    end += length ?? 0;
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
  }
  problems.throwIfAny("format", "safetensors to write");
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER)
    throw formatError(`safetensors to write: expected a header of at most ${MAX_HEADER} bytes, got ${length}`);
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return { header, tensors: sorted, size: header.length + end };
}

/**
 * A whole file in memory.
 * @param metadata string → string; left out of the file when empty.
 * @throws FormatError when a tensor's bytes do not fill its shape, or a name occurs twice.
 */
export function writeSafetensors(
  tensors: readonly TensorData[],
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  for (const { name, dtype, shape, bytes } of tensors) {
    const expected = byteLength(dtype, shape);
    if (expected === bytes.byteLength) continue;
    throw formatError(
      `tensor "${name}": expected ${expected} bytes for ${dtype} [${shape.join(", ")}], got ${bytes.byteLength}`,
    );
  }
  const layout = layoutSafetensors(tensors, metadata);
  const file = new Uint8Array(layout.size);
  file.set(layout.header);
  let offset = layout.header.length;
  for (const { bytes } of layout.tensors) {
    file.set(bytes, offset);
    offset += bytes.byteLength;
  }
  return file;
}
