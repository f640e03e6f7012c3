import { describe, expect, it } from "vitest";
import { inspectDataset, readDataset } from "../../src/data/dataset.ts";
import { jsonl, linesOf } from "./support.ts";

const chat = {
  messages: [
    { role: "user", content: "q" },
    { role: "assistant", content: "a" },
  ],
};

describe("readDataset", () => {
  it("reads files of mixed forms and counts them", async () => {
    const train = jsonl("train.jsonl", linesOf(chat, { text: "t" }, { prompt: "p", completion: "c" }, chat));
    const dataset = await readDataset({ train, valid: jsonl("valid.jsonl", linesOf(chat)) });
    expect(dataset.train.forms).toEqual({ messages: 2, text: 1, "prompt-completion": 1 });
    expect(dataset.train.records.map((record) => record.line)).toEqual([1, 2, 3, 4]);
    expect(dataset.valid?.records).toHaveLength(1);
    expect(dataset.test).toBeNull();
  });

  it("throws once, with every fault of every file", async () => {
    const files = {
      train: jsonl("train.jsonl", `${linesOf(chat, { messages: [{ role: "bot" }] })}\n{oops\n${linesOf(chat)}`),
      valid: jsonl("valid.jsonl", linesOf({ foo: 1 })),
      test: jsonl("test.jsonl", "\n\n"),
    };
    await expect(readDataset(files)).rejects.toMatchObject({
      kind: "data",
      message: expect.stringMatching(
        /4 problems\n.*train\.jsonl line 2: messages\.0\.role.*\n.*train\.jsonl line 3, column 2: .*\n.*valid\.jsonl line 1: .*\n.*test\.jsonl: expected at least one record/,
      ),
      hint: expect.any(String),
    });
    const { dataset, problems } = await inspectDataset(files);
    expect(dataset.train.records).toHaveLength(2);
    expect(problems.list).toHaveLength(4);
  });
});
