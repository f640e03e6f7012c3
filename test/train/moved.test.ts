/** Which factors moved, and how long B may lie still. */
import { describe, expect, it } from "vitest";
import type { AttachedLora } from "../../src/lora/attach.ts";
import { FirstMoves, unmovedFactors } from "../../src/train/moved.ts";

/** Two layers of A [4, 2] and B [2, 4], side by side. */
const factor = (offset: number) => ({ offset: 4 * offset, shape: [4, 2] });
const LORA = {
  slots: [
    { path: "one", A: factor(0), B: factor(8) },
    { path: "two", A: factor(16), B: factor(24) },
  ],
} as unknown as AttachedLora;
const ZERO = new Float32Array(32);
/** Zeros but for one number in each of these blocks of eight: 0 and 2 are the A, 1 and 3 the B. */
const moved = (...blocks: number[]) => ZERO.map((_, i) => (blocks.includes(i >> 3) && i % 8 === 5 ? 1e-9 : 0));

describe("unmovedFactors", () => {
  it("names what is the same to the last bit, A only from the second update on", () => {
    expect(unmovedFactors(LORA, ZERO, moved(0, 1, 2, 3), 2)).toEqual([]);
    expect(unmovedFactors(LORA, ZERO, moved(0, 1, 2), 2)).toEqual(["two.lora_B"]);
    expect(unmovedFactors(LORA, ZERO, moved(1, 3), 2)).toEqual(["one.lora_A", "two.lora_A"]);
    expect(unmovedFactors(LORA, ZERO, moved(1, 3), 1)).toEqual([]);
    expect(unmovedFactors(LORA, ZERO, ZERO, 0)).toEqual([]);
  });
});

describe("DoRA's magnitudes", () => {
  /** The same with magnitudes behind: blocks 4 and 5. */
  const slots = LORA.slots.map((slot, i) => ({ ...slot, magnitude: { offset: 4 * (32 + 8 * i), shape: [8] } }));
  const dora = { slots } as unknown as AttachedLora;
  const zero = new Float32Array(48);
  const with_ = (...blocks: number[]) => zero.map((_, i) => (blocks.includes(i >> 3) && i % 8 === 5 ? 1e-9 : 0));
  const magnitude = (layer: string) => `${layer}.lora_magnitude_vector`;

  it("move with the first update", () => {
    expect(unmovedFactors(dora, zero, with_(1, 3, 4, 5), 1)).toEqual([]);
    expect(unmovedFactors(dora, zero, with_(1, 3, 5), 1)).toEqual([magnitude("one")]);
  });

  it("must have a gradient: weight decay alone moves them, too", async () => {
    const moves = new FirstMoves(dora);
    const take = () => moves.take(zero, with_(0, 1, 2, 3, 4, 5), async () => with_(0, 1, 2, 3, 4));
    await take();
    await take();
    await expect(take()).rejects.toThrow(/^1 of 6 factors .* two\.lora_magnitude_vector\. They have no gradient/);
    const good = new FirstMoves(dora);
    for (let i = 0; i < 3; i++) await good.take(zero, with_(0, 1, 2, 3, 4, 5), async () => with_(0, 1, 2, 3, 4, 5));
    expect(good.due(1e-4)).toBe(false);
  });
});

describe("the check after the first updates", () => {
  const moments = (...blocks: number[]) => {
    let reads = 0;
    const read = async () => {
      reads += 1;
      return moved(...blocks);
    };
    return { read, reads: () => reads };
  };

  it("is not asked for at a rate of zero, nor once every B has moved and every A has a gradient", async () => {
    const moves = new FirstMoves(LORA);
    const { read, reads } = moments(0, 1, 2, 3);
    expect([moves.due(0), moves.due(1e-4)]).toEqual([false, true]);
    await moves.take(ZERO, moved(1, 3), read);
    expect([moves.due(1e-4), reads()]).toEqual([true, 0]);
    await moves.take(ZERO, moved(0, 1, 2, 3), read);
    expect([moves.due(1e-4), reads()]).toEqual([false, 1]);
  });

  it("gives a B three updates, and then says whether it has a gradient", async () => {
    for (const [m, cause] of [
      [[0, 1], /^1 of 4 factors learned nothing in 3 updates: two\.lora_B\. They have no gradient/],
      [[0, 1, 3], /two\.lora_B\. They have gradients, but the optimizer/],
    ] as const) {
      const moves = new FirstMoves(LORA);
      const { read, reads } = moments(...m);
      await moves.take(ZERO, moved(0, 1), read);
      await moves.take(ZERO, moved(0, 1), read);
      // The moments cost a wait for the GPU: nobody asks for them before it counts.
      expect(reads()).toBe(0);
      await expect(moves.take(ZERO, moved(0, 1), read)).rejects.toThrow(cause);
    }
  });

  it("is not deceived by an A that weight decay alone moves", async () => {
    const moves = new FirstMoves(LORA);
    const { read } = moments(0, 1, 3);
    for (let i = 0; i < 2; i++) await moves.take(ZERO, moved(0, 1, 2, 3), read);
    await expect(moves.take(ZERO, moved(0, 1, 2, 3), read)).rejects.toThrow(/: two\.lora_A\. They have no gradient/);
  });

  it("is content when the B moves at last", async () => {
    const moves = new FirstMoves(LORA);
    const { read } = moments(0, 1, 2, 3);
    for (const at of [moved(0, 1), moved(0, 1), moved(0, 1, 2, 3)]) await moves.take(ZERO, at, read);
    expect(moves.due(1e-4)).toBe(false);
  });
});
