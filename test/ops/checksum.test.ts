/** The checksum equals the reference to the last bit, and whatever happens to a tensor changes it. */
import { afterEach, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { MAX_GRID } from "../../src/gpu/kernel.ts";
import { Program } from "../../src/gpu/program.ts";
import { sliceRows, type Tensor } from "../../src/gpu/tensor.ts";
import { type ChecksumPiece, checksumPartial, checksumTotal, recordChecksums } from "../../src/ops/checksum.ts";
import { checksum } from "../reference/checksum.ts";
import { testDevice } from "../support/device.ts";

const device = await testDevice();
const placed: Tensor[] = [];
afterEach(() => {
  for (const tensor of placed.splice(0)) device.free(tensor);
});

function place(words: Uint32Array<ArrayBuffer>): Tensor {
  const tensor = device.allocate([words.length], "words", "u32");
  device.upload(tensor, new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  placed.push(tensor);
  return tensor;
}

async function sumsOf(pieces: readonly ChecksumPiece[]): Promise<[number, number][]> {
  const program = new Program();
  const reading = program.read(recordChecksums(program, pieces));
  await device.run(program);
  const bytes = await reading;
  const values = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * pieces.length);
  return pieces.map((_, i) => [values[2 * i]!, values[2 * i + 1]!]);
}

const sumOf = async (words: Uint32Array<ArrayBuffer>, firstWord = 0): Promise<[number, number]> =>
  (await sumsOf([{ tensor: place(words), firstWord }]))[0]!;

const randomWords = (count: number, seed = 1): Uint32Array<ArrayBuffer> => {
  const random = new Random(seed);
  return Uint32Array.from({ length: count }, () => random.uint32());
};

describe("checksum against BigInt", () => {
  // Around a vec4, a workgroup's round, all workgroups' first round; one that every workgroup goes over thrice.
  const sizes = [1, 2, 3, 4, 5, 511, 512, 513, 4099, 1024 * 512, 1024 * 512 + 1, 2 * 1024 * 512 + 1027];
  it.each(sizes)("%i words", async (count) => {
    const words = randomWords(count);
    expect(await sumOf(words)).toEqual(checksum(words));
  });

  it("words that are all zeros, all ones, and a first word past 2³¹", async () => {
    for (const words of [new Uint32Array(1000), new Uint32Array(1000).fill(0xffffffff)]) {
      expect(await sumOf(words)).toEqual(checksum(words));
      expect(await sumOf(words, 4_000_000_000)).toEqual(checksum(words, 4_000_000_000));
    }
    // All zeros is no special case: longer ones have another sum.
    expect(await sumOf(new Uint32Array(1000))).not.toEqual(await sumOf(new Uint32Array(1001)));
  });

  it("many pieces at once, small ones beside large ones, each in its own place", async () => {
    const parts = [3, 70_000, 1, 513, 2048].map((count, i) => randomWords(count, i));
    const pieces = parts.map((words, i) => ({ tensor: place(words), firstWord: 100 * i }));
    expect(await sumsOf(pieces)).toEqual(parts.map((words, i) => checksum(words, 100 * i)));
  });

  it("is the same in every run, and the sum of the parts however it is cut", async () => {
    const words = randomWords(9000);
    const tensor = place(words);
    const [whole] = await sumsOf([{ tensor, firstWord: 0 }]);
    expect(await sumsOf([{ tensor, firstWord: 0 }])).toEqual([whole]);
    for (const cut of [64, 4096, 8960]) {
      const parts = await sumsOf([
        { tensor: sliceRows(tensor, 0, cut), firstWord: 0 },
        { tensor: sliceRows(tensor, cut, 9000 - cut), firstWord: cut },
      ]);
      expect([0, 1].map((lane) => (parts[0]![lane as 0]! + parts[1]![lane as 0]!) % 2 ** 32)).toEqual(whole);
    }
  });
});

describe("checksum: what it notices", () => {
  const count = 5003;
  const change = (edit: (words: Uint32Array<ArrayBuffer>) => void): Uint32Array<ArrayBuffer> => {
    const words = randomWords(count);
    edit(words);
    return words;
  };
  const swap = (words: Uint32Array, a: number, b: number) => {
    [words[a], words[b]] = [words[b]!, words[a]!];
  };

  it("nothing where nothing changed", async () => {
    expect(await sumOf(change(() => {}))).toEqual(await sumOf(randomWords(count)));
  });

  it("any one bit of the first, a middle and the last word, in both sums", async () => {
    const whole = await sumOf(randomWords(count));
    const flips = [0, 2500, count - 1].flatMap((at) => Array.from({ length: 32 }, (_, bit) => [at, bit] as const));
    const tensors = flips.map(([at, bit]) => place(change((words) => words.set([words[at]! ^ (1 << bit)], at))));
    const sums = await sumsOf(tensors.map((tensor) => ({ tensor, firstWord: 0 })));
    for (const [i, flip] of flips.entries()) {
      expect(sums[i]![0], `word and bit ${flip}`).not.toBe(whole[0]);
      expect(sums[i]![1], `word and bit ${flip}`).not.toBe(whole[1]);
    }
  });

  it.each<[string, (words: Uint32Array<ArrayBuffer>) => void]>([
    ["neighbours swapped", (words) => swap(words, 100, 101)],
    ["words of different vec4s swapped", (words) => swap(words, 3, 4000)],
    ["words a workgroup's round apart swapped", (words) => swap(words, 7, 7 + 512)],
    ["a block shifted by one", (words) => words.copyWithin(1001, 1000, 1512)],
    ["two rows of 64 swapped", (words) => words.set([...words.slice(64, 128), ...words.slice(0, 64)])],
    ["the same bit flipped in two words", (words) => words.set([words[10]! ^ 1, words[11]! ^ 1], 10)],
    ["one added here and taken there", (words) => words.set([words[10]! + 1, words[11]! - 1], 10)],
    ["the sign of every word", (words) => words.set(words.map((word) => word ^ 0x80000000))],
    ["the lowest bit of every word", (words) => words.set(words.map((word) => word ^ 1))],
    ["everything zero", (words) => words.fill(0)],
  ])("%s, in both sums", async (_, edit) => {
    const whole = await sumOf(randomWords(count));
    const changed = await sumOf(change(edit));
    expect(changed[0]).not.toBe(whole[0]);
    expect(changed[1]).not.toBe(whole[1]);
  });

  it("not what lies behind the last word, in the padding of its vec4", async () => {
    const tensor = device.allocate([16], "padded", "u32");
    placed.push(tensor);
    const words = randomWords(16);
    device.upload(tensor, new Uint8Array(words.buffer));
    for (const length of [13, 14, 15]) {
      const [sums] = await sumsOf([{ tensor: { ...tensor, shape: [length] }, firstWord: 0 }]);
      expect(sums).toEqual(checksum(words.subarray(0, length)));
    }
  });
});

describe("checksum: grids", () => {
  it("stays within what a dimension holds, however large the tensor and however many the tensors", () => {
    const dry = new DryDevice({ maxBinding: 2 ** 32, maxBuffer: 2 ** 32 });
    // 2³⁰ words would be two million workgroups of one round each.
    const program = new Program();
    recordChecksums(program, [{ tensor: dry.allocate([2 ** 30 - 4], "huge", "u32"), firstWord: 0 }]);
    const [partial] = program.commands.filter((command) => command.kind === "dispatch");
    expect(checksumPartial.grid(partial!.params)).toEqual([1024, 1, 1]);
    const [x, y] = checksumTotal.grid({ pieces: 70_000 });
    expect(Math.max(x, y)).toBeLessThanOrEqual(MAX_GRID);
    expect(x * y).toBeGreaterThanOrEqual(70_000);
  });
});
