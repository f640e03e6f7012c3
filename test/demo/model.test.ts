/** The shipped base model: size and dtype of its weights, shapes as its config says, tokenizer and chat template. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { memoryModel, memorySource } from "../../src/core/bytes.ts";
import { Random } from "../../src/core/random.ts";
import { corpus } from "../../src/demo/corpus.ts";
import { demoWorld } from "../../src/demo/generate.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import { openSafetensors } from "../../src/formats/safetensors.ts";
import { compileChatTemplate, renderChat } from "../../src/tokenizer/chat-template.ts";
import { loadTokenizer } from "../../src/tokenizer/load.ts";

const folder = new URL("../../public/demo/", import.meta.url);
const bytes = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const json = (name: string) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Record<string, unknown>;
const config = parseModelConfig(json("config.json"), "public/demo/config.json");
const weights = () => openSafetensors(memorySource("public/demo/model.safetensors", bytes("model.safetensors")));
const tokenizer = () =>
  loadTokenizer(
    memoryModel(
      "demo",
      readdirSync(folder).map((path) => ({ path, bytes: bytes(path) })),
    ),
  );

/** Text and ids, written down from Hugging Face's own tokenizers (the version is in public/demo/training.json). */
const ORACLE: [string, number[]][] = [
  ["Who is Mara?", [591, 283, 538, 33]],
  ["<|im_start|>user\nHi  there<|im_end|>\n", [1, 276, 201, 42, 75, 223, 803, 2, 201]],
  ["Chirrup! 3+4 = 7, don't", [37, 364, 730, 3, 223, 21, 13, 22, 223, 31, 223, 25, 14, 527, 9, 86]],
  ["🦜 é 日", [175, 256, 102, 253, 223, 130, 105, 223, 165, 248, 101]],
  ["\tx \n\n", [200, 90, 223, 260]],
];

describe("the demo's weights", () => {
  it("are bf16, 1 to 3 million parameters, and the folder's model files take at most 6 MB", async () => {
    const tensors = [...(await weights()).tensors.values()];
    expect(new Set(tensors.map((tensor) => tensor.dtype))).toEqual(new Set(["BF16"]));
    const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(parameters).toBe(json("training.json").parameters);
    expect(parameters).toBeGreaterThanOrEqual(1e6);
    expect(parameters).toBeLessThanOrEqual(3e6);
    const size = readdirSync(folder).reduce((sum, path) => sum + statSync(new URL(path, folder)).size, 0);
    expect(size).toBeLessThanOrEqual(6e6);
  });

  it("have the shapes and Hub names of a llama with tied embeddings", async () => {
    const c = config;
    const rows = { q: c.num_attention_heads * c.head_dim, kv: c.num_key_value_heads * c.head_dim };
    const expected: Record<string, number[]> = {
      "model.embed_tokens.weight": [c.vocab_size, c.hidden_size],
      "model.norm.weight": [c.hidden_size],
    };
    for (let i = 0; i < c.num_hidden_layers; i++) {
      const layer = `model.layers.${i}`;
      expected[`${layer}.input_layernorm.weight`] = [c.hidden_size];
      expected[`${layer}.post_attention_layernorm.weight`] = [c.hidden_size];
      expected[`${layer}.self_attn.q_proj.weight`] = [rows.q, c.hidden_size];
      expected[`${layer}.self_attn.k_proj.weight`] = [rows.kv, c.hidden_size];
      expected[`${layer}.self_attn.v_proj.weight`] = [rows.kv, c.hidden_size];
      expected[`${layer}.self_attn.o_proj.weight`] = [c.hidden_size, rows.q];
      expected[`${layer}.mlp.gate_proj.weight`] = [c.intermediate_size, c.hidden_size];
      expected[`${layer}.mlp.up_proj.weight`] = [c.intermediate_size, c.hidden_size];
      expected[`${layer}.mlp.down_proj.weight`] = [c.hidden_size, c.intermediate_size];
    }
    const { tensors } = await weights();
    expect(Object.fromEntries([...tensors.values()].map((tensor) => [tensor.name, tensor.shape]))).toEqual(expected);
    expect([c.model_type, c.tie_word_embeddings]).toEqual(["llama", true]);
    expect([rows.q, rows.kv, c.hidden_size, c.intermediate_size, c.vocab_size].map((size) => size % 4)).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });

  it("are finite numbers", async () => {
    const file = await weights();
    for (const info of file.tensors.values()) {
      const words = new Uint16Array((await file.read(info)).buffer);
      // bf16 with all exponent bits set is an infinity or NaN.
      expect([info.name, words.some((word) => (word & 0x7f80) === 0x7f80)]).toEqual([info.name, false]);
    }
  });
});

describe("the demo's tokenizer", () => {
  it("gives back every text it is given", async () => {
    const { encode, decode, vocabSize } = await tokenizer();
    const random = new Random(3);
    const texts = corpus(demoWorld(), 22, 200).flatMap((document) =>
      "text" in document ? [document.text] : document.messages.map((message) => message.content),
    );
    const odd = ["", "  two  spaces ", "tab\tline\n\n", "émigré", "日本語", "🦜🌈", "\u0000\ufeff", "don't 3+4=7"];
    const noise = Array.from({ length: 50 }, () => String.fromCodePoint(0x20 + random.below(0xd000)));
    for (const text of [...texts, ...odd, noise.join("")]) {
      const { ids } = encode(text, { addSpecialTokens: true });
      expect(decode(ids)).toBe(text);
      expect(ids.every((id) => id < vocabSize)).toBe(true);
    }
    expect(vocabSize).toBe(config.vocab_size);
  });

  it.each(ORACLE)("encodes %j as Hugging Face's does", async (text, ids) => {
    expect((await tokenizer()).encode(text, { addSpecialTokens: true }).ids).toEqual(ids);
  });

  it("renders chats as the model was trained on them, and ends an answer where the model stops", async () => {
    const { chatTemplates, encode, special } = await tokenizer();
    const template = compileChatTemplate(chatTemplates.get("default")!, "demo");
    const messages = [
      { role: "user", content: "Who is Mara?" },
      { role: "assistant", content: "Mara is the baker." },
    ];
    const now = new Date(0);
    const prompt = "<|im_start|>user\nWho is Mara?<|im_end|>\n<|im_start|>assistant\n";
    expect(renderChat(template, { messages, now })).toBe(`${prompt}Mara is the baker.<|im_end|>\n`);
    expect(renderChat(template, { messages: messages.slice(0, 1), add_generation_prompt: true, now })).toBe(prompt);
    expect(encode("<|im_end|>", { addSpecialTokens: true }).ids).toEqual([special.eos?.id]);
    expect(config.eos_token_id).toEqual([special.eos?.id]);
  });
});
