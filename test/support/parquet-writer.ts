/**
 * Writes the smallest Parquet files: one row group, required text columns, plain encoding, no compression. What the file
 * claims about itself can be overridden, so that tests can lie in one place at a time.
 * https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */

type Field = readonly [id: number, value: Value];
type Value =
  | { readonly kind: "i32" | "i64"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "list"; readonly of: "i32" | "text" | "struct"; readonly items: readonly Value[] }
  | { readonly kind: "struct"; readonly fields: readonly Field[] };

export interface Lies {
  readonly numRows?: number;
  /** Of the column, in the metadata. */
  readonly numValues?: number;
  /** In the header of the page. */
  readonly pageValues?: number;
  readonly unpackedPage?: number;
  readonly packedPage?: number;
  readonly dataPageOffset?: number;
  readonly chunkSize?: number;
  readonly chunkUnpacked?: number;
  /** 0 none, 1 snappy, 2 gzip, 4 brotli, 6 zstd */
  readonly codec?: number;
  /** Instead of the plain values. */
  readonly page?: Uint8Array;
  /** 0 plain, 8 dictionary */
  readonly encoding?: number;
  /** Columns may be null: the page then begins with definition levels. */
  readonly optional?: boolean;
  readonly schemaSize?: number;
}

/** The bytes of a file with these columns, all of the same length. */
export function writeParquet(columns: Readonly<Record<string, readonly string[]>>, lies: Lies = {}): Uint8Array {
  const rows = lies.numRows ?? Object.values(columns)[0]!.length;
  const file: number[] = [...utf8("PAR1")];
  const chunks = Object.entries(columns).map(([name, values]) => {
    const page = [...(lies.page ?? plainTexts(values))];
    const begin = file.length;
    file.push(...struct(pageHeader(page.length, lies.pageValues ?? values.length, lies)), ...page);
    return columnChunk(name, values.length, begin, file.length - begin, lies);
  });
  const bytes = chunks.length;
  const group = structOf([1, list("struct", chunks)], [2, i64(bytes)], [3, i64(rows)]);
  const repetition = lies.optional ? 1 : 0;
  const leaves = Object.keys(columns).map((name) =>
    structOf([1, i32(6)], [3, i32(repetition)], [4, text(name)], [6, i32(0)]),
  );
  const root = structOf([4, text("schema")], [5, i32(lies.schemaSize ?? leaves.length)]);
  const footer = struct([
    [1, i32(1)],
    [2, list("struct", [root, ...leaves])],
    [3, i64(rows)],
    [4, list("struct", [group])],
  ]);
  file.push(...footer, ...u32(footer.length), ...utf8("PAR1"));
  return Uint8Array.from(file);
}

function pageHeader(size: number, values: number, lies: Lies): Field[] {
  const { unpackedPage = size, packedPage = size, encoding = 0 } = lies;
  const data = structOf([1, i32(values)], [2, i32(encoding)], [3, i32(3)], [4, i32(3)]);
  return [
    [1, i32(0)],
    [2, i32(unpackedPage)],
    [3, i32(packedPage)],
    [5, data],
  ];
}

function columnChunk(name: string, values: number, begin: number, size: number, lies: Lies): Value {
  const meta = structOf(
    [1, i32(6)],
    [2, list("i32", [i32(0)])],
    [3, list("text", [text(name)])],
    [4, i32(lies.codec ?? 0)],
    [5, i64(lies.numValues ?? values)],
    [6, i64(lies.chunkUnpacked ?? size)],
    [7, i64(lies.chunkSize ?? size)],
    [9, i64(lies.dataPageOffset ?? begin)],
  );
  return structOf([2, i64(begin)], [3, meta]);
}

/** Plain encoding: length and bytes of each text. */
export const plainTexts = (values: readonly string[]): number[] =>
  values.flatMap((value) => [...u32(utf8(value).length), ...utf8(value)]);

export const u32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);
export const utf8 = (value: string): number[] => [...new TextEncoder().encode(value)];

const i32 = (value: number): Value => ({ kind: "i32", value });
const i64 = (value: number): Value => ({ kind: "i64", value });
const text = (value: string): Value => ({ kind: "text", value });
const list = (of: "i32" | "text" | "struct", items: readonly Value[]): Value => ({ kind: "list", of, items });
const structOf = (...fields: Field[]): Value => ({ kind: "struct", fields });

const TYPE = { i32: 5, i64: 6, text: 8, list: 9, struct: 12 } as const;

/** Thrift's compact protocol, as much of it as Parquet needs. */
function struct(fields: readonly Field[]): number[] {
  let last = 0;
  const bytes = fields.flatMap(([id, value]) => {
    const header = ((id - last) << 4) | TYPE[value.kind];
    last = id;
    return [header, ...encode(value)];
  });
  return [...bytes, 0];
}

function encode(value: Value): number[] {
  if (value.kind === "struct") return struct(value.fields);
  if (value.kind === "text") return [...varint(BigInt(utf8(value.value).length)), ...utf8(value.value)];
  if (value.kind !== "list") return varint(zigzag(value.value));
  const { length } = value.items;
  const header = length < 15 ? [(length << 4) | TYPE[value.of]] : [0xf0 | TYPE[value.of], ...varint(BigInt(length))];
  return [...header, ...value.items.flatMap(encode)];
}

const zigzag = (value: number) => (value < 0 ? BigInt(-value) * 2n - 1n : BigInt(value) * 2n);

export function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
}
