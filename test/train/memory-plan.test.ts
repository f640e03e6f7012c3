/** "auto" recomputes as few blocks as fit: no other number does better, and more room never means more work. */
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import { findEntry } from "../../src/hub/catalogue.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { estimateUpdate } from "../../src/train/estimate.ts";
import { comfortableBytes, type MemoryBudget, memoryBudget } from "../../src/train/memory-budget.ts";
import { recomputedWords } from "../../src/train/memory-parts.ts";
import { type PlanInput, planMemory } from "../../src/train/memory-plan.ts";

const inputOf = (id: string, tokens: number, knobs: Parameters<typeof resolveConfig>[0] = {}): PlanInput => {
  const { config, dtype } = findEntry(id)!;
  return {
    ...{ config: parseModelConfig(config, id), element: dtype, train: resolveConfig(knobs, "test") },
    lengths: [{ tokens, supervised: tokens - 1 }],
  };
};

/** A budget in which `bytes` are comfortable, as a person would have said. */
function roomFor(bytes: number): MemoryBudget {
  const budget = { ...memoryBudget({ chosen: 16 }), bytes: Math.ceil(bytes / 0.8) };
  expect(comfortableBytes(budget)).toBeGreaterThanOrEqual(bytes);
  return budget;
}

const peaksOf = (input: PlanInput): Promise<number[]> =>
  Promise.all(
    Array.from(
      { length: input.config.num_hidden_layers + 1 },
      async (_, recomputed) => (await estimateUpdate({ ...input, recomputed })).peakBytes,
    ),
  );

describe.each([
  ["HuggingFaceTB/SmolLM2-135M-Instruct", 512, {}],
  ["Qwen/Qwen2.5-0.5B-Instruct", 2048, {}],
  ["meta-llama/Llama-3.2-1B-Instruct", 2048, { numLayers: 6 }],
] as const)("%s at %i tokens, %o", (id, tokens, knobs) => {
  const input = inputOf(id, tokens, knobs);
  const all = input.config.num_hidden_layers;

  it("needs less with each block more, and 'auto' takes the fewest that fit", async () => {
    const peaks = await peaksOf(input);
    const reached = "numLayers" in knobs ? knobs.numLayers : all;
    for (const [i, peak] of peaks.entries()) {
      // Blocks below the lowest adapter keep nothing, so there is nothing to be saved.
      if (i > reached) expect(peak).toBe(peaks[reached]);
      else if (i > 0) expect(peak).toBeLessThan(peaks[i - 1]!);
    }

    const chosen: number[] = [];
    for (const i of [reached, reached - 1, reached >> 1, 1, 0]) {
      const { blocks, estimate } = await planMemory(input, roomFor(peaks[i]!));
      expect(blocks).toEqual({ recomputed: i, all });
      expect(estimate.peakBytes).toBe(peaks[i]);
      chosen.push(blocks.recomputed);
      // The control: with a little less room that number no longer does.
      const less = { ...roomFor(peaks[i]!), bytes: peaks[i]! / 0.8 - 8 };
      const next = await planMemory(input, less);
      expect(next.blocks.recomputed).toBe(i < reached ? i + 1 : all);
    }
    expect(chosen).toEqual(chosen.toSorted((a, b) => b - a));
  });
});

describe("checkpointing", () => {
  const id = "Qwen/Qwen2.5-0.5B-Instruct";
  const plan = async (checkpointing: unknown, budget: MemoryBudget | null = null) =>
    (await planMemory(inputOf(id, 2048, { checkpointing }), budget)).blocks.recomputed;

  it("is all blocks, none, or the number that was given, whatever the budget", async () => {
    for (const budget of [null, roomFor(1), roomFor(1e12)]) {
      expect(await plan("on", budget)).toBe(24);
      expect(await plan("off", budget)).toBe(0);
      expect(await plan(9, budget)).toBe(9);
      expect(await plan(99, budget)).toBe(24);
    }
    expect(await plan("auto", roomFor(1))).toBe(24);
    expect(await plan("auto", roomFor(1e12))).toBe(0);
    for (const wrong of [-1, 1.5, "12", "some"]) {
      expect(() => resolveConfig({ checkpointing: wrong }, "test")).toThrow(
        `checkpointing: expected one of auto, on, off, or a number of blocks, got ${JSON.stringify(wrong)}`,
      );
    }
  });

  it("lets an update take 2 GiB beside the weights where nobody knows the memory, and less where it may be small", async () => {
    const input = inputOf(id, 2048);
    const unknown = await planMemory(input, null);
    const beside = (at: typeof unknown) => at.estimate.peakBytes - at.estimate.weightBytes;
    expect(beside(unknown)).toBeLessThanOrEqual(2 * 2 ** 30);
    const before = await estimateUpdate({ ...input, recomputed: unknown.blocks.recomputed - 1 });
    expect(before.peakBytes - before.weightBytes).toBeGreaterThan(2 * 2 ** 30);

    // A computer's 64 GiB are not a card's; the 8 GiB that are assumed where nothing is known are a bound all the same.
    const apart = memoryBudget({ chosen: 64, apart: true });
    expect((await planMemory(input, apart)).blocks).toEqual(unknown.blocks);
    expect(await plan("auto", memoryBudget({ chosen: 64 }))).toBe(0);
    const assumed = { ...memoryBudget({}), bytes: unknown.estimate.peakBytes };
    expect(await plan("auto", assumed)).toBeGreaterThan(unknown.blocks.recomputed);
  });

  it("is told in words", () => {
    const words = [0, 9, 24].map((recomputed) => recomputedWords({ recomputed, all: 24 }));
    expect(words).toEqual(["", "recomputes 9 of 24 blocks", "recomputes all 24 blocks"]);
  });
});
