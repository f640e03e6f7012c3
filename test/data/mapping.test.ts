import { describe, expect, it } from "vitest";
import {
  applyMapping,
  type ColumnMapping,
  columnFacts,
  detectForm,
  mappingProblem,
  proposeMapping,
} from "../../src/data/mapping.ts";
import { record } from "./support.ts";

const rowsOf = (values: readonly unknown[]) => values.map((value, i) => ({ line: i + 1, value }));
const propose = (...values: unknown[]) => proposeMapping(columnFacts(values));

describe("detectForm", () => {
  it("counts forms, faulty rows and unknown ones", () => {
    const values = [{ prompt: "p", completion: "c" }, { text: "t" }, { text: "" }, { foo: 1 }];
    const { rows, forms, faulty, unknown, needsMapping } = detectForm(rowsOf(values));
    expect({ rows, forms, faulty, unknown, needsMapping }).toEqual({
      rows: 4,
      forms: { "prompt-completion": 1, text: 1 },
      faulty: 1,
      unknown: 1,
      needsMapping: false,
    });
  });

  it("asks for a mapping when the columns say nothing, and only then", () => {
    const strange = { kunde: "Wo ist mein Paket?", antwort: "Es kommt morgen, versprochen, mit der Post." };
    expect(detectForm(rowsOf([strange, strange]))).toMatchObject({ needsMapping: true, unknown: 2 });
    expect(detectForm(rowsOf([{ question: "q", answer: "a" }])).needsMapping).toBe(false);
    // Nothing to map: rows without columns.
    expect(detectForm(rowsOf([1, 2, 3]))).toMatchObject({ needsMapping: false, proposal: null, columns: [] });
    expect(detectForm([])).toMatchObject({ rows: 0, needsMapping: false, proposal: null });
  });

  it("looks at rows from the whole file", () => {
    const values = Array.from({ length: 10_000 }, (_, i) =>
      i < 5000 ? { text: "t" } : { prompt: "p", completion: "c" },
    );
    const { rows, forms } = detectForm(rowsOf(values), 100);
    expect({ rows, forms }).toEqual({ rows: 100, forms: { text: 50, "prompt-completion": 50 } });
  });

  it("describes columns", () => {
    const facts = columnFacts([{ id: 7, chat: [{ role: "user" }] }, { id: "8", note: `${"x".repeat(118)}🦜🦜` }, 5]);
    expect(facts).toEqual([
      { name: "id", example: "7", filled: 2, meanLength: 1, kind: "number" },
      { name: "chat", example: '[{"role":"user"}]', filled: 1, meanLength: 17, kind: "list of messages" },
      { name: "note", example: `${"x".repeat(118)}…`, filled: 1, meanLength: 122, kind: "text" },
    ]);
    expect(structuredClone(facts)).toEqual(facts);
  });
});

describe("proposeMapping", () => {
  const long = "a long text, longer than the others, with many words in it";
  const CASES: [string, object, ColumnMapping][] = [
    ["names", { Question: "q", Answer: long, id: 4 }, { Question: "prompt", Answer: "completion", id: "ignore" }],
    [
      "a context",
      { context: "c", question: "q", response: "r" },
      { context: "prompt", question: "prompt", response: "completion" },
    ],
    [
      "a system prompt",
      { system_prompt: "s", input: "i", reply: "r" },
      { system_prompt: "system", input: "prompt", reply: "completion" },
    ],
    ["messages", { id: 1, log: [{ from: "human", value: "x" }] }, { id: "ignore", log: "messages" }],
    ["one text", { nr: 3, Geschichte: long }, { nr: "ignore", Geschichte: "text" }],
    ["content by length", { frage: "kurz", antwort: long }, { frage: "prompt", antwort: "completion" }],
    ["an answer without a known question", { frage: "kurz", answer: "ja" }, { frage: "prompt", answer: "completion" }],
    [
      "a question without a known answer",
      { question: "q", antwort: long },
      { question: "prompt", antwort: "completion" },
    ],
    ["an answer that is a number", { question: "2 + 2?", answer: 4 }, { question: "prompt", answer: "completion" }],
    ["a title and a body", { title: "short", body: long }, { title: "prompt", body: "completion" }],
  ];
  it.each(CASES)("by %s", (_, value, mapping) => {
    expect(propose(value)).toEqual(mapping);
    expect(mappingProblem(mapping)).toBeNull();
  });

  it("proposes nothing for columns without a text", () => {
    expect(propose({ a: { b: 1 } })).toEqual({ a: "ignore" });
  });
});

describe("applyMapping", () => {
  const read = (value: unknown, mapping: ColumnMapping) => record(applyMapping(value, mapping));

  it("gives records that training understands", () => {
    const value = { c: "Some context.", q: "Why?", a: "Because.", s: "Be brief.", n: 5 };
    expect(read(value, { c: "prompt", q: "prompt", a: "completion" })).toMatchObject({
      kind: "completion",
      prompt: "Some context.\n\nWhy?",
      completion: "Because.",
    });
    expect(read(value, { q: "prompt", c: "prompt", a: "completion" })).toMatchObject({
      prompt: "Why?\n\nSome context.",
    });
    expect(read(value, { q: "prompt", a: "completion", s: "system" })).toMatchObject({
      kind: "conversation",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Why?" },
        { role: "assistant", content: "Because." },
      ],
    });
    expect(read(value, { n: "text" })).toMatchObject({ kind: "text", text: "5" });
  });

  it("reads messages from JSON text, and puts a system prompt in front where there is none", () => {
    const log = JSON.stringify([
      { from: "human", value: "q" },
      { from: "gpt", value: "a" },
    ]);
    const mapped = read({ log, s: "S" }, { log: "messages", s: "system" });
    expect(mapped).toMatchObject({
      messages: [{ role: "system", content: "S" }, { role: "user" }, { role: "assistant" }],
    });
    const own = [
      { role: "system", content: "own" },
      { role: "assistant", content: "a" },
    ];
    expect(read({ log: own, s: "S" }, { log: "messages", s: "system" })).toMatchObject({ messages: own });
  });

  it("takes tools along, and the text out of a list of one", () => {
    const tools = [{ type: "function", function: { name: "f" } }];
    expect(applyMapping({ q: ["Why?"], a: "b", tools }, { q: "prompt", a: "completion" })).toEqual({
      prompt: "Why?",
      completion: "b",
      tools,
    });
  });

  it("leaves alone what it cannot map, so that it is reported as what it is", () => {
    expect(applyMapping({ x: 1 }, { q: "prompt", a: "completion" })).toEqual({ x: 1 });
    expect(applyMapping("text", { q: "text" })).toBe("text");
    // Inherited names are no columns.
    expect(applyMapping({ x: 1 }, Object.fromEntries([["toString", "text"]]))).toEqual({ x: 1 });
  });

  it("refuses mappings that cannot work", () => {
    expect(mappingProblem({ q: "prompt" })).toMatch(/answer/);
    expect(mappingProblem({ a: "completion" })).toMatch(/prompt/);
    expect(mappingProblem({ a: "text", b: "messages" })).toMatch(/one column/);
    expect(mappingProblem({ a: "text", b: "prompt" })).toMatch(/whole example/);
    expect(mappingProblem({})).not.toBeNull();
    expect(mappingProblem({ a: "prompt", b: "completion", c: "ignore", d: "system" })).toBeNull();
    expect(mappingProblem({ a: "messages", b: "system" })).toBeNull();
  });
});
