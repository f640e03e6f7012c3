import { beforeAll, describe, expect, it } from "vitest";
import { type Diagnosis, type DoctorOptions, examine, selectRecords } from "../../src/data/doctor.ts";
import { encodeDataset } from "../../src/data/encode.ts";
import type { FindingCode } from "../../src/data/findings.ts";
import { loadTable } from "../../src/data/tables.ts";
import { loadTokenizer } from "../../src/tokenizer/load.ts";
import { noTokenizer } from "../../src/tokenizer/no-tokenizer.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { folderSource, goldenSource } from "../tokenizer/fixtures.ts";
import { jsonl, linesOf } from "./support.ts";

const demo = folderSource(new URL("../../public/demo/", import.meta.url));
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer(demo);
});

const OPTIONS: DoctorOptions = { maxSeqLength: 256, maskPrompt: true, vocabSize: 100_000 };
const chat = (question: string, answer: string) => ({
  messages: [
    { role: "user", content: question },
    { role: "assistant", content: answer },
  ],
});
const tableOf = (text: string, name = "train.jsonl") => loadTable(jsonl(name, text));

async function diagnose(values: readonly unknown[], options: Partial<DoctorOptions> = {}, own: Tokenizer = tokenizer) {
  return examine({ train: await tableOf(linesOf(...values)) }, own, { ...OPTIONS, ...options });
}

const found = ({ findings }: Diagnosis) => findings.map(({ code, line }) => [code, line]);

/** A tokenizer with another template. */
const withTemplate = (template: string): Tokenizer => ({
  ...tokenizer,
  chatTemplates: new Map([["default", template]]),
});
const PLAIN = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}";
const ASKING = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

describe("a healthy dataset", () => {
  it("has no findings, and counts that agree with what is trained", async () => {
    const file = (await demo.open("train.jsonl"))!;
    const train = await loadTable(file);
    const validation = await loadTable((await demo.open("valid.jsonl"))!);
    const diagnosis = await examine({ train, validation }, tokenizer, OPTIONS);
    expect(diagnosis.findings).toEqual([]);
    expect(diagnosis.counts).toEqual({});
    const set = selectRecords(train, diagnosis.train.kept);
    const { report } = encodeDataset(set.records, tokenizer, { where: set.name, ...OPTIONS });
    const { rows, kept, tokens, supervised, lengths, forms, duplicates } = diagnosis.train;
    expect({ records: rows, kept: kept.length, tokens, supervised, forms }).toEqual({
      records: 256,
      kept: report.kept,
      tokens: report.tokens,
      supervised: report.supervised,
      forms: set.forms,
    });
    expect(Math.max(...lengths)).toBe(report.length.max);
    expect(duplicates).toEqual([]);
    expect(diagnosis.validation).toMatchObject({ file: "demo/valid.jsonl", rows: 48 });
    expect(JSON.parse(JSON.stringify(diagnosis))).toEqual(diagnosis);
    expect(structuredClone(diagnosis)).toEqual(diagnosis);
  });
});

describe("faulty rows are named and left out", () => {
  const GOOD = chat("What is this?", "A parrot.");
  const CASES: [FindingCode, unknown, RegExp][] = [
    ["not-a-record", { foo: 1 }, /^its columns are foo$/],
    ["not-a-record", "text", /^expected named columns, got "text"$/],
    ["not-a-record", {}, /^it has no columns$/],
    ["preference-data", { prompt: "p", chosen: "a", rejected: "b" }, /^it holds a chosen and a rejected answer$/],
    ["preference-data", { ...GOOD, label: false }, /^label is false, the mark of a rejected answer$/],
    ["unknown-role", { messages: [{ role: "bot", content: "x" }] }, /^message 1 is from "bot"$/],
    ["empty-answer", chat("q", "  "), /^message 2 is an empty answer$/],
    ["empty-answer", { prompt: "p", completion: "\n" }, /^completion is empty$/],
    ["empty-answer", { messages: [{ role: "user", content: "q" }] }, /^no message is from the assistant$/],
    ["bad-field", { prompt: 5, completion: "c" }, /^prompt: expected a text/],
    ["bad-field", { prompt: "p", completion: 5 }, /^completion: .* got 5$/],
    ["foreign-tokens", { input_ids: [1, 100_000] }, /below 100000, .* got 100000$/],
    ["nothing-supervised", { messages: [GOOD.messages[0], { ...GOOD.messages[1], weight: 0 }] }, /none of its tokens/],
    [
      "answer-cut-off",
      chat("long ".repeat(300), "short"),
      /^\d{3} tokens, the limit is 256; .* begins at token \d{3}$/,
    ],
  ];
  it.each(CASES)("%s: %j", async (code, value, message) => {
    const diagnosis = await diagnose([GOOD, value]);
    expect(diagnosis.findings).toEqual([
      expect.objectContaining({
        ...{ code, severity: "error", set: "train", file: "train.jsonl", line: 2 },
        message: expect.stringMatching(message),
      }),
    ]);
    expect(diagnosis.counts).toEqual({ [code]: 1 });
    expect(diagnosis.train).toMatchObject({ rows: 2, kept: [0] });
    expect(diagnosis.train.lengths).toHaveLength(1);
  });

  it("counts rows, however many faults of one kind a row has", async () => {
    const messages = [{ role: "bot" }, { role: "me" }, { role: "assistant", content: "" }];
    const { findings, counts } = await diagnose([GOOD, { messages }]);
    expect(counts).toEqual({ "unknown-role": 1, "empty-answer": 1 });
    expect(findings[0]!.message).toBe('message 1 is from "bot" (and 1 more of the kind)');
    expect((await diagnose([{ prompt: [{ role: "x" }], completion: [] }])).findings[1]!.message).toBe(
      'message 1 of prompt is from "x"',
    );
  });

  it("counts rows where lines do not tell them apart", async () => {
    const train = await loadTable(jsonl("train.json", JSON.stringify([GOOD, { foo: 1 }, GOOD])));
    const { findings } = await examine({ train }, tokenizer, OPTIONS);
    expect(findings).toMatchObject([
      { code: "not-a-record", line: 2, unit: "row" },
      { code: "duplicate", line: 3, unit: "row", message: "the same as row 1" },
    ]);
    expect((await diagnose([{ foo: 1 }])).findings.some((finding) => "unit" in finding)).toBe(false);
  });

  it("unreadable-row, with its column", async () => {
    const train = await tableOf(`${linesOf(GOOD)}\n{"messages": }\n`);
    const { findings, train: set } = await examine({ train }, tokenizer, OPTIONS);
    expect(findings).toEqual([
      expect.objectContaining({
        code: "unreadable-row",
        line: 2,
        message: expect.stringMatching(/^column 14: expected/),
      }),
    ]);
    expect(set).toMatchObject({ rows: 2, kept: [0] });
  });

  it("template-refuses, with the template's own words", async () => {
    const strict = withTemplate(`{{ raise_exception("only two turns") if messages | length > 2 }}${PLAIN}${ASKING}`);
    const three = { messages: [...GOOD.messages, { role: "user", content: "x" }] };
    const diagnosis = await diagnose([GOOD, three], {}, strict);
    expect(found(diagnosis)).toEqual([["template-refuses", 2]]);
    expect(diagnosis.findings[0]!.message).toMatch(/only two turns/);
  });

  it("nothing-left is a finding, not an exception", async () => {
    const diagnosis = await diagnose([{ foo: 1 }, { foo: 2 }]);
    expect(diagnosis.findings[0]).toMatchObject({
      ...{ code: "nothing-left", line: null, message: "none of its 2 rows can be used" },
      hint: expect.any(String),
    });
    expect(diagnosis.counts).toEqual({ "nothing-left": 1, "not-a-record": 2 });
    const empty = await examine({ train: await tableOf("\n\n") }, tokenizer, OPTIONS);
    expect(empty.findings).toMatchObject([{ code: "nothing-left", message: "the file has no rows" }]);
  });

  it("a row mapped by hand is no unknown row", async () => {
    const rows = [{ frage: "Wer?", antwort: "Pip." }];
    expect((await diagnose(rows)).train.kept).toEqual([]);
    const mapping = { frage: "prompt", antwort: "completion" } as const;
    const mapped = await diagnose(rows, { mapping });
    expect(mapped.train).toMatchObject({ kept: [0], forms: { "prompt-completion": 1 } });
    const table = await tableOf(linesOf(...rows));
    expect(selectRecords(table, [0], mapping).records).toMatchObject([{ prompt: "Wer?", completion: "Pip." }]);
    expect(selectRecords(table, [0]).records).toEqual([]);
  });
});

describe("rows that are kept, with a warning", () => {
  const GOOD = chat("What is this?", "A parrot.");

  it("duplicate names the first line, whatever the form", async () => {
    const pair = { prompt: "What is this?", completion: "A parrot." };
    const diagnosis = await diagnose([
      GOOD,
      chat("Other?", "A parrot."),
      pair,
      GOOD,
      chat("what is this?", "A parrot."),
    ]);
    expect(diagnosis.findings.map(({ line, message }) => [line, message])).toEqual([
      [3, "the same as line 1"],
      [4, "the same as line 1"],
    ]);
    expect(diagnosis.train).toMatchObject({ kept: [0, 1, 2, 3, 4], duplicates: [2, 3] });
  });

  it("too-long counts what is lost", async () => {
    const diagnosis = await diagnose([chat("q", "word ".repeat(300)), GOOD], { maxSeqLength: 64 });
    expect(found(diagnosis)).toEqual([["too-long", 1]]);
    expect(diagnosis.findings[0]!.message).toMatch(
      /^\d{3} tokens, the limit is 64; \d{3} of the \d{3} tokens to learn are cut off$/,
    );
    const [long, short] = diagnosis.train.lengths;
    expect(long).toBeGreaterThan(64);
    expect(diagnosis.train.tokens).toBe(64 + short!);
    expect((await diagnose([GOOD], { maxSeqLength: short! })).findings).toEqual([]);
  });

  it("in-validation and prompt-in-validation", async () => {
    const train = await tableOf(
      linesOf(GOOD, chat("WHAT is  this?", "a parrot."), chat("What is this?", "A bird."), chat("Who?", "Pip.")),
    );
    const validation = await tableOf(linesOf({ text: "x" }, GOOD), "valid.jsonl");
    const diagnosis = await examine({ train, validation }, tokenizer, OPTIONS);
    expect(diagnosis.findings.map(({ code, set, line, message }) => [code, set, line, message])).toEqual([
      ["in-validation", "train", 1, "also line 2 of valid.jsonl"],
      ["in-validation", "train", 2, "also line 2 of valid.jsonl"],
      ["prompt-in-validation", "train", 3, "line 2 of valid.jsonl asks the same"],
    ]);
    expect(diagnosis.train.kept).toEqual([0, 1, 2, 3]);
    const same = await examine({ train, validation: { ...validation, name: "train.jsonl" } }, tokenizer, OPTIONS);
    expect(same.findings[0]!.message).toBe("also line 2 of the validation file");
  });

  it("says which set a finding is about", async () => {
    const train = await tableOf(linesOf(GOOD));
    const validation = await tableOf(linesOf({ foo: 1 }), "train.jsonl");
    const diagnosis = await examine({ train, validation }, tokenizer, OPTIONS);
    expect(diagnosis.findings.map(({ code, set }) => [code, set])).toEqual([
      ["nothing-left", "validation"],
      ["not-a-record", "validation"],
    ]);
    expect(diagnosis.validation?.kept).toEqual([]);
  });
});

describe("many rows", () => {
  const many = Array.from({ length: 900 }, (_, i) => (i % 3 === 0 ? { foo: i } : chat(`q ${i}`, "a")));

  it("keeps the first findings of each code and counts all", async () => {
    const diagnosis = await diagnose(many, { cap: 50 });
    expect(diagnosis.findings).toHaveLength(50);
    expect(diagnosis.counts).toEqual({ "not-a-record": 300 });
    expect(diagnosis.findings.map(({ line }) => line)).toEqual(Array.from({ length: 50 }, (_, i) => 3 * i + 1));
    expect(diagnosis.train.kept).toHaveLength(600);
  });

  it("reports progress to the end, lets others in, and stops when asked", async () => {
    const seen: number[] = [];
    let others = 0;
    const timer = setInterval(() => others++, 0);
    await diagnose(many, { onProgress: (done, total) => seen.push(done / total) });
    clearInterval(timer);
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(others).toBeGreaterThan(0);
    const stop = new AbortController();
    const stopped = diagnose(many, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
    await expect(diagnose([], { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });
});

it("token ids need no tokenizer; anything else says that there is none", async () => {
  const diagnosis = await diagnose([{ input_ids: [1, 2, 3] }, { text: "t" }], {}, noTokenizer);
  expect(found(diagnosis)).toEqual([["template-refuses", 2]]);
  expect(diagnosis.findings[0]!.message).toMatch(/no tokenizer/);
});

it.each(["llama2", "llama3", "gemma", "qwen2", "smollm"])(
  "finds nothing in a plain conversation with %s",
  async (name) => {
    const own = await loadTokenizer(goldenSource(name));
    const turns = { messages: [...chat("Hello?", "Hello. 🦜").messages, ...chat("And?", "Yes.").messages] };
    expect((await diagnose([turns, chat("One?", "Two.")], {}, own)).findings).toEqual([]);
  },
);
