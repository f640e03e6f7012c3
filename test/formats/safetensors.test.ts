import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { DTYPE_BYTES, type Dtype, elementCount } from "../../src/core/dtype.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import {
  layoutSafetensors,
  openSafetensors,
  type TensorData,
  writeSafetensors,
} from "../../src/formats/safetensors.ts";

const open = (bytes: Uint8Array) => openSafetensors(memorySource("x.safetensors", bytes));

/** A file with this header text (and nothing checked) before `data` zero bytes. */
function raw(header: string, data: number | Uint8Array = 0, claimed?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const tail = typeof data === "number" ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + text.length + tail.length);
  new DataView(file.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  file.set(text, 8);
  file.set(tail, 8 + text.length);
  return file;
}

const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = "F32") =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

async function failure(bytes: Uint8Array): Promise<LorikeetError> {
  const error = await open(bytes).then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LorikeetError);
  return error as LorikeetError;
}

describe("reading", () => {
  it("gives offsets from the start of the file, and the bytes", async () => {
    const file = await open(raw(`{"w":${entry(0, 8)}}`, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])));
    const w = file.tensors.get("w")!;
    expect(w).toMatchObject({ name: "w", dtype: "F32", shape: [2] });
    expect(w.end - w.begin).toBe(8);
    expect([...(await file.read(w))]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...(await file.readRange(w, 2, 5))]).toEqual([3, 4, 5]);
    await expect(file.readRange(w, 4, 9)).rejects.toThrow('tensor "w": cannot read bytes 4 to 9 of 8');
  });

  it("survives what MLX writes: null metadata, unaligned data, offsets in any order", async () => {
    const header = `{"__metadata__":null,"a":${entry(4, 8)},"b":${entry(0, 4)}}`;
    const odd = header.length % 2 === 0 ? `${header} ` : header;
    const file = await open(raw(odd, new Uint8Array([0, 0, 0, 0, 9, 9, 9, 9])));
    expect(file.metadata).toEqual({});
    expect(file.tensors.get("a")!.begin % 2).toBe(1);
    const bytes = await file.read(file.tensors.get("a")!);
    expect([...new Uint32Array(bytes.buffer)]).toEqual([0x09090909]);
  });

  it("takes scalars, empty tensors and unknown keys in an entry", async () => {
    const file = await open(
      raw(
        `{"s":${entry(0, 4, [])},"e":${entry(4, 4, [3, 0])},"n":{"dtype":"U8","shape":[1],"data_offsets":[4,5],"x":1}}`,
        5,
      ),
    );
    expect(file.tensors.get("s")!.shape).toEqual([]);
    expect(file.tensors.get("e")!.shape).toEqual([3, 0]);
  });

  it("keeps __proto__ and constructor as ordinary names", async () => {
    const file = await open(
      raw(`{"__proto__":${entry(0, 4)},"constructor":${entry(4, 8)},"__metadata__":{"__proto__":"m"}}`, 8),
    );
    expect([...file.tensors.keys()].sort()).toEqual(["__proto__", "constructor"]);
    expect(Object.getOwnPropertyNames(file.metadata)).toEqual(["__proto__"]);
    expect(Object.hasOwn(Object.prototype, "dtype")).toBe(false);
  });
});

describe("refusing, one fault at a time", () => {
  const cases: [what: string, bytes: Uint8Array, message: RegExp][] = [
    ["an empty file", new Uint8Array(0), /expected 8 bytes, got 0: 8 bytes missing/],
    ["a header past the end", raw("", 0, 90n), /expected 98 bytes, got 8: 90 bytes missing/],
    ["a header of 0 bytes", raw("", 3), /expected a header, got one of 0 bytes/],
    ["a header of 2^63 bytes", raw("{}", 0, 2n ** 63n), /at most 100000000 bytes, got a length of 9223372036854775808/],
    ["a header that is no UTF-8", raw("", new Uint8Array([0xff]), 1n), /expected UTF-8/],
    ["a header that begins with a space", raw(" {}"), /expected "\{" as its first byte, got " "/],
    ["a header that is no JSON", raw("{"), /header: expected JSON/],
    ["a byte order mark", raw("\ufeff{}"), /expected "\{" as its first byte/],
    ["a cut file", raw(`{"w":${entry(0, 8)}}`, 6), /expected 70 bytes, got 68: 2 bytes missing/],
    ["bytes after the end", raw(`{"w":${entry(0, 4)}}`, 6), /got 2 more bytes that belong to no tensor/],
    ["an overlap", raw(`{"a":${entry(0, 8)},"b":${entry(4, 8)}}`, 8), /tensor "b": overlaps tensor "a" by 4 bytes/],
    [
      "a hole",
      raw(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12),
      /tensor "b": .*where tensor "a" ends, got a hole of 4/,
    ],
    ["a hole after the header", raw(`{"a":${entry(4, 8)}}`, 8), /where the header ends, got a hole of 4/],
    ["a wrong length", raw(`{"w":${entry(0, 8, [3])}}`, 8), /tensor "w": expected 12 bytes for F32 \[3\], got 8/],
    ["a shape that overflows", raw(`{"w":${entry(0, 8, [2 ** 40, 2 ** 40])}}`, 8), /more bytes than can be counted/],
    [
      "an overflow that a zero would hide",
      raw(`{"w":${entry(0, 0, [2 ** 40, 2 ** 40, 0])}}`),
      /more bytes than can be counted/,
    ],
    ["an unknown dtype", raw(`{"w":${entry(0, 4, [1], "F17")}}`, 4), /dtype: expected one of F64 .*, got "F17"/],
    ["a dtype from the prototype", raw(`{"w":${entry(0, 4, [1], "toString")}}`, 4), /got "toString"/],
    [
      "a negative size",
      raw(`{"w":${entry(0, 4, [-1, -1])}}`, 4),
      /shape: expected a list of whole numbers, got \[-1, -1\]/,
    ],
    ["a fraction", raw(`{"w":${entry(0, 4, [0.5, 2])}}`, 4), /got \[0.5, 2\]/],
    ["offsets in reverse", raw(`{"w":${entry(4, 0, [1])}}`, 4), /begin ≤ end, got \[4, 0\]/],
    [
      "an entry that is no object",
      raw(`{"w":[1]}`),
      /tensor "w": expected \{dtype, shape, data_offsets\}, got a list of 1/,
    ],
    ["metadata that is no text", raw(`{"__metadata__":{"a":1}}`), /__metadata__\.a: expected a string, got 1/],
    ["a name given twice", raw(`{"w":${entry(0, 4)},"w":${entry(4, 8)}}`, 8), /key "w": expected once, got it twice/],
    ["a name given twice in disguise", raw(`{"w":${entry(0, 4)},"\\u0077":${entry(4, 8)}}`, 8), /key "w"/],
  ];

  it.each(cases)("%s", async (_, bytes, message) => {
    const error = await failure(bytes);
    expect(error.kind).toBe("format");
    expect(error.message).toMatch(message);
    expect(error.message).toContain("x.safetensors");
  });

  it("control: the same header without a fault is taken", async () => {
    await expect(open(raw(`{"a":${entry(0, 4)},"b":${entry(4, 8)}}`, 8))).resolves.toBeDefined();
  });

  it("lists every faulty tensor in one error", async () => {
    const error = await failure(raw(`{"a":${entry(0, 8, [3])},"b":{"dtype":"F32"},"c":7}`, 8));
    expect(error.message).toMatch(/4 problems/);
    expect(error.message).toMatch(/tensor "a"[\s\S]*tensor "b": shape[\s\S]*tensor "b": data_offsets[\s\S]*tensor "c"/);
  });

  it("does not follow deep nesting", async () => {
    for (const [left, right] of ["[]", '{"a":}'].map((pair) => [pair.slice(0, -1), pair.slice(-1)] as const)) {
      const error = await failure(raw(`{"w":${left.repeat(200_000)}1${right.repeat(200_000)}}`));
      expect(error.message).toMatch(/at most 8 levels of nesting/);
    }
  });

  it("tells what stands there instead", async () => {
    const text = (s: string) => new TextEncoder().encode(s.padEnd(140));
    const lfs = await failure(text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"));
    expect(lfs.message).toMatch(/got a git-lfs pointer/);
    expect(lfs.hint).toMatch(/git lfs pull/);
    expect((await failure(text("<!DOCTYPE html><html>"))).hint).toMatch(/web page/);
    expect((await failure(text("PK\u0003\u0004archive/data.pkl"))).hint).toMatch(/PyTorch/);
  });
});

const dtypes = Object.keys(DTYPE_BYTES) as Dtype[];
const tensors = fc
  .uniqueArray(
    fc.record({
      // Names that JSON objects treat specially, and any text.
      name: fc.oneof(fc.constantFrom("__proto__", "10", "2", "a.b", 'q"\\', "π"), fc.string({ unit: "grapheme" })),
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
      seed: fc.nat(255),
    }),
    { selector: (t) => t.name, maxLength: 6 },
  )
  .map((list) => list.filter(({ name }) => name !== "__metadata__"))
  .map((list) =>
    list.map(({ name, dtype, shape, seed }): TensorData => {
      const bytes = new Uint8Array(elementCount(shape) * DTYPE_BYTES[dtype]).map((_, i) => seed + i);
      return { name, dtype, shape, bytes };
    }),
  );

describe("writing", () => {
  it("is read back as it was, whatever names, dtypes and shapes", async () => {
    await fc.assert(
      fc.asyncProperty(tensors, fc.dictionary(fc.string(), fc.string()), async (list, metadata) => {
        const bytes = writeSafetensors(list, metadata);
        const file = await open(bytes);
        expect(new Map(Object.entries(file.metadata))).toEqual(new Map(Object.entries(metadata)));
        expect([...file.tensors.keys()].sort()).toEqual(list.map((t) => t.name).sort());
        for (const { name, dtype, shape, bytes: expected } of list) {
          const info = file.tensors.get(name)!;
          expect([info.dtype, info.shape]).toEqual([dtype, shape]);
          expect(await file.read(info)).toEqual(expected);
        }
      }),
    );
  });

  it("sorts by name, leaves no gap and begins the data at a multiple of 8", async () => {
    const data = (name: string, length: number) => ({
      name,
      dtype: "U8" as const,
      shape: [length],
      bytes: new Uint8Array(length),
    });
    const bytes = writeSafetensors([data("b", 3), data("a", 5)], { format: "mlx" });
    const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(headerLength % 8).toBe(0);
    const file = await open(bytes);
    expect(file.metadata).toEqual({ format: "mlx" });
    expect(
      [...file.tensors.values()].map(({ name, begin, end }) => [name, begin - 8 - headerLength, end - begin]),
    ).toEqual([
      ["a", 0, 5],
      ["b", 5, 3],
    ]);
  });

  it("can be laid out without the data", () => {
    const list = [{ name: "w", dtype: "F16" as const, shape: [3, 5] }];
    const { header, size } = layoutSafetensors(list);
    expect(size).toBe(header.length + 30);
  });

  it("refuses bytes that do not fill the shape, and two tensors of one name", () => {
    const w: TensorData = { name: "w", dtype: "F32", shape: [2], bytes: new Uint8Array(8) };
    expect(() => writeSafetensors([{ ...w, bytes: new Uint8Array(7) }])).toThrow(
      'tensor "w": expected 8 bytes for F32 [2], got 7',
    );
    expect(() => writeSafetensors([w, w])).toThrow('tensor "w": expected one of this name, got two');
    expect(() => writeSafetensors([{ ...w, name: "__metadata__" }])).toThrow("the name is taken");
  });
});

/** Opens and reads everything; any error must be a LorikeetError, and no read may pass the end of the file. */
async function parsesOrRefuses(bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(bytes);
    for (const info of file.tensors.values()) {
      expect(info.end).toBeLessThanOrEqual(bytes.length);
      await file.read(info);
    }
  } catch (error) {
    if (!(error instanceof LorikeetError)) throw error;
  }
}

describe("fuzzing: parses or throws LorikeetError, never anything else", () => {
  const whole = tensors.map((list) => writeSafetensors(list, { format: "pt" }));

  it("every truncation is refused as incomplete", async () => {
    await fc.assert(
      fc.asyncProperty(whole, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (bytes, part) => {
        const error = await failure(bytes.slice(0, Math.floor(part * bytes.length)));
        expect(error.message).toMatch(/bytes missing/);
      }),
    );
  });

  it("single changed bytes", async () => {
    await fc.assert(
      fc.asyncProperty(whole, fc.nat(), fc.integer({ min: 1, max: 255 }), async (bytes, at, change) => {
        const changed = bytes.slice();
        changed[at % bytes.length]! ^= change;
        await parsesOrRefuses(changed);
      }),
      { numRuns: 1000 },
    );
  });

  it("arbitrary bytes and arbitrary JSON", async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), parsesOrRefuses));
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.nat(64), async (json, data) => parsesOrRefuses(raw(`{"t":${json}}`, data))),
    );
  });
});
