import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { cleanedJsonl, cleanedName } from "../../src/data/clean.ts";
import { examine } from "../../src/data/doctor.ts";
import { loadTable } from "../../src/data/tables.ts";
import { loadTokenizer } from "../../src/tokenizer/load.ts";
import { goldenSource } from "../tokenizer/fixtures.ts";
import { jsonl, linesOf } from "./support.ts";

const OPTIONS = { maxSeqLength: 256, maskPrompt: true, vocabSize: 1e9 };

describe("cleanedJsonl", () => {
  it("has the good rows once, in order and in their own shape", async () => {
    const rows = [
      { question: "q 1", answer: "a 1", id: 7 },
      { foo: 1 },
      { instruction: "i", input: "", output: "o", tag: { x: [1, null] } },
      { question: "q 1", answer: "a 1", id: 8 },
      { text: "line\u2028end \ud83e\udd9c" },
    ];
    const table = await loadTable(
      jsonl("a.jsonl", `${linesOf(...rows.slice(0, 2))}\n{oops\n${linesOf(...rows.slice(2))}`),
    );
    const { train, counts } = await examine({ train: table }, await loadTokenizer(goldenSource("qwen2")), OPTIONS);
    expect(counts).toEqual({ "unreadable-row": 1, "not-a-record": 1, duplicate: 1 });
    const bytes = Buffer.concat([...cleanedJsonl(table, train)]);
    const clean = await loadTable(memorySource("clean.jsonl", bytes));
    expect(clean.faults).toEqual([]);
    expect(clean.rows.map(({ value }) => value)).toEqual([rows[0], rows[2], rows[4]]);
    // The control: the duplicate is kept where nobody calls it one.
    expect([...cleanedJsonl(table, { ...train, duplicates: [] })].join("")).not.toBe(
      [...cleanedJsonl(table, train)].join(""),
    );
  });

  it("has the mapped shape where columns were mapped by hand", async () => {
    const table = await loadTable(jsonl("a.csv", "frage,antwort\nWer?,Pip.\n"));
    const mapping = { frage: "prompt", antwort: "completion" } as const;
    const text = Buffer.concat([...cleanedJsonl(table, { kept: [0], duplicates: [] }, mapping)]).toString();
    expect(text).toBe('{"prompt":"Wer?","completion":"Pip."}\n');
  });

  it("comes in pieces", async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => ({ text: `${i} ${"x".repeat(1000)}` }));
    const table = await loadTable(jsonl("a.jsonl", linesOf(...rows)));
    const pieces = [...cleanedJsonl(table, { kept: rows.map((_, i) => i), duplicates: [] })];
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).toString()).toBe(`${linesOf(...rows)}\n`);
    expect([...cleanedJsonl(table, { kept: [], duplicates: [] })]).toEqual([]);
  });

  it("says which row nests too deep to be written", async () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    const table = { ...(await loadTable(jsonl("a.jsonl", "{}"))), rows: [{ line: 1, value: deep }] };
    expect(() => [...cleanedJsonl(table, { kept: [0], duplicates: [] })]).toThrow(/a\.jsonl line 1: .*too deep/);
  });
});

it.each([
  ["chats.csv", "chats.clean.jsonl"],
  ["a/b.v2.parquet", "b.v2.clean.jsonl"],
  ["notes", "notes.clean.jsonl"],
  [".jsonl", "data.clean.jsonl"],
])("cleanedName of %s", (name, clean) => {
  expect(cleanedName(name)).toBe(clean);
});
