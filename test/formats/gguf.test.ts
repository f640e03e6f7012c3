import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { gguf } from "@huggingface/gguf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ByteSource, memorySource } from "../../src/core/bytes.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import { type GgufEntry, type GgufTensorData, openGguf, writeGguf } from "../../src/formats/gguf.ts";
import { ggufBytes, type Piece } from "./gguf-pieces.ts";

const ENTRIES: GgufEntry[] = [
  { key: "general.architecture", type: "string", value: "llama" },
  { key: "general.name", type: "string", value: "Ünïcode 🦜" },
  { key: "general.file_type", type: "u32", value: 0 },
  { key: "adapter.lora.alpha", type: "f32", value: 16 },
];
const f32 = (name: string, shape: number[]): GgufTensorData => ({
  ...{ name, dtype: "F32", shape },
  bytes: new Uint8Array(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i / 3).buffer),
});
const half: GgufTensorData = { name: "half", dtype: "F16", shape: [3], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6) };
const TENSORS = [f32("blk.0.attn_q.weight.lora_a", [2, 5]), half, f32("one", [7]), f32("deep", [2, 3, 4])];
const WHOLE = writeGguf(ENTRIES, TENSORS);

const open = (bytes: Uint8Array) => openGguf(memorySource("a.gguf", bytes));

async function failure(bytes: Uint8Array): Promise<LorikeetError> {
  const error = await open(bytes).then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LorikeetError);
  return error as LorikeetError;
}

/** What the Hub's own reader makes of a file. */
async function readElsewhere(bytes: Uint8Array) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "gguf-"));
  try {
    writeFileSync(path.join(folder, "a.gguf"), bytes);
    return await gguf(path.join(folder, "a.gguf"), { allowLocalFile: true });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("what is written", () => {
  it("is what another reader finds: keys, names, axes innermost first, types, aligned places", async () => {
    const { metadata, tensorInfos, tensorDataOffset } = await readElsewhere(WHOLE);
    expect(metadata).toMatchObject({
      ...{ version: 3, tensor_count: 4n, kv_count: 4n },
      ...{ "general.architecture": "llama", "general.name": "Ünïcode 🦜", "adapter.lora.alpha": 16 },
    });
    expect(tensorInfos.map(({ name, dtype, shape, offset }) => [name, dtype, shape, offset])).toEqual([
      ["blk.0.attn_q.weight.lora_a", 0, [5n, 2n], 0n],
      ["half", 1, [3n], 64n],
      ["one", 0, [7n], 96n],
      ["deep", 0, [4n, 3n, 2n], 128n],
    ]);
    expect(Number(tensorDataOffset) % 32).toBe(0);
    for (const [i, { bytes }] of TENSORS.entries()) {
      const at = Number(tensorDataOffset) + Number(tensorInfos[i]!.offset);
      expect(WHOLE.slice(at, at + bytes.length)).toEqual(bytes);
    }
    expect(WHOLE.length).toBe(Number(tensorDataOffset) + 128 + 96);
  });

  it("is what our reader finds", async () => {
    const file = await open(WHOLE);
    expect([...file.metadata]).toEqual(ENTRIES.map(({ key, value }) => [key, value]));
    for (const { name, dtype, shape, bytes } of TENSORS) {
      const tensor = file.tensors.get(name)!;
      expect(tensor).toMatchObject({ dtype, shape });
      expect(await file.read(tensor)).toEqual(bytes);
    }
  });

  it("refuses bytes that do not fill the shape, names too long for llama.cpp, and two of one name", () => {
    expect(() => writeGguf([], [{ ...half, bytes: new Uint8Array(5) }])).toThrow("expected 6 bytes for F16 [3], got 5");
    expect(() => writeGguf([], [half, half])).toThrow("expected one of this name, got two");
    expect(() => writeGguf([], [{ ...half, name: "x".repeat(64) }])).toThrow(
      "expected a name of at most 63 bytes, got 64",
    );
    expect(writeGguf([], [{ ...half, name: "x".repeat(63) }])).toBeDefined();
  });
});

describe("reading", () => {
  const key = (name: string, type: number, ...value: Piece[]): Piece[] => [{ text: name }, { u32: type }, ...value];

  it("every type of value; lists by their length", async () => {
    const keys = [
      ...key("u8", 0, { u8: 200 }),
      ...key("i8", 1, { u8: 200 }),
      ...key("u64", 10, { u64: 2n ** 60n }),
      ...key("f64", 12, { u64: 0x3ff8000000000000n }),
      ...key("yes", 7, { u8: 1 }),
      ...key("list", 9, { u32: 4 }, { u64: 2n }, { u32: 7 }, { u32: 8 }),
      ...key("texts", 9, { u32: 8 }, { u64: 2n }, { text: "a" }, { text: "bc" }),
      ...key("lists", 9, { u32: 9 }, { u64: 1n }, { u32: 0 }, { u64: 2n }, { u8: 1 }, { u8: 2 }),
      ...key("last", 8, { text: "end" }),
    ];
    const { metadata } = await open(ggufBytes({ keyCount: 9n, keys, tensors: [] }));
    expect(Object.fromEntries(metadata)).toEqual({
      ...{ u8: 200, i8: -56, u64: 2n ** 60n, f64: 1.5, yes: true },
      ...{ list: { count: 2 }, texts: { count: 2 }, lists: { count: 1 }, last: "end" },
    });
  });

  it("another alignment, and a header longer than the first read", async () => {
    const keys = [...key("general.alignment", 4, { u32: 64 }), ...key("long", 8, { text: "x".repeat(300_000) })];
    const tensors: Piece[] = [{ text: "t" }, { u32: 1 }, { u64: 1n }, { u32: 0 }, { u64: 64n }];
    const head = ggufBytes({ tensorCount: 1n, keyCount: 2n, keys, tensors });
    const begin = Math.ceil(head.length / 64) * 64;
    const bytes = new Uint8Array(begin + 68);
    bytes.set(head);
    expect((await open(bytes)).tensors.get("t")).toMatchObject({ begin: begin + 64, end: begin + 68 });
  });

  it("takes no more of a large file than its header", async () => {
    const big = { ...half, dtype: "F32" as const, shape: [1_000_000], bytes: new Uint8Array(4_000_000) };
    const bytes = writeGguf(ENTRIES, [big]);
    let taken = 0;
    const source: ByteSource = {
      ...{ name: "a.gguf", size: bytes.length },
      async read(begin, end) {
        taken += end - begin;
        return bytes.slice(begin, end);
      },
    };
    await openGguf(source);
    expect(taken).toBeLessThanOrEqual(65_536);
  });

  it("lists tensors of quantised types, and reads none of them", async () => {
    const tensors: Piece[] = [{ text: "q" }, { u32: 1 }, { u64: 32n }, { u32: 8 }, { u64: 0n }];
    const file = await open(
      new Uint8Array([...ggufBytes({ tensorCount: 1n, keys: [], tensors }), ...new Uint8Array(96)]),
    );
    expect(file.tensors.get("q")).toMatchObject({ dtype: null, type: 8, end: null });
    expect(() => file.read(file.tensors.get("q")!)).toThrow("ggml's type 8 is not read here");
  });
});

describe("hostile files", () => {
  const HUGE = 2n ** 60n;
  const tensor = (name: string, dims: bigint[], offset: bigint): Piece[] => [
    ...[{ text: name }, { u32: dims.length }, ...dims.map((dim) => ({ u64: dim })), { u32: 0 }, { u64: offset }],
  ];
  const withTensors = (...list: Piece[][]) => {
    const head = ggufBytes({ tensorCount: BigInt(list.length), keys: [], tensors: list.flat() });
    const bytes = new Uint8Array(Math.ceil(head.length / 32) * 32 + 96);
    bytes.set(head);
    return bytes;
  };
  const withKey = (...pieces: Piece[]) => ggufBytes({ keyCount: 1n, keys: [{ text: "k" }, ...pieces], tensors: [] });

  it.each<[string, Uint8Array, string]>([
    ["another magic", new TextEncoder().encode("<!doctype html> and so on"), 'expected "GGUF" as its first bytes'],
    ["nothing", new Uint8Array(0), "the file ends at byte 0"],
    ["version 1", ggufBytes({ version: 1, keys: [], tensors: [] }), "expected GGUF version 2 or 3, got 1"],
    ["big-endian", ggufBytes({ version: 0x3000000, keys: [], tensors: [] }), "written for big-endian machines"],
    ["2⁶⁰ tensors", ggufBytes({ tensorCount: HUGE, keys: [], tensors: [] }), "tensors: expected at most 65536"],
    [
      "more tensors than bytes",
      ggufBytes({ tensorCount: 60_000n, keys: [], tensors: [] }),
      "the rest of the file, got 1440000",
    ],
    ["2⁶⁴ − 1 keys", ggufBytes({ keyCount: 2n ** 64n - 1n, keys: [], tensors: [] }), "keys: expected at most 65536"],
    ["a text of 2⁶⁰ bytes", withKey({ u32: 8 }, { u64: HUGE }), "k: expected at most 0 bytes, the rest of the file"],
    [
      "a list of 2⁶⁰",
      withKey({ u32: 9 }, { u32: 4 }, { u64: HUGE }),
      "k: expected at most 0 bytes, the rest of the file",
    ],
    [
      "a list of 2⁶¹ eights, which overflows",
      withKey({ u32: 9 }, { u32: 10 }, { u64: 2n ** 61n }),
      "k: expected at most 0",
    ],
    [
      "lists in lists in lists",
      withKey({ u32: 9 }, ...Array.from({ length: 9 }, () => [{ u32: 9 }, { u64: 1n }]).flat()),
      "expected at most 8 lists in each other",
    ],
    ["a type that is none", withKey({ u32: 13 }), "k: expected a type from 0 to 12, got 13"],
    [
      "a list of a type that is none",
      withKey({ u32: 9 }, { u32: 99 }, { u64: 0n }),
      "k: expected a type from 0 to 12, got 99",
    ],
    ["text that is not UTF-8", withKey({ u32: 8 }, { u64: 1n }, { u8: 0xff }), "k: expected UTF-8"],
    [
      "a key twice",
      ggufBytes({
        keyCount: 2n,
        keys: [{ text: "k" }, { u32: 0 }, { u8: 1 }, { text: "k" }, { u32: 0 }, { u8: 1 }],
        tensors: [],
      }),
      'key "k": expected once, got it twice',
    ],
    [
      "alignment 0",
      ggufBytes({ keyCount: 1n, keys: [{ text: "general.alignment" }, { u32: 4 }, { u32: 0 }], tensors: [] }),
      "general.alignment: expected a power of two, got 0",
    ],
    [
      "alignment 48",
      ggufBytes({ keyCount: 1n, keys: [{ text: "general.alignment" }, { u32: 4 }, { u32: 48 }], tensors: [] }),
      "expected a power of two, got 48",
    ],
    ["no axes", withTensors(tensor("t", [], 0n)), "expected 1 to 4 axes, got 0"],
    ["2³² axes", withTensors([{ text: "t" }, { u32: 2 ** 32 - 1 }]), "expected 1 to 4 axes, got 4294967295"],
    [
      "a name of 65 bytes",
      withTensors(tensor("x".repeat(65), [1n], 0n)),
      "tensor name: expected at most 64 bytes, got 65",
    ],
    [
      "a size that overflows",
      withTensors(tensor("t", [2n ** 32n, 2n ** 32n, 4n], 0n)),
      "expected within the 96 bytes of data",
    ],
    ["an offset of −32", withTensors(tensor("t", [1n], 2n ** 64n - 32n)), "expected within the 96 bytes of data"],
    ["an offset between", withTensors(tensor("t", [1n], 8n)), "offset: expected a multiple of 32, got 8"],
    ["past the end", withTensors(tensor("t", [25n], 0n)), "[25] at offset 0: expected within the 96 bytes of data"],
    ["overlapping", withTensors(tensor("a", [12n], 0n), tensor("b", [1n], 32n)), 'tensor "b": overlaps a by 16 bytes'],
    [
      "the same name twice",
      withTensors(tensor("a", [1n], 0n), tensor("a", [1n], 32n)),
      'tensor "a": expected one of this name, got two',
    ],
  ])("%s", async (_, bytes, message) => {
    expect((await failure(bytes)).message).toContain(message);
  });

  it("control: the same pieces, as they should be, are read", async () => {
    expect((await open(withTensors(tensor("a", [8n], 0n), tensor("b", [16n], 32n)))).tensors.size).toBe(2);
    expect((await open(withKey({ u32: 8 }, { text: "v" }))).metadata.get("k")).toBe("v");
  });

  it("every truncation is refused", async () => {
    for (let length = 0; length < WHOLE.length; length += 7) {
      expect((await failure(WHOLE.slice(0, length))).kind).toBe("format");
    }
  });

  it("changed bytes and arbitrary ones are read or refused, never anything else", async () => {
    const judge = async (bytes: Uint8Array) => {
      try {
        const file = await open(bytes);
        for (const info of file.tensors.values()) {
          if (info.end === null) continue;
          expect(info.end).toBeLessThanOrEqual(bytes.length);
          await file.read(info);
        }
      } catch (error) {
        if (!(error instanceof LorikeetError)) throw error;
      }
    };
    await fc.assert(
      fc.asyncProperty(fc.nat(WHOLE.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = WHOLE.slice();
        changed[at]! ^= change;
        await judge(changed);
      }),
      { numRuns: 1000 },
    );
    const head = fc.uint8Array({ maxLength: 300 }).map((rest) => new Uint8Array([...WHOLE.slice(0, 8), ...rest]));
    await fc.assert(fc.asyncProperty(head, judge), { numRuns: 500 });
  });
});
