import fc from "fast-check";
import papa from "papaparse";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { Problems } from "../../src/core/errors.ts";
import { readCsvChunks, readCsvRows } from "../../src/data/csv-table.ts";
import type { JsonRecord } from "../../src/formats/jsonl.ts";

async function readBytes(bytes: Uint8Array, name = "a.csv") {
  const problems = new Problems();
  const columns = new Set<string>();
  const rows: JsonRecord[] = [];
  for await (const row of readCsvRows(memorySource(name, bytes), problems, columns)) rows.push(row);
  return { rows, columns: [...columns], problems: problems.list };
}

const read = (text: string, name?: string) => readBytes(new TextEncoder().encode(text), name);
const values = async (text: string) => (await read(text)).rows.map(({ value }) => value);

describe("readCsvRows", () => {
  it("reads quotes, line breaks in cells, and says where each row begins", async () => {
    const text = 'q,a\n"one, ""1""","two\nlines"\n\nlast,\r\nx,y';
    const { rows, columns, problems } = await read(text);
    expect(columns).toEqual(["q", "a"]);
    expect(problems).toEqual([]);
    expect(rows).toEqual([
      { line: 2, value: { q: 'one, "1"', a: "two\nlines" } },
      { line: 5, value: { q: "last", a: "" } },
      { line: 6, value: { q: "x", a: "y" } },
    ]);
  });

  it.each([
    ["semicolons", "q;a\nx,1;y\n"],
    ["tabs", "q\ta\nx,1\ty\n"],
    ["CRLF", 'q,a\r\n"x,1",y\r\n'],
    ["CRLF and quotes at the end", 'q,a\r\n"x,1","y"\r\n'],
    ["CR", 'q,a\r"x,1",y\r'],
    ["a byte order mark", '\ufeffq,a\n"x,1",y'],
    ["spaces in names", ' q , a \n"x,1",y'],
    ["a comma more in the row", 'q,a\n"x,1",y,\n'],
  ])("reads %s", async (_, text) => {
    expect(await values(text)).toEqual([{ q: "x,1", a: "y" }]);
  });

  it("reads JSON in columns that hold it by their name, and leaves it as text elsewhere", async () => {
    const [row] = await values('messages,tools,note\n"[{""role"":""user""}]",,"[1]"\n');
    expect(row).toEqual({ messages: [{ role: "user" }], note: "[1]" });
    expect(await values("messages,note\nnot json,x\n")).toEqual([{ messages: "not json", note: "x" }]);
  });

  it("names columns without a name, and keeps __proto__ a name", async () => {
    const [row] = await values(",__proto__\n0,x\n");
    expect(Object.entries(row as object)).toEqual([
      ["column 1", "0"],
      ["__proto__", "x"],
    ]);
  });

  it("collects rows with too many or too few cells and with stray quotes", async () => {
    const { rows, problems } = await read('q,a\none\nx,y,z\n"he said "hi" to me",b\ngood,row\n');
    expect(rows).toEqual([{ line: 5, value: { q: "good", a: "row" } }]);
    expect(problems).toEqual([
      "a.csv line 2: expected 2 cells as in the first row, got 1",
      "a.csv line 3: expected 2 cells as in the first row, got 3",
      expect.stringMatching(/^a\.csv line 4: expected quotes inside a quoted text to be doubled/),
    ]);
  });

  const big = (count: number) => "x".repeat(count);
  it.each([
    ["an unclosed quote", 'q,a\nx,y\n"open,1\nx,y\n', /line 3: a quote .* is never closed/],
    ["an unclosed quote in a large file", `q,a\nx,y\n"open,1\n${`${big(99)}\n`.repeat(60_000)}`, /line 3: a quote/],
    ["a million columns", `${"a,".repeat(1_000_000)}a\n`, /at most 1,000 columns, got 1,000,001/],
    ["one endless line", big(5_000_000), /line 1: expected rows of at most 4.2 MB/],
    ["a name twice", "q,a,q\n", /a different name for each column, got "q" twice/],
    ["UTF-16", "\u00ff\u00feq\u0000", /UTF-8/],
  ])("refuses %s", async (name, text, message) => {
    const bytes = name === "UTF-16" ? Uint8Array.from(text, (c) => c.charCodeAt(0)) : new TextEncoder().encode(text);
    await expect(readBytes(bytes)).rejects.toMatchObject({ kind: "format", message: expect.stringMatching(message) });
  });

  it("refuses what is not UTF-8, with the way out", async () => {
    const latin = Uint8Array.from([..."q,a\ncaf"].map((c) => c.charCodeAt(0)).concat([0xe9, 0x2c, 0x31]));
    await expect(readBytes(latin)).rejects.toMatchObject({ hint: expect.stringMatching(/CSV UTF-8/) });
  });

  it("reads whatever Papa Parse writes, in pieces of any size", async () => {
    const cell = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", " ", "é", "🦜") });
    const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 9 }), async (cells, piece) => {
        const text = papa.unparse({ fields: ["q", "a"], data: cells }, { newline: "\n" });
        const bytes = new TextEncoder().encode(text);
        const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) =>
          bytes.subarray(i * piece, (i + 1) * piece),
        );
        const rows: JsonRecord[] = [];
        for await (const row of readCsvChunks(pieces, "a.csv", new Problems(), new Set())) rows.push(row);
        expect(rows.map(({ value }) => value)).toEqual(cells.map(([q, a]) => ({ q, a })));
        const lineOf = (i: number) => 2 + cells.slice(0, i).join("").split("\n").length - 1 + i;
        expect(rows.map(({ line }) => line)).toEqual(cells.map((_, i) => lineOf(i)));
      }),
    );
  });
});
