/**
 * What every store must do, as named checks without a test framework: Node runs them on memory and on a made-up file
 * system, a worker in the browser on the real one.
 */
import { LorikeetError } from "../../../src/core/errors.ts";
import type { Store } from "../../../src/worker/storage/store.ts";

export interface StoreCheck {
  readonly name: string;
  /** On an empty store; throws what is wrong. */
  run(store: Store): Promise<void>;
}

const text = (value: string) => new TextEncoder().encode(value);
const readText = async (store: Store, path: string) => {
  const bytes = await store.read(path);
  return bytes && new TextDecoder().decode(bytes);
};

function same(found: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, found ${a}`);
}

async function refused(promise: Promise<unknown>, what: string): Promise<void> {
  const outcome = await promise.then(
    () => "nothing",
    (error) => (error instanceof LorikeetError ? "an explained error" : String(error)),
  );
  same(outcome, "an explained error", what);
}

/** Bytes that differ from place to place and from seed to seed. */
export function pattern(length: number, seed: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, i) => (i * 31 + (i >> 12) + seed * 7) & 0xff);
}

/** Where `bytes` differ from the pattern first, or -1. */
export const differsAt = (bytes: Uint8Array, seed: number): number =>
  bytes.findIndex((byte, i) => byte !== ((i * 31 + (i >> 12) + seed * 7) & 0xff));

export const STORE_CHECKS: readonly StoreCheck[] = [
  {
    name: "gives back what was written, and null for what was not",
    async run(store) {
      await store.write("a/b/c.txt", text("one"));
      await store.write("empty", new Uint8Array(0));
      same(await readText(store, "a/b/c.txt"), "one", "read");
      same((await store.read("empty"))?.byteLength, 0, "an empty file");
      for (const path of ["a/b", "a", "a/b/c", "a/b/c.txt/d", "x/y"])
        same(await store.read(path), null, `read ${path}`);
    },
  },
  {
    name: "a write replaces all of the old file",
    async run(store) {
      await store.write("f", text("a long old text"));
      await store.write("f", text("new"));
      same(await readText(store, "f"), "new", "a shorter one");
    },
  },
  {
    name: "keeps copies, and gives copies",
    async run(store) {
      const bytes = text("abc");
      await store.write("f", bytes.subarray(1));
      bytes.fill(0);
      (await store.read("f"))!.fill(0);
      same(await readText(store, "f"), "bc", "after both were changed");
    },
  },
  {
    name: "opens for reading by range, and refuses what lies outside",
    async run(store) {
      await store.write("dir/f", text("0123456789"));
      const file = (await store.open("dir/f"))!;
      same([file.name, file.size], ["dir/f", 10], "name and size");
      const part = await file.read(3, 7);
      same([new TextDecoder().decode(part), part.byteOffset, part.buffer.byteLength], ["3456", 0, 4], "bytes 3 to 7");
      same((await file.read(10, 10)).byteLength, 0, "nothing at the end");
      await refused(file.read(5, 11), "past the end");
      same([await store.open("dir"), await store.open("dir/g")], [null, null], "a folder, an absent file");
    },
  },
  {
    name: "appends to the end, in the order of the calls",
    async run(store) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => store.append("log/m.jsonl", text(`${i}\n`))));
      same(await readText(store, "log/m.jsonl"), Array.from({ length: 20 }, (_, i) => `${i}\n`).join(""), "20 lines");
    },
  },
  {
    name: "writes in place at a position",
    async run(store) {
      await store.writeAt("f", 4, text("efgh"));
      same([...(await store.read("f"))!.subarray(0, 4)], [0, 0, 0, 0], "the gap");
      await store.writeAt("f", 0, text("abcd"));
      await store.writeAt("f", 2, text("XY"));
      same(await readText(store, "f"), "abXYefgh", "three writes");
    },
  },
  {
    name: "lists by name, with sizes, folders with all that is in them",
    async run(store) {
      same(await store.list(""), [], "the empty top");
      for (const [path, size] of [
        ["b/x/1", 10],
        ["b/2", 5],
        ["a", 3],
        ["Z", 1],
      ] as const) {
        await store.write(path, new Uint8Array(size));
      }
      const file = (name: string, size: number) => ({ name, kind: "file", size });
      const folder = (name: string, size: number) => ({ name, kind: "folder", size });
      same(await store.list(""), [file("Z", 1), file("a", 3), folder("b", 15)], "the top");
      same(await store.list("b"), [file("2", 5), folder("x", 10)], "a folder");
      same([await store.list("c"), await store.list("a")], [[], []], "no folder");
      same(await store.usage(), 19, "usage");
    },
  },
  {
    name: "removes files and folders with all in them",
    async run(store) {
      for (const path of ["a/b/1", "a/b/2", "a/bc", "d/e"]) await store.write(path, text(path));
      await store.remove("a/b");
      same([await store.read("a/b/1"), await readText(store, "a/bc")], [null, "a/bc"], "a folder, not its neighbour");
      await store.remove("d/e");
      await store.remove("not/there");
      same(
        (await store.list("")).map(({ name }) => name),
        ["a"],
        "folders go with their last file",
      );
      await store.write("d", text("now a file"));
      await store.remove("");
      same([await store.list(""), await store.usage()], [[], 0], "everything");
    },
  },
  {
    name: "takes any name, and keeps names apart",
    async run(store) {
      const names = [
        ".",
        "..",
        "...",
        "a b",
        "ü",
        "日本",
        "%41",
        "A@b",
        'x*?:<>|\\"',
        "~f",
        "f",
        "con",
        "a.",
        " ",
        "'(!)",
      ];
      for (const [i, name] of names.entries()) await store.write(`${name}/${name}`, new Uint8Array(i + 1));
      same(
        (await store.list("")).map(({ name }) => name),
        [...names].sort(),
        "the list",
      );
      for (const [i, name] of names.entries()) same((await store.read(`${name}/${name}`))?.length, i + 1, name);
      await store.remove("../..");
      same((await store.list("")).length, names.length - 1, "all but one");
    },
  },
  {
    name: "refuses empty names, and a file where a folder is",
    async run(store) {
      for (const path of ["", "/a", "a/", "a//b"]) await refused(store.write(path, text("x")), `write "${path}"`);
      await store.write("a/b", text("x"));
      await refused(store.write("a", text("x")), "a file over a folder");
      await refused(store.write("a/b/c", text("x")), "a folder over a file");
      await refused(store.append("a", text("x")), "append to a folder");
      same([await readText(store, "a/b"), await store.usage()], ["x", 1], "untouched");
    },
  },
  {
    name: "parallel writers of one file leave one of them whole",
    async run(store) {
      await Promise.all(Array.from({ length: 12 }, (_, i) => store.write("f", new Uint8Array(5000 + i).fill(i))));
      const bytes = (await store.read("f"))!;
      same([bytes.length, new Set(bytes).size], [5000 + bytes[0]!, 1], "length and content");
    },
  },
  {
    name: "writes, reads and removals of one path keep their order",
    async run(store) {
      const done = [store.write("d/f", text("1")), store.remove("d"), store.write("d/f", text("2"))];
      same(await readText(store, "d/f"), "2", "the last write");
      await Promise.all(done);
      const last = [store.write("d/g", text("3")), store.remove("d/g"), store.read("d/g")];
      same((await Promise.all(last))[2], null, "after the removal");
    },
  },
  {
    name: "takes files larger than a slice",
    async run(store) {
      const bytes = pattern(17 * 2 ** 20 + 5, 1);
      await store.write("large", bytes);
      await store.writeAt("parts", 0, bytes.subarray(0, 9e6));
      await store.writeAt("parts", 9e6, bytes.subarray(9e6));
      for (const path of ["large", "parts"]) {
        const back = (await store.read(path))!;
        same([back.length, differsAt(back, 1)], [bytes.length, -1], path);
      }
      const middle = await (await store.open("large"))!.read(8e6, 17e6);
      same(
        middle.findIndex((byte, i) => byte !== bytes[8e6 + i]),
        -1,
        "across slices",
      );
    },
  },
];
