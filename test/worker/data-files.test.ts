import { describe, expect, it } from "vitest";
import { keepFiles, keptFiles, sortFiles } from "../../src/worker/data-files.ts";
import type { DroppedFile } from "../../src/worker/protocol.ts";
import { memoryStore } from "../../src/worker/storage/memory-store.ts";
import { storageFullError } from "../../src/worker/storage/store.ts";

const file = (path: string, text = path): DroppedFile => ({ path, file: new Blob([text]) as File });
const names = (files: ReturnType<typeof sortFiles>) => [files.train.name, files.validation?.name ?? null];

describe("dropped data files", () => {
  it.each([
    [["chats.jsonl"], ["chats.jsonl", null]],
    [["valid.jsonl"], ["valid.jsonl", null]], // alone it is what there is to train on
    [
      ["d/train.jsonl", "d/valid.jsonl", "d/test.jsonl", "d/.DS_Store"],
      ["train.jsonl", "valid.jsonl"],
    ],
    [
      ["my-data.csv", "my-data-validation.csv"],
      ["my-data.csv", "my-data-validation.csv"],
    ],
    [
      ["train.parquet", "test.parquet"],
      ["train.parquet", "test.parquet"],
    ],
    [
      ["evaluations.jsonl", "dev.jsonl"],
      ["evaluations.jsonl", "dev.jsonl"],
    ],
  ])("%j → %j", (paths, expected) => expect(names(sortFiles(paths.map((path) => file(path))))).toEqual(expected));

  it("refuses several files to train on, and none", () => {
    expect(() => sortFiles([file("a.jsonl"), file("b.jsonl")])).toThrow(/one file to train on.*a\.jsonl, b\.jsonl/);
    expect(() => sortFiles([file("valid.jsonl"), file("test.jsonl")])).toThrow(/one file to train on/);
    expect(() => sortFiles([])).toThrow(/got nothing/);
  });

  it("are found again after a reload", async () => {
    const store = memoryStore();
    await keepFiles(store, sortFiles([file("a b.jsonl", "one"), file("valid.jsonl", "two")]));
    const { train, validation } = await keptFiles(store);
    expect([train.name, validation?.name]).toEqual(["a b.jsonl", "valid.jsonl"]);
    expect(new TextDecoder().decode(await train.read(0, train.size))).toBe("one");
    await keepFiles(store, sortFiles([file("c.jsonl")]));
    expect((await keptFiles(store)).validation).toBeNull();
  });

  it("leave nothing half behind when there is no room", async () => {
    const store = memoryStore();
    const full = { ...store, writeAt: () => Promise.reject(storageFullError("x", 1)) };
    await keepFiles(full, sortFiles([file("a.jsonl")]));
    await expect(keptFiles(store)).rejects.toThrow(/not kept in this browser/);
  });
});
