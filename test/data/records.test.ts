import { describe, expect, it } from "vitest";
import { faultsOf, record } from "./support.ts";

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

describe("forms", () => {
  it("messages, with tools as a list or JSON text", () => {
    const tools = [{ type: "function", function: { name: "f", parameters: {} } }];
    const messages = [user("q"), assistant("a")];
    const expected = { kind: "conversation", form: "messages", messages, train: [false, true], tools };
    expect(record({ messages, tools })).toMatchObject(expected);
    expect(record({ messages, tools: JSON.stringify(tools) })).toMatchObject(expected);
  });

  it("prompt and completion, and other names for them", () => {
    const expected = { kind: "completion", form: "prompt-completion", prompt: "p", completion: "c" };
    expect(record({ prompt: "p", completion: "c" })).toMatchObject(expected);
    for (const [prompt, answer] of [
      ["question", "answer"],
      ["instruction", "response"],
      ["input", "output"],
    ]) {
      expect(record({ [prompt!]: "p", [answer!]: "c" })).toMatchObject(expected);
    }
  });

  it("prompt and completion as message lists: loss on the completion only", () => {
    expect(record({ prompt: [user("a"), assistant("b"), user("c")], completion: [assistant("d")] })).toMatchObject({
      kind: "conversation",
      train: [false, false, false, true],
    });
  });

  it("text", () => expect(record({ text: "t" })).toEqual({ kind: "text", form: "text", line: 1, text: "t" }));

  it("Alpaca, with system, input and history", () => {
    const value = { instruction: "i", input: "x", output: "o", system: "s", history: [["q", "a"]] };
    expect(record(value)).toMatchObject({
      form: "alpaca",
      messages: [{ role: "system", content: "s" }, user("q"), assistant("a"), user("i\n\nx"), assistant("o")],
      train: [false, false, true, false, true],
    });
    expect(record({ instruction: "i", input: "", output: "o" })).toMatchObject({
      messages: [user("i"), assistant("o")],
    });
  });

  it("ShareGPT, with system, tools, function calls and observations", () => {
    const value = {
      conversations: [
        { from: "human", value: "h" },
        { from: "function_call", value: '{"name": "f", "arguments": {"x": 1}}' },
        { from: "observation", value: "42" },
        { from: "gpt", value: "g" },
      ],
      system: "s",
      tools: '[{"name": "f", "description": "d"}]',
    };
    expect(record(value)).toMatchObject({
      form: "sharegpt",
      messages: [
        { role: "system", content: "s" },
        user("h"),
        {
          role: "assistant",
          content: null,
          tool_calls: [{ type: "function", function: { name: "f", arguments: { x: 1 } } }],
        },
        { role: "tool", content: "42" },
        assistant("g"),
      ],
      train: [false, false, true, false, true],
      tools: [{ type: "function", function: { name: "f", description: "d" } }],
    });
  });

  it("a list of messages, and pre-tokenised records", () => {
    expect(record([user("q"), assistant("a")])).toMatchObject({ form: "message-list", train: [false, true] });
    expect(record({ input_ids: [1, 2], labels: [-100, 2] })).toMatchObject({ kind: "tokens", labels: [-100, 2] });
    expect(record({ input_ids: [1, 2] })).toMatchObject({ labels: [1, 2] });
  });

  it("go before each other as in mlx-lm: prompt and completion, messages, text", () => {
    const all = {
      text: "t",
      messages: [user("q"), assistant("a")],
      prompt: "p",
      completion: "c",
      instruction: "i",
      output: "o",
    };
    expect(record(all).form).toBe("prompt-completion");
    expect(record({ ...all, completion: undefined }).form).toBe("messages");
    expect(record({ ...all, completion: null, messages: null }).form).toBe("text");
    expect(record({ instruction: "i", output: "o" }).form).toBe("alpaca");
  });
});

describe("messages", () => {
  it("honour weight, loss_weight and train", () => {
    const messages = [
      user("q"),
      { ...assistant("a"), weight: 0 },
      { ...assistant("b"), weight: 1 },
      { ...assistant("c"), train: false },
      { ...assistant("d"), loss_weight: 1.0, train: true },
    ];
    const result = record({ messages });
    expect(result).toMatchObject({ train: [false, false, true, false, true] });
    expect(JSON.stringify(result)).not.toMatch(/weight/);
  });

  it("take null content with tool calls, and arguments as text or object", () => {
    const call = (args: unknown) => ({ id: "1", type: "function", function: { name: "f", arguments: args } });
    for (const args of ['{"x": [1, "é"]}', { x: [1, "é"] }]) {
      const messages = [user("q"), { role: "assistant", content: null, tool_calls: [call(args)] }];
      expect(record({ messages })).toMatchObject({
        messages: [user("q"), { content: null, tool_calls: [call({ x: [1, "é"] })] }],
      });
    }
    const legacy = { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } };
    expect(record({ messages: [user("q"), legacy] })).toMatchObject({
      messages: [user("q"), { tool_calls: [{ function: { name: "f", arguments: {} } }] }],
    });
  });

  it("join text parts and keep reasoning apart", () => {
    const parts = [
      { type: "reasoning", value: "r" },
      { type: "text", text: "a" },
      { type: "text", value: "b" },
    ];
    expect(record({ messages: [user("q"), { role: "assistant", content: parts }] })).toMatchObject({
      messages: [user("q"), { content: "ab", reasoning_content: "r" }],
    });
  });
});

describe("faults", () => {
  const cases: [string, unknown, RegExp][] = [
    ["a number", 5, /^data\.jsonl line 7: expected an object or a list of messages, got 5$/],
    ["no known keys", { foo: 1, bar: 2 }, /expected one of messages, .*got keys foo, bar/],
    ["an unknown role", { messages: [user("q"), { role: "bot", content: "a" }] }, /messages\.1\.role: .*got "bot"/],
    ["a role from Object.prototype", { messages: [{ role: "constructor", content: "a" }] }, /messages\.0\.role/],
    ["no assistant turn", { messages: [user("q")] }, /messages: expected an assistant turn, got none/],
    ["no messages", { messages: [] }, /expected an assistant turn/],
    ["an empty answer", { messages: [user("q"), assistant(" \n")] }, /messages\.1\.content: expected an answer/],
    ["a null answer", { messages: [user("q"), { role: "assistant", content: null }] }, /messages\.1\.content/],
    [
      "a null question",
      { messages: [{ role: "user", content: null }, assistant("a")] },
      /messages\.0\.content: expected a text/,
    ],
    [
      "an image",
      { messages: [{ role: "user", content: [{ type: "image" }] }, assistant("a")] },
      /content\.0: .*"image"/,
    ],
    [
      "a weight of 0.5",
      { messages: [user("q"), { ...assistant("a"), weight: 0.5 }] },
      /messages\.1\.weight: expected 0 or 1/,
    ],
    ["a message that is text", { messages: ["q"] }, /messages\.0: expected a message/],
    ["an empty completion", { prompt: "p", completion: "" }, /completion: expected a text that is not empty/],
    ["an empty text", { text: "  " }, /text: expected a text that is not empty, got " {2}"/],
    ["an empty Alpaca output", { instruction: "i", input: "", output: "" }, /output: expected a text/],
    ["a broken history", { instruction: "i", output: "o", history: [["q"]] }, /history/],
    ["tools that are no list", { messages: [user("q"), assistant("a")], tools: "nope" }, /tools: expected a list/],
    [
      "a function call that is no JSON",
      { conversations: [{ from: "function_call", value: "x" }] },
      /conversations\.0\.value/,
    ],
    ["preference data", { prompt: "p", chosen: "a", rejected: "b" }, /preference data/],
    ["a rejected answer", { prompt: "p", completion: "c", label: false }, /label: .*rejected/],
    ["labels of another length", { input_ids: [1, 2], labels: [1] }, /labels: expected 2 labels/],
    ["negative ids", { input_ids: [-1] }, /input_ids: expected a list of token ids/],
    ["fractional labels", { input_ids: [1], labels: [0.5] }, /labels: expected/],
  ];
  it.each(cases)("%s", (_, value, message) => {
    const faults = faultsOf(value);
    expect(faults.join("\n")).toMatch(message);
    for (const fault of faults) expect(fault).toMatch(/^data\.jsonl line 7: /);
  });

  it("are all noted, not only the first", () => {
    expect(faultsOf({ messages: [{ role: "x", content: "" }, { role: "y" }, 5] })).toHaveLength(3);
  });

  it("of a turn without loss do not matter", () => {
    const messages = [user("q"), { ...assistant(""), weight: 0 }, user("r"), assistant("a")];
    expect(record({ messages })).toMatchObject({ train: [false, false, false, true] });
  });
});
