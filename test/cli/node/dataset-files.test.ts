import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDatasetFiles } from "../../../src/cli/node/dataset-files.ts";
import { readDataset } from "../../../src/data/dataset.ts";

const folder = (files: Record<string, string>) => {
  const path = mkdtempSync(join(tmpdir(), "dataset-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
};
const line = (text: string) => `${JSON.stringify({ text })}\n`;

describe("openDatasetFiles", () => {
  it("opens one file, with --valid beside it", async () => {
    const path = folder({ "a.jsonl": line("a"), "b.json": `[${line("b")}]` });
    const alone = await readDataset(await openDatasetFiles(join(path, "a.jsonl")));
    expect(alone.train.records).toMatchObject([{ text: "a" }]);
    expect(alone.valid).toBeNull();
    const both = await readDataset(await openDatasetFiles(join(path, "a.jsonl"), join(path, "b.json")));
    expect(both.valid?.records).toMatchObject([{ text: "b" }]);
  });

  it("opens a folder's train, valid and test; --valid goes first", async () => {
    const path = folder({
      "train.jsonl": line("a"),
      "valid.jsonl": line("b"),
      "test.json": line("c"),
      "other.jsonl": line("d"),
    });
    const dataset = await readDataset(await openDatasetFiles(path));
    expect([dataset.train, dataset.valid, dataset.test].map((set) => set?.records[0])).toMatchObject([
      { text: "a" },
      { text: "b" },
      { text: "c" },
    ]);
    const other = await readDataset(await openDatasetFiles(path, join(path, "other.jsonl")));
    expect(other.valid?.records).toMatchObject([{ text: "d" }]);
  });

  it("says what is missing", async () => {
    const path = folder({ "data.jsonl": line("a") });
    await expect(openDatasetFiles(path)).rejects.toMatchObject({
      kind: "config",
      hint: expect.stringMatching(/train\.jsonl/),
    });
    await expect(openDatasetFiles(join(path, "nope.jsonl"))).rejects.toThrow(/--data .*nothing there/);
    await expect(openDatasetFiles(join(path, "data.jsonl"), path)).rejects.toThrow(/--valid .*got a folder/);
  });
});
