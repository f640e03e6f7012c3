import { expect, it } from "vitest";
import { type DropEntry, type DropItem, filesOfDrop, filesOfInput } from "../../../src/ui/kit/dropped-files.ts";

const file = (name: string) => new File(["x"], name);

const fileEntry = (name: string): DropEntry =>
  Object.assign(
    { isFile: true, isDirectory: false, name },
    { file: (done: (file: File) => void) => setTimeout(() => done(file(name))) },
  );

/** Gives its children three at a time, as browsers give a hundred. */
function folderEntry(name: string, children: readonly DropEntry[], fails = false): DropEntry {
  const createReader = () => {
    let at = 0;
    return {
      readEntries(done: (entries: readonly DropEntry[]) => void, failed: (error: unknown) => void) {
        if (fails) return failed(new Error("not allowed"));
        const some = children.slice(at, at + 3);
        at += 3;
        setTimeout(() => done(some));
      },
    };
  };
  return Object.assign({ isFile: false, isDirectory: true, name }, { createReader });
}

const item = (entry: DropEntry): DropItem => ({ kind: "file", webkitGetAsEntry: () => entry, getAsFile: () => null });
const paths = async (items: readonly DropItem[]) => (await filesOfDrop(items)).map(({ path }) => path);

it("walks folders to the end, with paths, and leaves hidden files out", async () => {
  const many = Array.from({ length: 7 }, (_, i) => fileEntry(`part-${i}.safetensors`));
  const model = folderEntry("model", [
    fileEntry("config.json"),
    fileEntry(".DS_Store"),
    folderEntry(".git", [fileEntry("HEAD")]),
    folderEntry("weights", many),
  ]);
  expect(await paths([item(model), item(fileEntry("train.jsonl"))])).toEqual([
    "model/config.json",
    ...many.map(({ name }) => `model/weights/${name}`),
    "train.jsonl",
  ]);
});

it("takes plain files where there are no entries, and no dragged text", async () => {
  const plain: DropItem = { kind: "file", getAsFile: () => file("a.csv") };
  const secret: DropItem = { kind: "file", getAsFile: () => file(".env") };
  const text: DropItem = { kind: "string", getAsFile: () => null };
  expect(await paths([plain, secret, text])).toEqual(["a.csv"]);
});

it("says so when a folder cannot be read", async () => {
  await expect(filesOfDrop([item(folderEntry("model", [], true))])).rejects.toThrow("not allowed");
});

it("takes the paths a folder input knows", () => {
  const inside = Object.defineProperty(file("config.json"), "webkitRelativePath", { value: "model/config.json" });
  const hidden = Object.defineProperty(file("HEAD"), "webkitRelativePath", { value: "model/.git/HEAD" });
  expect(filesOfInput([inside, hidden, file("b.csv")]).map(({ path }) => path)).toEqual(["model/config.json", "b.csv"]);
});
