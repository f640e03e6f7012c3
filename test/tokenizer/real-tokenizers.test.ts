import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadTokenizer } from "../../src/tokenizer/load.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { folderSource, hasSharedData, sharedData, sharedTokenizer } from "./fixtures.ts";

interface Vector {
  text: string;
  ids: number[];
}

const readVectors = (file: string) => JSON.parse(readFileSync(new URL(`vectors/${file}`, sharedData), "utf8"));

const loaded = new Map<string, Promise<Tokenizer>>();
const open = (name: string) => {
  const tokenizer = loaded.get(name) ?? loadTokenizer(sharedTokenizer(name));
  loaded.set(name, tokenizer);
  return tokenizer;
};

function check(tokenizer: Tokenizer, vectors: Vector[], addSpecialTokens: boolean): void {
  for (const { text, ids } of vectors) {
    const encoding = tokenizer.encode(text, { addSpecialTokens });
    expect(encoding.ids, JSON.stringify(text)).toEqual(ids);
    expect(encoding.offsets.map(([begin, end]) => text.slice(begin, end)).join("")).toBe(text);
  }
}

describe.skipIf(!hasSharedData)("real tokenizers (shared data)", () => {
  it.each([
    ["llama-bpe", "llama3.2"],
    ["qwen2", "qwen2.5"],
    ["llama-spm", "tinyllama-chat"],
    ["tinyllama-special-tokens", "tinyllama-chat"],
  ])("llama.cpp's vectors %s: %s", async (key, name) => {
    check(await open(name), readVectors("llamacpp_vocab_tests.json")[key], false);
  });

  it.each([
    ["Xenova/Qwen1.5-0.5B-Chat", "qwen2.5"],
    ["Xenova/llama3-tokenizer-new", "llama3.2"],
    ["Xenova/llama-tokenizer", "tinyllama-chat"],
  ])("transformers.js's vectors %s: %s", async (key, name) => {
    const vectors: Vector[] = Object.values(readVectors("transformersjs_tokenization.json")[key]);
    check(await open(name), vectors, true);
  });
});

const stories = new URL("stories260K/", sharedData);

describe.skipIf(!existsSync(stories))("stories260K (shared data)", () => {
  it("encodes and decodes as recorded", async () => {
    const tokenizer = await loadTokenizer(folderSource(stories));
    const vectors = JSON.parse(readFileSync(new URL("expected_encodings.json", stories), "utf8"));
    check(tokenizer, vectors, true);
    for (const { ids, decoded } of vectors)
      if (decoded !== undefined) expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(decoded);
  });
});
