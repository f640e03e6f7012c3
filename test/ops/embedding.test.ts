import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { fetchFloats } from "../../src/gpu/device.ts";
import { Program } from "../../src/gpu/program.ts";
import { recordEmbedding } from "../../src/ops/embedding.ts";
import { embeddingForward } from "../reference/embedding.ts";
import { expectClose, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { indexTensor } from "../support/run-op.ts";
import { hostTensor } from "../support/values.ts";
import { rounded, usingWeight, WEIGHT_ELEMENTS, withBinding } from "../support/weights.ts";

const CASES = WEIGHT_ELEMENTS.flatMap((element) => [
  { element, N: 1, V: 1, C: 4, shardRows: 1 },
  { element, N: 65, V: 300, C: 12, shardRows: 300 },
  { element, N: 33, V: 300, C: 8, shardRows: 128 },
]);

describe("embedding", () => {
  it.each(CASES)(
    "copies rows, and multiplies them: $element, $N ids of $V words, $shardRows to a shard",
    async (shape) => {
      const { element, N, V, C, shardRows } = shape;
      const random = new Random(N);
      const device = await testDevice();
      const table = rounded(hostTensor(random, [V, C]), element);
      // First and last row of every shard, and any in between.
      const borders = [0, shardRows - 1, shardRows, V - 1].filter((id) => id < V);
      const ids = Array.from({ length: N }, (_, n) => borders[n] ?? random.below(V));
      const before = device.memory.live;
      const bytes = element === "f32" ? 4 : 2;
      await usingWeight(withBinding(device, shardRows * C * bytes), table, element, async (weight) => {
        expect(weight.shards).toHaveLength(Math.ceil(V / shardRows));
        const program = new Program();
        const x = recordEmbedding(program, indexTensor(program, ids), weight);
        expect(x.shape).toEqual([N, C]);
        const values = await fetchFloats(device, program, x);
        expectClose(values, embeddingForward(table.values, ids, C, 1), TOLERANCE.copy, "embedding");

        const other = new Program();
        const scale = Math.fround(Math.sqrt(2304));
        const scaled = await fetchFloats(device, other, recordEmbedding(other, indexTensor(other, ids), weight, scale));
        const expected = embeddingForward(table.values, ids, C, scale);
        expectClose(scaled, expected, TOLERANCE.pointwise, "scaled");
        const wrong = () =>
          expectClose(
            scaled,
            expected.map((x) => 1.001 * x),
            TOLERANCE.pointwise,
            "scaled",
          );
        expect(wrong).toThrow("relative L2");
      });
      await device.idle();
      expect(device.memory.live).toBe(before);
    },
  );

  it("refuses ids that are not u32 [N]", async () => {
    const program = new Program();
    const table = { shape: [4, 8], element: "f32", shards: [] } as const;
    expect(() => recordEmbedding(program, program.tensor([3], "ids", "u32"), table)).not.toThrow();
    expect(() => recordEmbedding(program, program.tensor([3], "ids"), table)).toThrow(
      "[embedding] ids are [3] f32, expected u32 [N]",
    );
    expect(() => recordEmbedding(program, program.tensor([3, 1], "ids", "u32"), table)).toThrow("ids are [3,1] u32");
  });
});
