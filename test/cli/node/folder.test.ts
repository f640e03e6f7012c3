import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileSource, folderSource } from "../../../src/cli/node/folder.ts";
import { readJson, readText } from "../../../src/core/bytes.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "lorikeet-folder-"));
  await mkdir(path.join(root, "model", "sub"), { recursive: true });
  await writeFile(path.join(root, "secret.txt"), "outside");
  await writeFile(path.join(root, "model", "config.json"), '\ufeff{"a":1}');
  await writeFile(path.join(root, "model", "sub", "x.txt"), "inside");
  await writeFile(path.join(root, "model", "latin1.txt"), Buffer.from([0xe9]));
  await writeFile(path.join(root, "model", "lfs.json"), "version https://git-lfs.github.com/spec/v1\noid sha256:00\n");
  await symlink("../secret.txt", path.join(root, "model", "link.txt"));
});
afterAll(() => rm(root, { recursive: true }));

const model = () => folderSource(path.join(root, "model"));

describe("folderSource", () => {
  it("lists the files in it, links included", async () => {
    expect(await model().list()).toEqual(["config.json", "latin1.txt", "lfs.json", "link.txt"]);
  });

  it("reads by range, in folders below, and through links (the Hub's cache consists of them)", async () => {
    const file = (await model().open("sub/x.txt"))!;
    expect(file.size).toBe(6);
    expect(Buffer.from(await file.read(2, 5)).toString()).toBe("sid");
    expect(await file.read(6, 6)).toHaveLength(0);
    await expect(file.read(2, 7)).rejects.toThrow("cannot read bytes 2 to 7, the file has 6");
    expect(await readText(model(), "link.txt")).toBe("outside");
  });

  it("absent files and folders are null", async () => {
    expect(await model().open("none.json")).toBeNull();
    expect(await model().open("sub")).toBeNull();
    expect(await model().open("config.json/x")).toBeNull();
    expect(await readText(model(), "none.json")).toBeNull();
    expect(await readJson(model(), "none.json")).toBeUndefined();
  });

  it.each(["../secret.txt", "sub/../../secret.txt", "/etc/passwd", "..", "a\0b"])(
    "refuses the path %j",
    async (outside) => {
      await expect(model().open(outside)).rejects.toThrow("expected a path inside the folder");
    },
  );

  it("says that a folder does not exist", async () => {
    await expect(folderSource(path.join(root, "nowhere")).list()).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining("nowhere: expected a folder, got ENOENT"),
    });
  });

  it("notices a file that shrank", async () => {
    const file = fileSource(path.join(root, "secret.txt"), 100);
    await expect(file.read(0, 100)).rejects.toThrow("expected bytes up to 100, the file ends at 7");
  });
});

describe("readText and readJson", () => {
  it("drop a byte order mark", async () => {
    expect(await readJson(model(), "config.json")).toEqual({ a: 1 });
  });

  it("refuse what is no UTF-8, no JSON, or a git-lfs pointer", async () => {
    await expect(readText(model(), "latin1.txt")).rejects.toThrow("latin1.txt: expected UTF-8 text, got other bytes");
    await expect(readJson(model(), "sub/x.txt")).rejects.toThrow("sub/x.txt: expected JSON, got something else");
    await expect(readJson(model(), "lfs.json")).rejects.toMatchObject({
      hint: expect.stringContaining("git lfs pull"),
    });
  });
});
