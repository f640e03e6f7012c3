/** Which factors moved, and how long B may lie still. */
import { describe, expect, it } from "vitest";
import type { AttachedLora } from "../../src/lora/attach.ts";
import { FirstMoves, someOf, unmovedFactors } from "../../src/train/moved.ts";

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
/** The moments cost a wait for the GPU: nobody asks for them while all is well. */
const neverRead = () => Promise.reject(new Error("the moments were read"));
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

describe("the check after the first update", () => {
  it("is not asked for at a rate of zero, and no more once every B has moved", async () => {
    const moves = new FirstMoves(LORA);
    expect([moves.due(0), moves.due(1e-4)]).toEqual([false, true]);
    await moves.take(ZERO, moved(1, 3), neverRead);
    expect(moves.due(1e-4)).toBe(false);
  });

  it("gives a B three updates, and then says whether it has a gradient", async () => {
    for (const [m, cause] of [
      [moved(1), /two\.lora_B\. They have no gradient/],
      [moved(1, 3), /two\.lora_B\. They have gradients, but the optimizer/],
    ] as const) {
      const moves = new FirstMoves(LORA);
      await moves.take(ZERO, moved(1), neverRead);
      await moves.take(ZERO, moved(1), neverRead);
      await expect(moves.take(ZERO, moved(1), async () => m)).rejects.toThrow(cause);
    }
  });

  it("is content when the B moves at last", async () => {
    const moves = new FirstMoves(LORA);
    await moves.take(ZERO, moved(1), neverRead);
    await moves.take(ZERO, moved(1), neverRead);
    await moves.take(ZERO, moved(1, 3), neverRead);
    expect(moves.due(1e-4)).toBe(false);
  });
});

it("someOf shows six names and how many more there are", () => {
  expect(someOf(["a", "b"])).toBe("a, b");
  expect(someOf([..."abcdefgh"])).toBe("a, b, c, d, e, f and 2 more");
});
