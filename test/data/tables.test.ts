import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { Problems } from "../../src/core/errors.ts";
import { readRecords } from "../../src/data/dataset.ts";
import { loadTable } from "../../src/data/tables.ts";
import { writeParquet } from "../support/parquet-writer.ts";
import { jsonl, linesOf } from "./support.ts";

const PAIRS = [
  { prompt: "one", completion: "1" },
  { prompt: "two", completion: "2" },
];
const CSV = "prompt,completion\none,1\ntwo,2\n";
const parquet = (name: string) => memorySource(name, writeParquet({ prompt: ["one", "two"], completion: ["1", "2"] }));

describe("loadTable", () => {
  const FILES = {
    "JSON lines": [jsonl("a.jsonl", linesOf(...PAIRS)), "json", [1, 2]],
    "a JSON document": [jsonl("a.json", JSON.stringify(PAIRS, null, 1)), "json", [2, 6]],
    CSV: [jsonl("a.csv", CSV), "csv", [2, 3]],
    "CSV with a capital name": [jsonl("A.CSV", CSV), "csv", [2, 3]],
    TSV: [jsonl("a.tsv", CSV.replaceAll(",", "\t")), "csv", [2, 3]],
    "JSON lines named CSV": [jsonl("a.csv", linesOf(...PAIRS)), "json", [1, 2]],
    Parquet: [parquet("a.parquet"), "parquet", [1, 2]],
    "Parquet under another name": [parquet("a.bin"), "parquet", [1, 2]],
  } as const;
  it.each(Object.entries(FILES))("reads the same rows from %s", async (_, [source, format, lines]) => {
    const table = await loadTable(source);
    expect(table).toMatchObject({ name: source.name, format, columns: ["prompt", "completion"], faults: [] });
    expect(table.rows.map(({ value }) => value)).toEqual(PAIRS);
    expect(table.rows.map(({ line }) => line)).toEqual(lines);
  });

  it("keeps the good rows and the faults of the others", async () => {
    const table = await loadTable(
      jsonl("a.jsonl", `${linesOf(PAIRS[0])}\n{oops\n${linesOf({ ...PAIRS[1], extra: 1 })}`),
    );
    expect(table.rows.map(({ line }) => line)).toEqual([1, 3]);
    expect(table.faults).toEqual([expect.stringMatching(/^a\.jsonl line 2, column 2: expected/)]);
    expect(table.columns).toEqual(["prompt", "completion", "extra"]);
  });

  it("says so when a name promises Parquet and the bytes do not", async () => {
    const error = { kind: "format", message: expect.stringMatching(/begins with "PAR1", got "prom"/) };
    await expect(loadTable(jsonl("a.parquet", CSV))).rejects.toMatchObject(error);
  });

  it("reports progress and stops when asked", async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({ text: `t${i}` }));
    const source = jsonl("a.jsonl", linesOf(...rows));
    const seen: number[] = [];
    const table = await loadTable(source, { onProgress: (count) => seen.push(count) });
    expect([table.rows.length, seen]).toEqual([10_000, [4096, 8192]]);
    const stop = new AbortController();
    const stopped = loadTable(source, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("readRecords", () => {
  it("takes CSV and Parquet as it takes JSON lines", async () => {
    const problems = new Problems();
    const sets = [jsonl("a.jsonl", linesOf(...PAIRS)), jsonl("a.csv", CSV), parquet("a.parquet")];
    const [json, csv, columns] = await Promise.all(sets.map((source) => readRecords(source, problems)));
    const plain = (set: typeof json) => set!.records.map((record) => ({ ...record, line: 0 }));
    expect(problems.list).toEqual([]);
    expect(plain(csv)).toEqual(plain(json));
    expect(plain(columns)).toEqual(plain(json));
  });
});
