import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  createEncoder,
  type EncodeOptions,
  type Example,
  encodeDataset,
  NO_LOSS,
  tryEncodeDataset,
} from "../../src/data/encode.ts";
import { createTokenizer, type Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { GOLDEN_TOKENIZERS, type GoldenChat, readGolden } from "../tokenizer/fixtures.ts";
import { record, supervisedText } from "./support.ts";

const readJson = (name: string, file: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/tokenizers/${name}/${file}`, import.meta.url), "utf8"));

/** A golden tokenizer, with its own chat template or another. */
function open(name: string, template?: (own: string) => string | undefined): Tokenizer {
  const config = readJson(name, "tokenizer_config.json");
  const chat_template = template ? template(config.chat_template) : config.chat_template;
  const tokenizerConfig = { ...config, chat_template };
  return createTokenizer({ tokenizerJson: readJson(name, "tokenizer.json"), tokenizerConfig, where: name });
}

const withoutBlocks = (own: string) => own.replace(/\{%-?\s*(end)?generation\s*-?%\}/g, "");

const optionsFor = (tokenizer: Tokenizer): EncodeOptions => ({
  where: "data.jsonl",
  maxSeqLength: 10_000,
  maskPrompt: true,
  vocabSize: tokenizer.vocabSize,
});

function encode(value: unknown, tokenizer: Tokenizer, options: Partial<EncodeOptions> = {}): Example {
  const example = createEncoder(tokenizer, { ...optionsFor(tokenizer), ...options }).encode(record(value));
  if (typeof example === "string") throw new Error(example);
  return example;
}

const maskOf = (example: Example) => Array.from(example.labels, (label) => (label === NO_LOSS ? 0 : 1));
const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

describe.each(GOLDEN_TOKENIZERS)("%s", (name) => {
  const usable = (chat: GoldenChat) =>
    chat.rendered !== undefined && !chat.add_generation_prompt && chat.messages.some((m) => m.role === "assistant");
  const chats = readGolden(name).chat.filter(usable);

  it.each([
    ["with generation blocks", undefined],
    ["without them", withoutBlocks],
  ])("masks chats as transformers does, %s in the template", (_, template) => {
    const tokenizer = open(name, template);
    expect(chats.length).toBeGreaterThan(1);
    for (const chat of chats) {
      const example = encode({ messages: chat.messages }, tokenizer);
      expect([...example.ids]).toEqual(chat.ids);
      // The first token has no loss even where the template begins with an answer.
      expect(maskOf(example)).toEqual([0, ...chat.assistant_mask.slice(1)]);
    }
  });

  it("has loss on all tokens without a mask", () => {
    const chat = chats[0]!;
    const example = encode({ messages: chat.messages }, open(name), { maskPrompt: false });
    expect([...example.labels]).toEqual([NO_LOSS, ...chat.ids.slice(1)]);
  });
});

describe("answers", () => {
  const tokenizer = open("qwen2", withoutBlocks);
  const textOf = (messages: unknown[], own = tokenizer) => supervisedText(encode({ messages }, own), own);

  it("carry loss in every assistant turn, end-of-turn token included, newline after it not", () => {
    expect(textOf([user("a"), assistant("b"), user("b"), assistant(" c\n")])).toEqual([
      "b<|im_end|>",
      " c\n<|im_end|>",
    ]);
  });

  it("carry none where weight is 0", () => {
    expect(textOf([user("a"), { ...assistant("b"), weight: 0 }, user("c"), assistant("d")])).toEqual(["d<|im_end|>"]);
    const blocks = open("qwen2");
    const messages = [user("a"), assistant("b"), user("c"), { ...assistant("d"), train: false }];
    expect(textOf(messages, blocks)).toEqual(["b<|im_end|>"]);
  });

  it("are found though the template strips old think blocks", () => {
    const strips = open("qwen2", () =>
      [
        "{%- for m in messages %}{%- set c = m.content %}",
        "{%- if m.role == 'assistant' and '</think>' in c and not loop.last %}",
        "{%- set c = c.split('</think>')[-1].lstrip('\\n') %}{%- endif %}",
        "{{- '<|im_start|>' + m.role + '\\n' + c + '<|im_end|>\\n' }}{%- endfor %}",
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}",
      ].join("\n"),
    );
    const messages = [
      user("q"),
      assistant("<think>\none\n</think>\n\nx"),
      user("r"),
      assistant("<think>\ntwo\n</think>\n\ny"),
    ];
    expect(textOf(messages, strips)).toEqual(["x<|im_end|>", "<think>\ntwo\n</think>\n\ny<|im_end|>"]);
  });

  it("begin after the header though the generation prompt opens a think block the history lacks", () => {
    const opens = open("qwen2", (own) =>
      withoutBlocks(own).replace(/(<\|im_start\|>assistant\\n)(?=' \}\}\n\{%- endif %\}$)/, "$1<think>\\n"),
    );
    expect(opens.chatTemplates.get("default")).toContain("<think>");
    expect(textOf([user("q"), assistant("a"), user("r"), assistant("b")], opens)).toEqual([
      "a<|im_end|>",
      "b<|im_end|>",
    ]);
  });

  it("are found where the template looks into the content, which marks would change", () => {
    const looks = open("qwen2", (own) =>
      withoutBlocks(own).replace(
        "{%- for",
        "{%- if messages[1].content != 'b' %}{{ raise_exception('no') }}{% endif %}\n{%- for",
      ),
    );
    expect(textOf([user("a"), assistant("b"), user("b"), assistant("c")], looks)).toEqual([
      "b<|im_end|>",
      "c<|im_end|>",
    ]);
  });

  it("are whole with tool calls", () => {
    const tools = open("qwen2", (own) =>
      withoutBlocks(own).replace(
        "message['content'] + '<|im_end|>'",
        "(message.content or '') + ('<call>' + message.tool_calls[0].function | tojson + '</call>' if message.tool_calls else '') + '<|im_end|>'",
      ),
    );
    const call = { type: "function", function: { name: "f", arguments: '{"x": 1}' } };
    const messages = [
      user("q"),
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", content: "2" },
      assistant("a"),
    ];
    expect(textOf(messages, tools)).toEqual([
      '<call>{"name": "f", "arguments": {"x": 1}}</call><|im_end|>',
      "a<|im_end|>",
    ]);
  });

  it("give tool arguments as text to templates that paste them", () => {
    const pastes = open(
      "qwen2",
      () =>
        "{% for m in messages %}{{ m.role + (m.content or m.tool_calls[0].function.name + m.tool_calls[0].function.arguments) + '<|im_end|>' }}{% endfor %}",
    );
    const call = { type: "function", function: { name: "f", arguments: { x: 1 } } };
    const example = encode({ messages: [user("q"), { role: "assistant", content: null, tool_calls: [call] }] }, pastes);
    expect(pastes.decode(example.ids)).toContain('f{"x":1}<|im_end|>');
  });

  it("that the template rewrites beyond recognition are an error, not a wrong mask", () => {
    const shortens = open("qwen2", (own) =>
      withoutBlocks(own).replaceAll("message['content']", "message['content'] | replace('b', '')"),
    );
    expect(textOf([user("b"), assistant("abc")], shortens)).toEqual(["ac<|im_end|>"]);
    const hides = open(
      "qwen2",
      () => "{% if messages[1].content != 'abc' %}{{ raise_exception('x') }}{% endif %}hidden",
    );
    expect(() => textOf([user("a"), assistant("abc")], hides)).toThrow(/messages\.1: .*cannot be found/);
  });
});

describe("prompt and completion", () => {
  it("are a user and an assistant turn where the model has a template", () => {
    const tokenizer = open("smollm");
    const example = encode({ prompt: "p", completion: "c" }, tokenizer);
    expect(tokenizer.decode(example.ids)).toContain(
      "<|im_start|>user\np<|im_end|>\n<|im_start|>assistant\nc<|im_end|>\n",
    );
    expect(supervisedText(example, tokenizer)).toEqual(["c<|im_end|>"]);
  });

  it("are plain text without one, with loss on the completion and eos", () => {
    const tokenizer = open("llama3", () => undefined);
    const example = encode({ prompt: "Q: 1+1? A:", completion: " 2" }, tokenizer);
    expect(tokenizer.decode(example.ids)).toBe("<|begin_of_text|>Q: 1+1? A: 2<|eot_id|>");
    expect(supervisedText(example, tokenizer)).toEqual([" 2<|eot_id|>"]);
    expect(
      supervisedText(encode({ prompt: "a", completion: "b" }, tokenizer, { maskPrompt: false }), tokenizer),
    ).toEqual(["ab<|eot_id|>"]);
  });
});

describe("text and tokens", () => {
  it("text has loss on all but the first token, and eos once", () => {
    const tokenizer = open("llama2");
    for (const text of ["Once upon", "Once upon</s>"]) {
      const example = encode({ text }, tokenizer);
      expect(example.ids[0]).toBe(tokenizer.special.bos!.id);
      expect(example.ids.filter((id) => id === tokenizer.special.eos!.id)).toHaveLength(1);
      expect([...example.labels]).toEqual([NO_LOSS, ...example.ids.subarray(1)]);
    }
  });

  it("tokens are taken as they are, with no loss on the first", () => {
    const example = encode({ input_ids: [5, 6, 7], labels: [5, -100, 7] }, open("qwen2"));
    expect([...example.ids]).toEqual([5, 6, 7]);
    expect([...example.labels]).toEqual([-100, -100, 7]);
    expect(example.supervised).toBe(1);
  });
});

describe("encodeDataset", () => {
  const tokenizer = open("qwen2");
  const options = optionsFor(tokenizer);

  it("cuts on the right, drops what has no loss left, and reports both with lines", () => {
    const values = [
      { input_ids: [1, 2, 3, 4, 5], labels: [-100, 2, 3, 4, 5] },
      { input_ids: [1, 2, 3, 4, 5], labels: [-100, -100, -100, -100, 5] },
      { input_ids: [1, 2], labels: [1, -100] },
      { text: "a b" },
    ];
    const records = values.map((value, i) => record(value, 10 + i));
    const { examples, report } = encodeDataset(records, tokenizer, { ...options, maxSeqLength: 4 });
    expect(examples.map((example) => example.line)).toEqual([10, 13]);
    expect([...examples[0]!.ids]).toEqual([1, 2, 3, 4]);
    expect(examples[0]).toMatchObject({ truncated: true, supervised: 3 });
    const tokens = examples.reduce((sum, example) => sum + example.ids.length, 0);
    expect(report).toEqual({
      records: 4,
      kept: 2,
      truncated: [10],
      dropped: { "cut off before its answer": [11], "no token carries loss": [12] },
      forms: { tokens: 3, text: 1 },
      tokens,
      supervised: tokens - 2,
      length: { min: tokens - 4, median: 4, max: 4 },
    });
  });

  it("refuses ids outside the model's vocabulary, and names every line", () => {
    const records = [record({ input_ids: [1, 900] }, 3), record({ input_ids: [1, 2], labels: [1, 901] }, 5)];
    const act = () => encodeDataset(records, tokenizer, options);
    expect(act).toThrow(expect.objectContaining({ kind: "data" }));
    expect(act).toThrow(/2 problems\n {2}data\.jsonl line 3: .*below 703.*got 900\n {2}data\.jsonl line 5: .*901/);
    expect(() => encodeDataset([record({ text: "hello" })], tokenizer, { ...options, vocabSize: 10 })).toThrow(
      /below 10/,
    );
  });

  it("names record and reason when a template refuses, and goes on in the doctor's mode", () => {
    const gemma = open("gemma");
    const system = { messages: [{ role: "system", content: "s" }, user("a"), assistant("b")] };
    const records = [record(system, 1), record({ messages: [user("a"), assistant("b")] }, 2)];
    expect(() => encodeDataset(records, gemma, optionsFor(gemma))).toThrow(
      /data\.jsonl line 1: chat template: System role not supported/,
    );
    const { examples, problems } = tryEncodeDataset(records, gemma, optionsFor(gemma));
    expect(examples.map((example) => example.line)).toEqual([2]);
    expect(problems.list).toHaveLength(1);
  });

  it("refuses conversations for a model without a chat template, with a hint", () => {
    const base = open("llama2", () => undefined);
    const act = () => encodeDataset([record({ messages: [user("a"), assistant("b")] })], base, optionsFor(base));
    expect(act).toThrow(expect.objectContaining({ kind: "data", hint: expect.stringMatching(/instruct/) }));
    expect(act).toThrow(/without/);
  });

  it("has an empty report for no records", () => {
    expect(encodeDataset([], tokenizer, options).report).toMatchObject({ kept: 0, tokens: 0, length: { max: 0 } });
  });
});
