import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createEncoder } from "../../src/data/encode.ts";
import { type PreviewOptions, previewExample, recordRow } from "../../src/data/preview.ts";
import { loadTokenizer } from "../../src/tokenizer/load.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { GOLDEN_TOKENIZERS, goldenSource } from "../tokenizer/fixtures.ts";
import { record } from "./support.ts";

const tokenizers = new Map<string, Tokenizer>();
beforeAll(async () => {
  for (const name of GOLDEN_TOKENIZERS) tokenizers.set(name, await loadTokenizer(goldenSource(name)));
});

const OPTIONS: PreviewOptions = { maxSeqLength: 1000, maskPrompt: true, vocabSize: 1e9 };
const chat = (question: string, answer: string) =>
  record({
    messages: [
      { role: "user", content: question },
      { role: "assistant", content: answer },
    ],
  });

describe("previewExample", () => {
  it.each(GOLDEN_TOKENIZERS)("%s: pieces are the decoded example, token by token", (name) => {
    const tokenizer = tokenizers.get(name)!;
    const value = chat("Où est 北京 🦜?", "Là 🦜🏽 ok");
    const { pieces, tokens, supervised, truncatedAt, line } = previewExample(value, tokenizer, OPTIONS);
    const encoded = createEncoder(tokenizer, { ...OPTIONS, where: "" }).encode(value);
    if (typeof encoded === "string") throw new Error(encoded);
    expect(pieces.flatMap(({ ids }) => ids)).toEqual([...encoded.ids]);
    expect(pieces.map(({ text }) => text).join("")).toBe(tokenizer.decode(encoded.ids));
    expect(pieces.some(({ text }) => text.includes("\ufffd"))).toBe(false);
    expect({ tokens, supervised, truncatedAt, line }).toEqual({
      tokens: encoded.ids.length,
      supervised: encoded.supervised,
      truncatedAt: null,
      line: 1,
    });
    const answer = pieces.filter((piece) => piece.supervised).map(({ text }) => text);
    expect(answer.join("")).toMatch(/Là 🦜🏽 ok/);
    expect(answer.join("")).not.toMatch(/Où/);
    expect(pieces.some(({ special }) => special)).toBe(true);
    expect(structuredClone(pieces)).toEqual(pieces);
  });

  it("puts tokens that share a character in one piece, and only those", () => {
    const tokenizer = tokenizers.get("qwen2")!;
    const { pieces } = previewExample(record({ text: "a🦜b" }), tokenizer, OPTIONS);
    const parrot = pieces.find(({ text }) => text === "🦜")!;
    expect(parrot.ids.length).toBeGreaterThan(1);
    expect(pieces.filter(({ ids }) => ids.length > 1)).toEqual([parrot]);
  });

  it("shows the whole example and where it is cut; nothing behind the cut carries loss", () => {
    const tokenizer = tokenizers.get("qwen2")!;
    const value = chat("Hello there", "one two three four five six");
    const whole = previewExample(value, tokenizer, OPTIONS);
    const at = whole.pieces.findLastIndex(({ supervised }) => supervised) - 2;
    const cut = previewExample(value, tokenizer, { ...OPTIONS, maxSeqLength: at });
    expect(cut.pieces.map(({ text }) => text)).toEqual(whole.pieces.map(({ text }) => text));
    expect(cut).toMatchObject({ tokens: at, truncatedAt: at, supervised: whole.supervised - 3 });
    expect(cut.pieces.slice(at).some(({ supervised }) => supervised)).toBe(false);
  });

  it("counts a character that the cut divides as cut", () => {
    const tokenizer = tokenizers.get("qwen2")!;
    const value = record({ text: "a🦜b" });
    const whole = previewExample(value, tokenizer, OPTIONS);
    const parrot = whole.pieces.findIndex(({ text }) => text === "🦜");
    const begin = whole.pieces.slice(0, parrot).flatMap(({ ids }) => ids).length;
    const cut = previewExample(value, tokenizer, { ...OPTIONS, maxSeqLength: begin + 1 });
    expect(cut).toMatchObject({ tokens: begin + 1, truncatedAt: parrot });
    expect(cut.pieces.map(({ text }) => text).join("")).toBe(whole.pieces.map(({ text }) => text).join(""));
  });

  it("shows what carries no loss too, and all of it where everything does", () => {
    const tokenizer = tokenizers.get("qwen2")!;
    const silent = record({
      messages: [
        { role: "user", content: "q" },
        { role: "assistant", content: "a", weight: 0 },
      ],
    });
    const preview = previewExample(silent, tokenizer, OPTIONS);
    expect(preview.supervised).toBe(0);
    expect(preview.pieces.map(({ text }) => text).join("")).toMatch(/assistant\na/);
    const all = previewExample(silent, tokenizer, { ...OPTIONS, maskPrompt: false });
    expect(all.pieces.slice(1).every(({ supervised }) => supervised)).toBe(true);
  });

  it("decodes any token ids, broken characters included", () => {
    const tokenizer = tokenizers.get("qwen2")!;
    const ids = fc.array(fc.nat(tokenizer.vocabSize - 1), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(ids, (input_ids) => {
        const { pieces } = previewExample(record({ input_ids }), tokenizer, OPTIONS);
        expect(pieces.flatMap((piece) => piece.ids)).toEqual(input_ids);
        expect(pieces.map(({ text }) => text).join("")).toBe(tokenizer.decode(input_ids));
      }),
      { numRuns: 500 },
    );
  });
});

describe("recordRow", () => {
  it.each([
    [
      { prompt: "p", completion: "c" },
      { form: "prompt-completion", prompt: "p", answer: "c", turns: 2 },
    ],
    [{ text: "a  text\nof lines" }, { form: "text", prompt: "", answer: "a text of lines", turns: 1 }],
    [{ input_ids: [1, 2] }, { form: "tokens", prompt: "", answer: "2 token ids", turns: 1 }],
    [
      { messages: ["user", "assistant", "user", "assistant"].map((role, i) => ({ role, content: `${role} ${i}` })) },
      { form: "messages", prompt: "user 2", answer: "assistant 3", turns: 4 },
    ],
    [
      {
        messages: [
          { role: "user", content: "weather?" },
          { role: "assistant", content: null, tool_calls: [{ function: { name: "look", arguments: "{}" } }] },
        ],
      },
      { prompt: "weather?", answer: "look(…)" },
    ],
  ])("%j", (value, row) => {
    expect(recordRow(record(value, 7))).toMatchObject({ line: 7, ...row });
  });

  it("shortens long texts between characters", () => {
    const { answer } = recordRow(record({ text: "🦜".repeat(500) }), 10);
    expect(answer).toBe(`${"🦜".repeat(4)}…`);
    expect(recordRow(record({ text: " ".repeat(5000).concat("end") }), 10).answer.length).toBeLessThanOrEqual(10);
  });
});
