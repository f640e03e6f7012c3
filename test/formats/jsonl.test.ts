import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { Problems } from "../../src/core/errors.ts";
import { findJsonFault } from "../../src/formats/json-fault.ts";
import { type JsonRecord, readJsonLines, readJsonRecords } from "../../src/formats/jsonl.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

async function readFile(bytes: Uint8Array | string, name = "data.jsonl") {
  const problems = new Problems();
  const records: JsonRecord[] = [];
  const source = memorySource(name, typeof bytes === "string" ? utf8(bytes) : bytes);
  for await (const record of readJsonRecords(source, problems)) records.push(record);
  return { records, problems: problems.list };
}

async function readChunks(chunks: Uint8Array[]) {
  const problems = new Problems();
  const records: JsonRecord[] = [];
  for await (const record of readJsonLines(chunks, "data.jsonl", problems)) records.push(record);
  return { records, problems: problems.list };
}

describe("JSON lines", () => {
  it("reads records with their line numbers past BOM, CRLF, blank lines and a missing final newline", async () => {
    const { records, problems } = await readFile('\ufeff{"a":1}\r\n\r\n  \n["b"]\r\n\t{"c":"ü"}');
    expect(problems).toEqual([]);
    expect(records).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 4, value: ["b"] },
      { line: 5, value: { c: "ü" } },
    ]);
  });

  it("gives the same records however the bytes are cut", async () => {
    const lines = fc.array(
      fc.oneof(
        fc.jsonValue().map((value) => JSON.stringify(value)),
        fc.constantFrom("", " ", "{bad", '{"x":"😀中é"}', '"\\ud83d"'),
      ),
    );
    const ends = fc.constantFrom("\n", "\r\n");
    await fc.assert(
      fc.asyncProperty(lines, ends, fc.array(fc.nat(60)), async (parts, newline, cuts) => {
        const bytes = utf8(parts.join(newline));
        const whole = await readChunks([bytes]);
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const size of cuts) {
          chunks.push(bytes.slice(at, at + size));
          at += size;
        }
        expect(await readChunks([...chunks, bytes.slice(at)])).toEqual(whole);
        expect(await readChunks(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
      }),
    );
  });

  it("collects bad lines with line, column and excerpt, and keeps the good ones", async () => {
    const { records, problems } = await readFile('{"a":1}\n{"a":}\nnope\n{"a":2}\n# note\n{"a":"x\ty"}');
    expect(records.map((record) => record.line)).toEqual([1, 4]);
    expect(problems).toEqual([
      'data.jsonl line 2, column 6: expected a value, got "}" in "{\\"a\\":}"',
      'data.jsonl line 3, column 1: expected a value, got "n" in "nope"',
      'data.jsonl line 5, column 1: expected a value, got "#" in "# note"',
      expect.stringContaining("line 6, column 8: expected an escape"),
    ]);
  });

  it("tells where a file stops being UTF-8", async () => {
    const bytes = new Uint8Array([...utf8('{"a":1}\n{"b":"é'), 0xe9, ...utf8('"}\n{"c":3}')]);
    const { records, problems } = await readFile(bytes);
    expect(records.map((record) => record.line)).toEqual([1, 3]);
    expect(problems).toEqual([expect.stringContaining("data.jsonl line 2, byte 9: expected UTF-8, got byte 0xe9")]);
  });

  it("reads a line of 10 MB and a value nested 100,000 deep without harm", async () => {
    const long = "x".repeat(10_000_000);
    const { records } = await readFile(`${JSON.stringify({ long })}\n{"a":1}`);
    expect(records).toHaveLength(2);
    const deep = `${"[".repeat(100_000)}\n{"a":1}`;
    const result = await readFile(deep);
    expect(result.records.map((record) => record.line)).toEqual([2]);
    expect(result.problems).toHaveLength(1);
  });

  const refused: [string, Uint8Array, RegExp][] = [
    ["UTF-16", new Uint8Array([0xff, 0xfe, 0x7b, 0x00]), /got UTF-16 text/],
    [
      "a git-lfs pointer",
      utf8("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"),
      /git-lfs pointer/,
    ],
    ["gzip", new Uint8Array([0x1f, 0x8b, 8, 0]), /got a gzip archive/],
    ["an HTML page", utf8("<!DOCTYPE html><html></html>"), /got an HTML page/],
  ];
  it.each(refused)("refuses %s with a hint", async (_, bytes, message) => {
    await expect(readFile(bytes)).rejects.toMatchObject({
      kind: "format",
      message: expect.stringMatching(message),
      hint: expect.any(String),
    });
  });
});

describe("JSON documents", () => {
  it("gives each element of a list with its line", async () => {
    const text = '[\n  {"a": "x,[\\"]"},\n\n  {"b": [1,\n 2]}, 3]';
    const expected = [
      { line: 2, value: { a: 'x,["]' } },
      { line: 4, value: { b: [1, 2] } },
      { line: 5, value: 3 },
    ];
    expect((await readFile(text, "data.json")).records).toEqual(expected);
    expect((await readFile(text, "data.jsonl")).records).toEqual(expected);
    expect((await readFile("[]", "data.json")).records).toEqual([]);
  });

  it("reads one object as one record, and JSON lines under the name .json", async () => {
    expect((await readFile('{\n "a": 1\n}', "data.json")).records).toEqual([{ line: 1, value: { a: 1 } }]);
    expect((await readFile('{"a":1}\n{"a":2}\n', "data.json")).records.map((r) => r.line)).toEqual([1, 2]);
  });

  it("tells line and column of a fault", async () => {
    const { problems } = await readFile('[\n {"a": 1}\n {"b": 2}\n]', "data.json");
    expect(problems).toEqual([expect.stringContaining('data.json line 3, column 2: expected "," or "]", got "{"')]);
  });
});

describe("the fault finder", () => {
  it("agrees with JSON.parse on what is JSON", () => {
    const mutated = fc
      .tuple(fc.jsonValue(), fc.nat(), fc.constantFrom("", '"', "{", "]", ",", ":", "1", "\\", "\u0001", "e", " "))
      .map(([value, at, insert]) => {
        const text = JSON.stringify(value);
        const place = at % (text.length + 1);
        return text.slice(0, place) + insert + text.slice(place + (at % 2));
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string()), (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(findJsonFault(text) === null).toBe(valid);
      }),
      { numRuns: 2000 },
    );
  });
});

const suite = new URL("../../../shared/data/awkward/JSONTestSuite/test_parsing/", import.meta.url);

describe.skipIf(!existsSync(suite))("JSONTestSuite (shared data)", () => {
  const files = existsSync(suite) ? readdirSync(suite) : [];
  const accepted = async (file: string, name: string) => {
    try {
      return (
        (await readFile(new Uint8Array(readFileSync(new URL(encodeURIComponent(file), suite))), name)).problems
          .length === 0
      );
    } catch (error) {
      expect(error).toMatchObject({ kind: "format" });
      return false;
    }
  };

  it("accepts every y_ file and rejects every n_ file, as a document", async () => {
    const wrong: string[] = [];
    for (const file of files) {
      const ok = await accepted(file, "data.json");
      if ((file.startsWith("y_") && !ok) || (file.startsWith("n_") && ok)) wrong.push(file);
    }
    expect(files.length).toBeGreaterThan(300);
    expect(wrong).toEqual([]);
  });

  it("accepts every y_ file and rejects every n_ file, as one line", async () => {
    const wrong: string[] = [];
    for (const file of files) {
      const bytes = readFileSync(new URL(encodeURIComponent(file), suite));
      // Without a value between the newlines, or with newlines inside one, it is not one line.
      if (bytes.toString("latin1").trim().includes("\n") || /^(\xef\xbb\xbf)?\s*$/.test(bytes.toString("latin1")))
        continue;
      const ok = await accepted(file, "data.jsonl");
      if ((file.startsWith("y_") && !ok) || (file.startsWith("n_") && ok)) wrong.push(file);
    }
    expect(wrong).toEqual([]);
  });
});
