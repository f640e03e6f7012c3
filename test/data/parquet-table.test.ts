import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import { readParquetRows } from "../../src/data/parquet-table.ts";
import type { JsonRecord } from "../../src/formats/jsonl.ts";
import { type Lies, plainTexts, u32, utf8, varint, writeParquet } from "../support/parquet-writer.ts";

const folder = new URL("../fixtures/parquet/", import.meta.url);
const fixture = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));

async function read(bytes: Uint8Array, name = "data.parquet") {
  const columns = new Set<string>();
  const rows: JsonRecord[] = [];
  for await (const row of readParquetRows(memorySource(name, bytes), columns)) rows.push(row);
  return { columns: [...columns], rows };
}

/** The message with which the file is refused; anything but a FormatError is an error of the test. */
async function refusal(bytes: Uint8Array): Promise<string> {
  try {
    await read(bytes);
  } catch (error) {
    if (error instanceof LorikeetError && error.kind === "format") return error.message;
    throw error;
  }
  return "none";
}

describe("files by pyarrow", () => {
  const SUMS = readdirSync(folder).filter((name) => name.startsWith("sums.") && !name.includes("brotli"));

  it("has them", () => expect(SUMS).toHaveLength(5));

  it.each(SUMS)("%s: rows in two groups, nulls, numbers from 1", async (name) => {
    const { columns, rows } = await read(fixture(name));
    expect(columns).toEqual(["question", "answer", "source"]);
    expect(rows.map(({ line }) => line)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(rows.map(({ value }) => value)).toEqual(
      Array.from({ length: 40 }, (_, i) => ({
        question: `What is ${i} plus ${i}?`,
        answer: i === 7 ? null : `${i} plus ${i} is ${2 * i}.`,
        source: "sums",
      })),
    );
  });

  it.each(["chats.zstd.parquet", "chats.v2.parquet"])(
    "%s: lists of structs as messages without null keys",
    async (name) => {
      const { rows } = await read(fixture(name));
      expect(rows).toHaveLength(3);
      expect(rows[1]!.value).toEqual({
        id: String(2n ** 60n),
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "Où ? 🦜" },
          { role: "assistant", content: "Là-bas 🦜🦜" },
        ],
        made: null,
        score: null,
      });
      expect(rows[2]!.value).toMatchObject({ id: -3, made: "2024-01-01T00:00:00.000Z", score: null });
      expect(structuredClone(rows)).toEqual(rows);
    },
  );

  it("refuses compression that cannot be unpacked safely, by name", async () => {
    expect(await refusal(fixture("sums.brotli.parquet"))).toMatch(/expected pages compressed with .* got BROTLI/);
  });
});

const TABLE = { prompt: ["a", "bé", ""], completion: ["1", "2", "3"] };

describe("hostile files", () => {
  it("reads the honest file that the others are made from", async () => {
    const { columns, rows } = await read(writeParquet(TABLE));
    expect(columns).toEqual(["prompt", "completion"]);
    expect(rows[1]).toEqual({ line: 2, value: { prompt: "bé", completion: "2" } });
    expect(await refusal(writeParquet(TABLE))).toBe("none");
  });

  const levels = (...runs: number[]) => [...u32(runs.length), ...runs];
  const three = plainTexts(["a", "b", "c"]);

  it("reads an honest file with levels and one with a dictionary's indices", async () => {
    const page = Uint8Array.from([...levels(3 << 1, 1), ...three]);
    expect((await read(writeParquet({ a: ["a", "b", "c"] }, { optional: true, page }))).rows).toHaveLength(3);
    const packed = Uint8Array.from([...levels(3, 0b101), ...plainTexts(["a", "c"])]);
    const { rows } = await read(writeParquet({ a: ["a", "b", "c"] }, { optional: true, page: packed }));
    expect(rows.map(({ value }) => value)).toEqual([{ a: "a" }, { a: null }, { a: "c" }]);
  });

  const CASES: Record<string, [Lies, RegExp]> = {
    "a billion rows": [{ numRows: 1e9 }, /expected at most 5,000,000 rows, got 1,000,000,000/],
    "more rows than values": [{ numRows: 4 }, /column prompt: expected 4 values, got 3/],
    "fewer rows than values": [{ numRows: 2 }, /column prompt: expected 2 values, got 3/],
    "a negative number of rows": [{ numRows: -1 }, /got -1/],
    "a billion values in a column": [{ numValues: 1e9 }, /values in a column, got 1,000,000,000/],
    "a billion values in a page": [{ pageValues: 1e9 }, /a page claims 1000000000 values/],
    "a negative page": [{ packedPage: -5 }, /a page is longer than its column/],
    "a page beyond its column": [{ packedPage: 1 << 20 }, /a page is longer than its column/],
    "a page that unpacks to gigabytes": [
      { unpackedPage: 2 ** 31 - 1 },
      /expected at most 268 MB in a page, got 2.1 GB/,
    ],
    "a column that unpacks to terabytes": [{ chunkUnpacked: 2 ** 40 }, /expected at most 1.1 GB of data, got 2.2 TB/],
    "data beyond the file": [{ chunkSize: 1 << 20 }, /expected bytes within the file's/],
    "data before the file": [{ dataPageOffset: -8 }, /expected bytes within the file's/],
    "more columns in the schema than there are": [{ schemaSize: 1e6 }, /cannot be read/],
    "a Snappy length that goes backwards": [
      { codec: 1, page: Uint8Array.from([3, 0xfc, 0xf0, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8]), unpackedPage: 3 },
      /Snappy page does not hold what it promises/,
    ],
    "a Zstandard frame that is none": [{ codec: 6, page: Uint8Array.from([1, 2, 3, 4, 5]) }, /cannot be read/],
    "a run of a billion levels": [
      { optional: true, page: Uint8Array.from([...levels(...varint(2n ** 30n), 1), ...three]) },
      /a run of 536870912 values where 3 are left/,
    ],
    "a run of a billion indices": [
      { encoding: 8, page: Uint8Array.from([2, ...varint(2n ** 30n), 1]) },
      /a run of 536870912 values where 3 are left/,
    ],
    "levels without an end": [{ optional: true, page: Uint8Array.from([1, 0, 0, 0]) }, /points beyond its own end/],
  };
  it.each(Object.entries(CASES))("%s", async (_, [lies, message]) => {
    expect(await refusal(writeParquet(TABLE, lies))).toMatch(message);
  });

  it("a table of too many columns", async () => {
    const names = Array.from({ length: 1001 }, (_, i) => [`c${i}`, ["x"]]);
    expect(await refusal(writeParquet(Object.fromEntries(names)))).toMatch(/expected at most 1,000 columns, got 1,001/);
  });

  it("other files under this name", async () => {
    expect(await refusal(Uint8Array.from(utf8("PAR1 but no more")))).toMatch(/ends with "PAR1", got "more"/);
    expect(await refusal(new Uint8Array())).toMatch(/ends with "PAR1"/);
    expect(await refusal(Uint8Array.from([...utf8("PAR1"), ...u32(9), ...utf8("PARE")]))).toMatch(/encrypted/);
    expect(await refusal(Uint8Array.from([...utf8("PAR1"), ...u32(1e6), ...utf8("PAR1")]))).toMatch(/1000000/);
  });

  it.each(readdirSync(folder).filter((name) => name.endsWith(".parquet")))("%s cut off anywhere", async (name) => {
    const bytes = fixture(name);
    for (let length = 0; length < bytes.length; length += 17) {
      expect(await refusal(bytes.subarray(0, length))).not.toBe("none");
    }
  });

  it.each(readdirSync(folder).filter((name) => name.endsWith(".parquet")))(
    "%s with bytes changed is read or refused, and never hangs",
    async (name) => {
      const bytes = fixture(name);
      const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
          const copy = bytes.slice();
          for (const [at, mask] of changes) copy[at]! ^= mask;
          await refusal(copy);
        }),
        { numRuns: 300, seed: 1 },
      );
    },
  );

  it("a Zstandard table that would send the decoder in circles", async () => {
    const bytes = fixture("chats.zstd.parquet");
    bytes[265]! ^= 64;
    expect(await refusal(bytes)).toMatch(/Zstandard page is damaged/);
  });
});
