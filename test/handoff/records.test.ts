/** Records as both tools get them: in words where their mask is ours, as tokens where the tool takes them, and counted where not. */
import { describe, expect, it } from "vitest";
import { createEncoder } from "../../src/data/encode.ts";
import { type Asked, assistant, chat, demo, Folder, recordsOf, user } from "./support.ts";

const SINGLE = chat(user("What is the taste of a lemon?"), assistant("Sour."));
const TWO = chat(user("Hello"), assistant("Hi"), user("And now?"), assistant("Now we fly."));

const make = (rows: readonly object[], { knobs = {}, valid = null, ...more }: Asked = {}) =>
  new Folder({ rows, valid, knobs: { batchSize: 1, ...knobs }, ...more });

/** Tokens and labels as training has them. */
function trained(rows: readonly object[], maskPrompt = true) {
  const { tokenizer, config } = demo;
  const options = { where: "test", maxSeqLength: 512, maskPrompt, vocabSize: config.vocab_size };
  const encoder = createEncoder(tokenizer!, options);
  return recordsOf(rows).map((record) => {
    const example = encoder.encode(record);
    if (typeof example === "string") throw new Error(example);
    return { input_ids: [...example.ids], labels: [...example.labels] };
  });
}

const row = (folder: Folder, what: string) =>
  folder
    .text("README.md")
    .split("\n")
    .find((line) => line.startsWith(`| ${what}`));

describe("a conversation with one answer", () => {
  const folder = make([SINGLE, { prompt: "Why?", completion: "Because." }]);

  it("goes as messages to mlx-lm, with the prompt masked", () => {
    expect(folder.rows("mlx/data/train.jsonl")).toEqual([SINGLE, chat(user("Why?"), assistant("Because."))]);
    expect(folder.options().mask_prompt).toBe(true);
  });

  it("goes as prompt and completion to TRL, for the model's own template", () => {
    const [first] = folder.rows("trl/data/train.jsonl");
    expect(first).toEqual({ prompt: SINGLE.messages.slice(0, 1), completion: SINGLE.messages.slice(1) });
    expect(folder.text("trl/train.py")).toContain("completion_only_loss=True");
  });

  it("is told to carry a few tokens more there: those behind the end of the answer", () => {
    const words = row(folder, "Which tokens")!;
    expect(words.match(/2 that the template writes behind the answer do/g)).toHaveLength(2);
    expect(words).not.toContain("carry none there");
  });

  it("needs no mask where everything carries loss", () => {
    const whole = make([SINGLE], { knobs: { maskPrompt: false } });
    expect(whole.options().mask_prompt).toBe(false);
    expect(whole.rows("trl/data/train.jsonl")).toEqual([SINGLE]);
    expect(whole.text("trl/train.py")).not.toContain("completion_only_loss");
    expect(row(whole, "Which tokens")!.match(/The same tokens as here\./g)).toHaveLength(2);
  });
});

describe("a conversation with several answers", () => {
  const rows = [SINGLE, TWO];
  const folder = make(rows);

  it("goes to TRL as the very tokens and labels of training, and all others with it", () => {
    expect(folder.rows("trl/data/train.jsonl")).toEqual(trained(rows));
    expect(folder.rows("trl/data/train.jsonl")).not.toEqual(trained(rows, false));
    expect(folder.text("trl/train.py")).not.toContain("completion_only_loss");
  });

  it("goes to mlx-lm as it is, and README.md counts the tokens that carry no loss there", () => {
    expect(folder.rows("mlx/data/train.jsonl")).toEqual(rows);
    const labels = (list: ReturnType<typeof trained>) =>
      list.flatMap((one) => one.labels).filter((label) => label !== -100).length;
    const lost = labels(trained([TWO])) - labels(trained([chat(...TWO.messages.slice(2))]));
    const all = labels(trained(rows));
    expect(lost).toBeGreaterThan(1);
    const share = ((100 * lost) / all).toFixed(1);
    expect(row(folder, "Which tokens")).toContain(`${lost} of our tokens (${share} %) carry none there`);
  });

  it("ends for mlx-lm with the last answer that is trained", () => {
    const told = chat(user("Hello"), assistant("Hi"), user("And now?"), assistant("Now we fly.", { weight: 0 }));
    expect(make([told]).rows("mlx/data/train.jsonl")).toEqual([chat(user("Hello"), assistant("Hi"))]);
    const [sent] = make([told]).rows("trl/data/train.jsonl");
    expect(sent).toEqual({ prompt: [user("Hello")], completion: [assistant("Hi")] });
  });
});

it("keeps what a template sees beside plain messages out of tables, which would fill it up", () => {
  const tools = [{ type: "function", function: { name: "f", parameters: {} } }];
  const named = chat({ ...user("Hello"), name: "Pip" }, assistant("Hi"));
  for (const rows of [[{ ...SINGLE, tools }], [named], [{ ...SINGLE, chat_template_kwargs: { a: 1 } }]]) {
    const folder = make(rows);
    expect(Object.keys(folder.rows("trl/data/train.jsonl")[0])).toEqual(["input_ids", "labels"]);
    expect(folder.rows("mlx/data/train.jsonl")[0].messages).toEqual(rows[0]!.messages);
  }
  expect(make([{ ...SINGLE, tools }]).rows("mlx/data/train.jsonl")[0].tools).toEqual(tools);
});

it("writes plain text as text, to both", () => {
  const rows = [{ text: "A lemon is sour." }];
  const folder = make(rows);
  for (const tool of ["mlx", "trl"]) expect(folder.rows(`${tool}/data/train.jsonl`)).toEqual(rows);
  // mlx-lm refuses to mask the prompt of plain text.
  expect(folder.options().mask_prompt).toBe(false);
});

it("says which records mlx-lm cannot take, and why", () => {
  const tokens = { input_ids: [5, 6, 7], labels: [-100, 6, 7] };
  const folder = make([{ text: "Plain." }, SINGLE, tokens, { text: "Plainer." }]);
  expect(folder.rows("mlx/data/train.jsonl")).toEqual([SINGLE]);
  const readme = folder.text("README.md");
  expect(readme).toContain("2 left out: plain text beside conversations (line 1, 4).");
  expect(readme).toContain("1 left out: token ids, which mlx-lm does not take (line 3).");
  expect(folder.rows("trl/data/train.jsonl")).toHaveLength(4);
});

it("has no folder for mlx-lm where all records are token ids", () => {
  const rows = [{ input_ids: [5, 6, 7], labels: [-100, 6, 7] }];
  const folder = make(rows, { more: { tokenizer: null } });
  expect([...folder.files.keys()].filter((path) => path.startsWith("mlx/"))).toEqual([]);
  expect(folder.text("README.md")).toContain("Not possible");
  expect(folder.rows("trl/data/train.jsonl")).toEqual(rows);
});

it("leaves out of mlx-lm's file a row in which nothing would carry loss: it would make every weight NaN", () => {
  const long = chat(user("word ".repeat(60)), assistant("Hi"), user("word ".repeat(60)), assistant("Now we fly."));
  const folder = make([TWO, long], { knobs: { maxSeqLength: 80 } });
  expect(folder.rows("mlx/data/train.jsonl")).toEqual([TWO]);
  expect(folder.text("README.md")).toContain("1 left out: their answer begins behind the longest length (line 2).");
  expect(make([TWO, long]).rows("mlx/data/train.jsonl")).toHaveLength(2);
});

it("does not hand over what training leaves out, and refuses a job without any record", () => {
  const silent = chat(user("Hello"), assistant("Hi", { weight: 0 }));
  const folder = make([SINGLE, silent]);
  expect(folder.rows("mlx/data/train.jsonl")).toEqual([SINGLE]);
  expect(folder.text("README.md")).toContain("training leaves out here are not in it: 1.");
  expect(() => make([silent])).toThrow("no record is left");
});
