import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadTokenizer } from "../../src/tokenizer/load.ts";
import { createStreamDecoder } from "../../src/tokenizer/stream-decoder.ts";
import { createTokenizer, type Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { GOLDEN_TOKENIZERS, goldenSource, readGolden } from "./fixtures.ts";

const loaded = new Map<string, Promise<Tokenizer>>();
const open = (name: string) => {
  const existing = loaded.get(name) ?? loadTokenizer(goldenSource(name));
  loaded.set(name, existing);
  return existing;
};

/** Pieces of text that break tokenizers: emoji, CJK, combining marks, Hangul jamo, byte order marks, special tokens. */
const PIECES = [
  ..."aé😀👩‍🚀中文\u0301\u1112\u1161\u11ab ▁\ufeff\u0000\n\tÅ",
  "  ",
  "<s>",
  "<|im_end|>",
  "<bos>",
  "e\u0301",
  "<0x41>",
];
const nastyText = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "grapheme" })), { maxLength: 12 })
  .map((parts) => parts.join(""));

describe.each(GOLDEN_TOKENIZERS)("%s", (name) => {
  const golden = readGolden(name);

  it("encodes and decodes as HF tokenizers do", async () => {
    const tokenizer = await open(name);
    for (const each of golden.encode) {
      expect(tokenizer.encode(each.text, { addSpecialTokens: true }).ids, each.text).toEqual(each.ids);
      expect(tokenizer.encode(each.text, { addSpecialTokens: false }).ids, each.text).toEqual(each.ids_no_special);
      expect(tokenizer.decode(each.ids_no_special), each.text).toBe(each.decoded);
      expect(tokenizer.decode(each.ids_no_special, { skipSpecialTokens: true }), each.text).toBe(
        each.decoded_skip_special,
      );
    }
  });

  it("gives offsets whose slices, in order, are the text", async () => {
    const tokenizer = await open(name);
    const check = (text: string) => {
      const { ids, offsets } = tokenizer.encode(text, { addSpecialTokens: true });
      expect(offsets.length).toBe(ids.length);
      expect(offsets.map(([begin, end]) => text.slice(begin, end)).join("")).toBe(text);
      expect(offsets.map(([begin]) => begin)).toEqual([0, ...offsets.map(([, end]) => end)].slice(0, ids.length));
    };
    for (const each of golden.encode) check(each.text);
    fc.assert(fc.property(nastyText, check), { numRuns: 300 });
  });

  it("gives each token the text that it decodes to", async () => {
    const tokenizer = await open(name);
    const text = "The cat sat; l'été 中文 42!";
    const { ids, offsets } = tokenizer.encode(text, { addSpecialTokens: false });
    ids.forEach((id, i) => {
      const own = new TextDecoder().decode(tokenizer.tokenBytes(id)!);
      const slice = text.slice(...offsets[i]!);
      // Tokens of one byte of a longer character, and a space the tokenizer put in front, have no text of their own.
      if (!own.includes("\ufffd") && slice !== "") expect(own.replace(/^ /, "")).toBe(slice.replace(/^ /, ""));
    });
  });

  it("streams what it decodes, whole characters only", async () => {
    const tokenizer = await open(name);
    const stream = (ids: readonly number[]) => {
      const decoder = createStreamDecoder(tokenizer);
      return [...ids.map((id) => decoder.push(id)), decoder.flush()];
    };
    fc.assert(
      fc.property(nastyText, (text) => {
        const { ids } = tokenizer.encode(text, { addSpecialTokens: true });
        const parts = stream(ids);
        expect(parts.join("")).toBe(tokenizer.decode(ids));
        if (!text.includes("\ufffd")) expect(parts.join("")).not.toContain("\ufffd");
      }),
      { numRuns: 200 },
    );
    const anyIds = fc.array(fc.nat(tokenizer.vocabSize + 3), { maxLength: 20 });
    fc.assert(fc.property(anyIds, (ids) => void expect(stream(ids).join("")).toBe(tokenizer.decode(ids))));
  });

  it("knows its special tokens and its size", async () => {
    const tokenizer = await open(name);
    expect(tokenizer.special.bos?.content).toBe(golden.special_tokens.bos_token);
    expect(tokenizer.special.eos?.content).toBe(golden.special_tokens.eos_token);
    expect(tokenizer.special.pad?.content).toBe(golden.special_tokens.pad_token);
    expect(tokenizer.isSpecial(tokenizer.special.eos!.id)).toBe(true);
    expect(tokenizer.tokenBytes(tokenizer.vocabSize)).toBeNull();
    expect(tokenizer.tokenBytes(tokenizer.vocabSize - 1)).not.toBeNull();
  });
});

describe("byte-level tokenizers", () => {
  it.each(["llama3", "smollm"])("%s: decode undoes encode", async (name) => {
    const tokenizer = await open(name);
    const roundTrip = (text: string) =>
      void expect(tokenizer.decode(tokenizer.encode(text, { addSpecialTokens: false }).ids)).toBe(text);
    fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), roundTrip));
    fc.assert(fc.property(nastyText, roundTrip));
  });
});

describe("numbers", () => {
  it("smollm splits every numeric character, not only 0 to 9, as HF tokenizers do", async () => {
    const tokenizer = await open("smollm");
    for (const text of ["½²", "٣४", "Ⅻ①"]) {
      const { offsets } = tokenizer.encode(text, { addSpecialTokens: false });
      expect(offsets.map(([begin, end]) => text.slice(begin, end)).filter((slice) => slice !== "")).toEqual([...text]);
    }
  });
});

describe("added tokens", () => {
  const json = JSON.parse(
    readFileSync(new URL("../fixtures/tokenizers/smollm/tokenizer.json", import.meta.url), "utf8"),
  );
  const withFlags = (flags: object) => {
    const added_tokens = [
      ...json.added_tokens,
      { id: 703, content: "<x>", special: true, normalized: false, ...flags },
    ];
    return createTokenizer({ tokenizerJson: { ...json, added_tokens }, where: "test" });
  };
  const sliceOf = (tokenizer: Tokenizer, text: string) => {
    const { ids, offsets } = tokenizer.encode(text, { addSpecialTokens: false });
    const at = ids.indexOf(703);
    return at < 0 ? null : text.slice(...offsets[at]!);
  };

  it("swallow white space where lstrip and rstrip say so, and only as whole words where single_word does", () => {
    expect(sliceOf(withFlags({}), "a  <x>  b")).toBe("<x>");
    expect(sliceOf(withFlags({ lstrip: true }), "a  <x>  b")).toBe("  <x>");
    expect(sliceOf(withFlags({ rstrip: true }), "a  <x>  b")).toBe("<x>  ");
    expect(sliceOf(withFlags({ single_word: true }), "a<x>b")).toBeNull();
    expect(sliceOf(withFlags({ single_word: true }), "a <x> b")).toBe("<x>");
  });
});

describe("malformed files", () => {
  const json = JSON.parse(
    readFileSync(new URL("../fixtures/tokenizers/qwen2/tokenizer.json", import.meta.url), "utf8"),
  );
  const faults: [string, unknown, RegExp][] = [
    ["not an object", [], /expected an object, got a list/],
    ["no model", { ...json, model: undefined }, /model: expected an object, got nothing/],
    ["vocab a text", { ...json, model: { ...json.model, vocab: "x" } }, /model\.vocab: expected an object/],
    ["an id a text", { ...json, model: { ...json.model, vocab: { a: "1" } } }, /model\.vocab\["a"\].*token id/],
    ["a huge id", { ...json, model: { ...json.model, vocab: { a: 1e12 } } }, /token id, got 1000000000000/],
    ["no merges", { ...json, model: { ...json.model, merges: undefined } }, /model\.merges/],
    ["added tokens an object", { ...json, added_tokens: {} }, /added_tokens: expected a list/],
    ["an added token without id", { ...json, added_tokens: [{ content: "x" }] }, /added_tokens\.0/],
    ["an unknown normaliser", { ...json, normalizer: { type: "Magic" } }, /Magic/],
    ["an unknown decoder", { ...json, decoder: { type: "CTC" } }, /decoder: expected ByteLevel/],
  ];
  it.each(faults)("%s is a FormatError that names the file", (_, tokenizerJson, message) => {
    const act = () => createTokenizer({ tokenizerJson, where: "somewhere" });
    expect(act).toThrow(expect.objectContaining({ kind: "format", message: expect.stringMatching(message) }));
    expect(act).toThrow(/^somewhere\/tokenizer\.json/);
  });

  it("never throws anything else, whatever part is replaced", () => {
    const parts = Object.keys(json).map((key) => [key]);
    const deep = Object.keys(json.model).map((key) => ["model", key]);
    fc.assert(
      fc.property(fc.constantFrom(...parts, ...deep), fc.jsonValue({ maxDepth: 2 }), ([key, inner], value) => {
        const changed = inner ? { ...json, model: { ...json.model, [inner]: value } } : { ...json, [key!]: value };
        try {
          createTokenizer({ tokenizerJson: changed, where: "x" });
        } catch (error) {
          expect(error).toMatchObject({ kind: "format" });
        }
      }),
    );
  });
});
