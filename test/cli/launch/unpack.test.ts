import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { brotliCompressSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tarFiles, unpackOnce, unpackProgram, unpackTar } from "../../../src/cli/launch/unpack.mjs";

interface Entry {
  readonly name: string;
  readonly text?: string;
  readonly mode?: number;
  readonly type?: string;
}

/** A ustar archive, written independently of the reader. */
function tar(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ name, text = "", mode = 0o644, type = "0" }) => {
    const header = Buffer.alloc(512);
    const bytes = Buffer.from(text);
    header.write(name.slice(0, 100), 0);
    header.write(`${mode.toString(8).padStart(7, "0")}\0`, 100);
    header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write(type, 156);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

describe("tarFiles", () => {
  it("reads names, contents and the executable bit, and passes over folders", () => {
    const archive = tar([
      { name: "fonts/", type: "5" },
      { name: "fonts/a.ttf", text: "A".repeat(512) },
      { name: "run", text: "#!", mode: 0o755 },
      { name: "empty" },
    ]);
    const files = tarFiles(archive).map(({ name, bytes, executable }) => [name, bytes.length, executable]);
    expect(files).toEqual([
      ["fonts/a.ttf", 512, false],
      ["run", 2, true],
      ["empty", 0, false],
    ]);
  });

  it("refuses names that leave the folder", () => {
    for (const name of ["../evil", "/evil", "a/../../evil"]) {
      expect(() => tarFiles(tar([{ name, text: "x" }]))).toThrow(/leaves its folder/);
    }
  });

  it("refuses an archive that was cut off", () => {
    const archive = tar([{ name: "a", text: "x".repeat(2000) }]);
    expect(() => tarFiles(archive.subarray(0, 1024))).toThrow(/a ends past the end/);
  });

  it("reads damaged archives or throws an error of its own", () => {
    const archive = tar([
      { name: "a", text: "one" },
      { name: "b", text: "two" },
    ]);
    fc.assert(
      fc.property(fc.nat(archive.length - 1), fc.nat(255), (at, value) => {
        const damaged = Buffer.from(archive);
        damaged[at] = value;
        try {
          tarFiles(damaged);
        } catch (error) {
          expect(String(error)).toMatch(/^Error: tar: /);
        }
      }),
    );
  });
});

describe("unpacking", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lorikeet-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const archive = (name: string, bytes: Buffer) => {
    writeFileSync(path.join(folder, name), brotliCompressSync(bytes));
    return path.join(folder, name);
  };

  it("writes the wanted files of an archive with their modes", async () => {
    const from = archive(
      "a.tar.br",
      tar([
        { name: "bin/run", text: "x", mode: 0o755 },
        { name: "readme", text: "y" },
      ]),
    );
    await unpackTar(from, path.join(folder, "out"), (name) => name !== "readme");
    expect(readdirSync(path.join(folder, "out"))).toEqual(["bin"]);
    expect(statSync(path.join(folder, "out/bin/run")).mode & 0o111).toBe(0o111);
  });

  it("writes a program", async () => {
    const file = path.join(folder, "program");
    await unpackProgram(archive("program.br", Buffer.from("text")), file);
    expect(readFileSync(file, "utf8")).toBe("text");
    expect(statSync(file).mode & 0o100).toBe(0o100);
  });

  it("fills a folder once, whole or not at all", async () => {
    let fills = 0;
    const fill = async (draft: string) => {
      fills += 1;
      writeFileSync(path.join(draft, "a"), "x");
    };
    await Promise.all([unpackOnce(folder, "one", fill)]);
    await unpackOnce(folder, "one", fill);
    expect(fills).toBe(1);

    const broken = unpackOnce(folder, "two", async (draft) => {
      writeFileSync(path.join(draft, "a"), "x");
      throw new Error("disk full");
    });
    await expect(broken).rejects.toThrow("disk full");
    expect(readdirSync(folder)).toEqual(["one"]);
  });
});
